package proxy

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/module"
)

func TestParsePath(t *testing.T) {
	const bad, none = kindCount, kindCount + 1 // 400 and 404
	tests := []struct {
		name, path string
		kind       kind
		mod        module.Version
	}{
		{"list", "/example.com/m/@v/list", kindList, module.Version{Path: "example.com/m"}},
		{"latest", "/example.com/m/@latest", kindLatest, module.Version{Path: "example.com/m", Version: "latest"}},
		{"info", "/example.com/m/@v/v1.2.3.info", kindInfo, module.Version{Path: "example.com/m", Version: "v1.2.3"}},
		{"mod", "/example.com/m/@v/v1.2.3-rc.1.mod", kindMod, module.Version{Path: "example.com/m", Version: "v1.2.3-rc.1"}},
		{"zip", "/example.com/m/v2/@v/v2.0.0.zip", kindZip, module.Version{Path: "example.com/m/v2", Version: "v2.0.0"}},
		{"capitals", "/example.com/!m/@v/v1.0.0-!r!c1.info", kindInfo, module.Version{Path: "example.com/M", Version: "v1.0.0-RC1"}},
		{"incompatible", "/example.com/m/@v/v2.0.0+incompatible.zip", kindZip, module.Version{Path: "example.com/m", Version: "v2.0.0+incompatible"}},
		{"pseudo", "/example.com/m/@v/v0.0.0-20240101120000-aaaaaaaaaaaa.mod", kindMod, module.Version{Path: "example.com/m", Version: "v0.0.0-20240101120000-aaaaaaaaaaaa"}},
		{"gopkg", "/gopkg.in/yaml.v3/@v/v3.0.1.info", kindInfo, module.Version{Path: "gopkg.in/yaml.v3", Version: "v3.0.1"}},
		{"branch", "/example.com/m/@v/main.info", kindQuery, module.Version{Path: "example.com/m", Version: "main"}},
		{"short_version_is_a_query", "/example.com/m/@v/v1.info", kindQuery, module.Version{Path: "example.com/m", Version: "v1"}},
		{"build_metadata_is_a_query", "/example.com/m/@v/v1.0.0+meta.info", kindQuery, module.Version{Path: "example.com/m", Version: "v1.0.0+meta"}},
		{"toolchain", "/golang.org/toolchain/@v/v0.0.1-go1.99.0.linux-amd64.zip", kindZip, module.Version{Path: "golang.org/toolchain", Version: "v0.0.1-go1.99.0.linux-amd64"}},
		{"sumdb", "/sumdb/sum.example.com/tile/8/0/000.p/1", kindSumDB, module.Version{}},
		{"index", "/index", kindIndex, module.Version{}},

		{"raw_capitals", "/example.com/M/@v/list", bad, module.Version{}},
		{"raw_capital_version", "/example.com/m/@v/v1.0.0-RC1.info", bad, module.Version{}},
		{"bang_at_end", "/example.com/m!/@v/list", bad, module.Version{}},
		{"two_bangs", "/example.com/!!m/@v/list", bad, module.Version{}},
		{"no_dot", "/std/@v/list", bad, module.Version{}},
		{"dot_dot", "/example.com/x/../m/@v/list", bad, module.Version{}},
		{"dot_dot_in_version", "/x.com/@v/../../../etc/passwd", bad, module.Version{}},
		{"only_dots", "/../../etc/passwd", bad, module.Version{}},
		{"empty_file", "/example.com/m/@v/", bad, module.Version{}},
		{"slash_at_end", "/example.com/m/@v/list/", bad, module.Version{}},
		{"slash_in_branch", "/example.com/m/@v/feature/x.info", bad, module.Version{}},
		{"unknown_extension", "/example.com/m/@v/v1.0.0.exe", bad, module.Version{}},
		{"no_extension", "/example.com/m/@v/v1", bad, module.Version{}},
		{"lock", "/example.com/m/@v/v1.0.0.lock", bad, module.Version{}},
		{"hash_file", "/example.com/m/@v/v1.0.0.ziphash", bad, module.Version{}},
		{"zip_of_branch", "/example.com/m/@v/main.zip", bad, module.Version{}},
		{"mod_of_short_version", "/example.com/m/@v/v1.mod", bad, module.Version{}},
		{"nul", "/example.com/m/@v/v1.0.0\x00.info", bad, module.Version{}},
		{"newline", "/example.com/m\n/@v/list", bad, module.Version{}},
		{"space", "/example.com/m x/@v/list", bad, module.Version{}},
		{"backslash", `/..\..\etc/@v/list`, bad, module.Version{}},
		{"option_as_path", "/-oProxyCommand=x.com/a/@v/list", bad, module.Version{}},
		{"option_as_version", "/example.com/m/@v/--upload-pack=x.info", bad, module.Version{}},
		{"not_ascii", "/example.com/b\u00e4sic/@v/list", bad, module.Version{}},
		{"long_path", "/example.com/" + strings.Repeat("a/", 3000) + "@v/list", bad, module.Version{}},
		{"long_element", "/example.com/" + strings.Repeat("a", 300) + "/@v/list", bad, module.Version{}},
		{"at_something", "/example.com/m/@x", bad, module.Version{}},
		{"no_slash", "example.com/m/@v/list", bad, module.Version{}},
		{"windows_name", "/example.com/con/@v/list", bad, module.Version{}},
		{"gopkg_without_version", "/gopkg.in/yaml/@v/list", bad, module.Version{}},

		{"two_slashes", "//etc/passwd", none, module.Version{}},
		{"root", "/", none, module.Version{}},
		{"folder", "/example.com/", none, module.Version{}},
		{"maybe_incompatible", "/example.com/m/@v/v2.0.0.info", kindQuery, module.Version{Path: "example.com/m", Version: "v2.0.0"}},
		{"wrong_major", "/example.com/m/@v/v2.0.0.mod", none, module.Version{}},
		{"gopkg_alone", "/gopkg.in/@latest", none, module.Version{}},
		{"wrong_major_of_v2", "/example.com/m/v2/@v/v1.0.0.info", none, module.Version{}},
		{"github_user", "/github.com/user/@v/list", none, module.Version{}},
		{"github", "/github.com/@latest", none, module.Version{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := parsePath(tt.path)
			var bad *pathError
			switch {
			case tt.kind < kindCount:
				if err != nil || r.kind != tt.kind || r.mod != tt.mod {
					t.Errorf("parsePath = %v %v, %v, want %v %v", r.kind, r.mod, err, tt.kind, tt.mod)
				}
			case !errors.As(err, &bad) || bad.notFound != (tt.kind == none):
				t.Errorf("parsePath = %v %v, %v, want a refusal (not found: %t)", r.kind, r.mod, err, tt.kind == none)
			}
		})
	}
}

