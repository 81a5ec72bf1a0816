package sumdb

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/tlog"
)

func TestParse(t *testing.T) {
	long := strings.Repeat("a", 240)
	tests := []struct {
		name, path string
		file       string // if it is good
		err        error
	}{
		{"supported", "supported", "", nil},
		{"latest", "latest", "", nil},
		{"lookup", "lookup/example.com/m@v1.0.0", "lookup/example.com/m/@v/v1.0.0", nil},
		{"lookup_upper", "lookup/example.com/!m@v1.0.0-!r!c1", "lookup/example.com/!m/@v/v1.0.0-!r!c1", nil},
		{"lookup_incompatible", "lookup/example.com/m@v2.0.0+incompatible", "lookup/example.com/m/@v/v2.0.0+incompatible", nil},
		{"lookup_toolchain", "lookup/golang.org/toolchain@v0.0.1-go1.26.0.linux-amd64", "lookup/golang.org/toolchain/@v/v0.0.1-go1.26.0.linux-amd64", nil},
		{"lookup_gopkg", "lookup/gopkg.in/yaml.v3@v3.0.1", "lookup/gopkg.in/yaml.v3/@v/v3.0.1", nil},
		{"lookup_pseudo", "lookup/example.com/m/v2@v2.0.0-20240101120000-aaaaaaaaaaaa", "lookup/example.com/m/v2/@v/v2.0.0-20240101120000-aaaaaaaaaaaa", nil},
		{"tile", "tile/8/0/000", "tile/8/0/000", nil},
		{"tile_partial", "tile/8/0/000.p/255", "tile/8/0/000", nil},
		{"tile_far", "tile/8/3/x001/x234/067.p/1", "tile/8/3/x001/x234/067", nil},
		{"tile_data", "tile/8/data/x001/234", "tile/8/data/x001/234", nil},

		{"empty", "", "", ErrBadPath},
		{"rooted", "/latest", "", ErrBadPath},
		{"slash_after", "latest/", "", ErrBadPath},
		{"unknown", "config", "", ErrBadPath},
		{"upper", "Latest", "", ErrBadPath},
		{"lookup_nothing", "lookup/", "", ErrBadPath},
		{"lookup_no_version", "lookup/example.com/m", "", ErrBadPath},
		{"lookup_empty_version", "lookup/example.com/m@", "", ErrBadPath},
		{"lookup_two_versions", "lookup/example.com/m@v1.0.0@v1.0.0", "", ErrBadPath},
		{"lookup_unescaped", "lookup/example.com/M@v1.0.0", "", ErrBadPath},
		{"lookup_version_unescaped", "lookup/example.com/m@v1.0.0-RC1", "", ErrBadPath},
		{"lookup_bang_end", "lookup/example.com/m!@v1.0.0", "", ErrBadPath},
		{"lookup_bang_bang", "lookup/example.com/!!m@v1.0.0", "", ErrBadPath},
		{"lookup_parent", "lookup/example.com/../m@v1.0.0", "", ErrBadPath},
		{"lookup_parent_version", "lookup/example.com/m@../../v1.0.0", "", ErrBadPath},
		{"lookup_backslash", `lookup/example.com\..\m@v1.0.0`, "", ErrBadPath},
		{"lookup_double_slash", "lookup/example.com//m@v1.0.0", "", ErrBadPath},
		{"lookup_nul", "lookup/example.com/m\x00@v1.0.0", "", ErrBadPath},
		{"lookup_newline", "lookup/example.com/m@v1.0.0\n", "", ErrBadPath},
		{"lookup_space", "lookup/example.com/m @v1.0.0", "", ErrBadPath},
		{"lookup_non_ascii", "lookup/example.com/ä@v1.0.0", "", ErrBadPath},
		{"lookup_dash", "lookup/-oProxyCommand=x.com/m@v1.0.0", "", ErrBadPath},
		{"lookup_windows_name", "lookup/example.com/con@v1.0.0", "", ErrBadPath},
		{"lookup_no_dot", "lookup/std@v1.0.0", "", ErrBadPath},
		{"lookup_branch", "lookup/example.com/m@main", "", ErrBadPath},
		{"lookup_short_version", "lookup/example.com/m@v1.0", "", ErrBadPath},
		{"lookup_metadata", "lookup/example.com/m@v1.0.0+meta", "", ErrBadPath},
		{"lookup_gomod", "lookup/example.com/m@v1.0.0/go.mod", "", ErrBadPath},
		{"lookup_other_major", "lookup/example.com/m/v2@v1.0.0", "", fs.ErrNotExist},
		{"lookup_no_major", "lookup/example.com/m@v2.0.0", "", fs.ErrNotExist},
		{"lookup_long_element", "lookup/example.com/" + long + "aaaaaaaaaaa@v1.0.0", "", ErrBadPath},
		{"lookup_long_version", "lookup/example.com/m@v1.0.0-" + long + "aaaaaaaaaaa", "", ErrBadPath},
		{"lookup_long", "lookup/example.com/" + strings.Repeat(long+"/", 9) + "m@v1.0.0", "", ErrBadPath},
		{"tile_nothing", "tile/", "", ErrBadPath},
		{"tile_height", "tile/7/0/000", "", ErrBadPath},
		{"tile_level", "tile/8/8/000", "", ErrBadPath},
		{"tile_negative", "tile/8/-1/000", "", ErrBadPath},
		{"tile_full_as_partial", "tile/8/0/000.p/256", "", ErrBadPath},
		{"tile_width_zero", "tile/8/0/000.p/0", "", ErrBadPath},
		{"tile_short_number", "tile/8/0/00", "", ErrBadPath},
		{"tile_no_x", "tile/8/0/001/234", "", ErrBadPath},
		{"tile_plus", "tile/8/0/+00", "", ErrBadPath},
		{"tile_parent", "tile/8/0/../000", "", ErrBadPath},
		{"tile_overflow", "tile/8/0/" + strings.Repeat("x999/", 40) + "999", "", ErrBadPath},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, err := parse(tt.path)
			if tt.err != nil {
				wantErr(t, err, tt.err)
				return
			}
			if err != nil || req.path != tt.path || req.file != tt.file {
				t.Errorf("parse = path %q, file %q, %v; want file %q", req.path, req.file, err, tt.file)
			}
		})
	}
}

// FuzzParse checks that what is accepted has one spelling, and a name that stays in the folder, is none of the cache's
// own, and is the same file for no other path on a file system that ignores case.
func FuzzParse(f *testing.F) {
	for _, path := range []string{"supported", "latest", "lookup/example.com/!m/v2@v2.0.0-!r!c1", "lookup/gopkg.in/yaml.v3@v3.0.1",
		"tile/8/0/x001/234.p/7", "tile/8/data/000", "lookup/../x@v1.0.0", "tile/8/0/" + strings.Repeat("x999/", 6) + "999"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		req, err := parse(path)
		if err != nil {
			if !errors.Is(err, ErrBadPath) && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("error %v of no kind", err)
			}
			return
		}
		if req.path != path {
			t.Errorf("%q is taken for %q", path, req.path)
		}
		if req.file == "" {
			return
		}
		if !filepath.IsLocal(filepath.FromSlash(req.file)) || filepath.ToSlash(filepath.Clean(req.file)) != req.file {
			t.Errorf("%q has the file %q", path, req.file)
		}
		if req.file != strings.ToLower(req.file) {
			t.Errorf("%q has the file %q, with capitals", path, req.file)
		}
		switch dir, _, _ := strings.Cut(req.file, "/"); {
		case dir == "lookup" && req.kind == lookupRequest:
			if back, err := newLookup(req.mod); err != nil || back != req {
				t.Errorf("%+v is %+v, %v", req, back, err)
			}
			if escaped, err := module.EscapePath(req.mod.Path); err != nil || !strings.HasPrefix(path, "lookup/"+escaped+"@") {
				t.Errorf("%q is of module %v", path, req.mod)
			}
		case dir == "tile" && req.kind == tileRequest:
			// What is done with the tile before the tree is known to have it.
			covers(1<<40, req.tile)
			covers(0, req.tile)
			if req.tile.N < 0 || req.tile.W < 1 || req.tile.W > tileWidth {
				t.Errorf("%q is %+v", path, req.tile)
			}
		default:
			t.Errorf("%q has the file %q", path, req.file)
		}
	})
}

// TestCovers compares with the tiles that a tree of a size has according to tlog.
func TestCovers(t *testing.T) {
	for _, n := range []int64{1, 2, 255, 256, 257, 511, 512, 600, 65535, 65536, 65537, 66000, 131072, 200000} {
		for _, tile := range tlog.NewTiles(tileHeight, 0, n) {
			narrow := tile
			narrow.W = 1
			if !covers(n, tile) || widest(n, narrow) != tile {
				t.Errorf("a tree of %d records: %v is covered: %t, widest %v", n, tile, covers(n, tile), widest(n, narrow))
			}
			data := tile
			if data.L = -1; tile.L == 0 && (!covers(n, data) || widest(n, data) != data) {
				t.Errorf("a tree of %d records: %v is covered: %t, widest %v", n, data, covers(n, data), widest(n, data))
			}
			beyond := tile
			beyond.W++
			if tile.W == tileWidth {
				beyond.N, beyond.W = n>>(tileHeight*tile.L)/tileWidth, tileWidth
			}
			if covers(n, beyond) {
				t.Errorf("a tree of %d records does not have %v", n, beyond)
			}
		}
	}
}

func TestBeginningOfData(t *testing.T) {
	data := []byte("a\n\nb\nc\n\nd\n\n")
	tests := []struct {
		name  string
		width int
		want  string
		ok    bool
	}{
		{"one", 1, "a\n\n", true},
		{"two", 2, "a\n\nb\nc\n\n", true},
		{"all", 3, "a\n\nb\nc\n\nd\n\n", true},
		{"more", 4, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			part, ok := beginning(tlog.Tile{H: tileHeight, L: -1, W: tt.width}, data)
			if string(part) != tt.want || ok != tt.ok {
				t.Errorf("beginning = %q, %t", part, ok)
			}
		})
	}
}