func TestCachedOnlyPath(t *testing.T) {
	r, err := parsePath("/cached-only/example.com/m/@v/list")
	if err != nil || !r.cachedOnly || r.key != "example.com/m/@v/list" {
		t.Errorf("parsePath = %+v, %v", r, err)
	}
}

// FuzzParsePath checks that what is accepted is a key that says again what was asked, and stays inside of the store.
func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"/example.com/m/@v/list", "/example.com/!m/@v/v1.0.0.zip", "/cached-only/x.com/@latest", "/sumdb/a/b",
		"/index", "/x.com/@v/../a.info", "/x.com/m/@v/v2.0.0+incompatible.mod", "/a.b/@v/@v/list", "//a.b/@latest", "/x.com/a/@v/main.info"} {
		f.Add(s)
	}
	s := &Server{tenant: &Tenant{}}
	f.Fuzz(func(t *testing.T, p string) {
		r, err := parsePath(p)
		if err != nil {
			var bad *pathError
			if !errors.As(err, &bad) || strings.Count(err.Error(), "\n") > 0 || strings.ContainsFunc(err.Error(), func(c rune) bool { return c < ' ' }) {
				t.Errorf("%q: error %q is not one line of a pathError", p, err)
			}
			return
		}
		if r.kind == kindIndex || r.kind == kindSumDB {
			return
		}
		if strings.HasPrefix(r.key, "/") || strings.Contains("/"+r.key+"/", "/../") || strings.Contains(r.key, "\\") || strings.ToLower(r.key) != r.key {
			t.Errorf("%q: key %q", p, r.key)
		}
		again := request{}
		switch r.kind {
		case kindList, kindLatest:
			again = s.answerRequest(r.mod.Path, r.kind)
		case kindQuery:
			again = s.fileRequest(r.mod, kindInfo)
		default:
			again = s.fileRequest(r.mod, r.kind)
			if err := module.Check(r.mod.Path, r.mod.Version); err != nil {
				t.Errorf("%q: %v", p, err)
			}
		}
		if again.key != r.key {
			t.Errorf("%q: key %q, but %v %v has the key %q", p, r.key, r.kind, r.mod, again.key)
		}
	})
}
