package sumdb

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/tlog"
)

// Limits of paths in bytes, well below what file systems have.
const (
	maxPath    = 2048
	maxElement = 250
)

// tileHeight is the height of tiles, which go commands do not change; a full tile has tileWidth hashes.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	// maxLevel is the last level on which a tree can have tiles: it counts records in 63 bits.
	maxLevel = 7
)

type requestKind int

const (
	supportedRequest requestKind = iota
	latestRequest
	lookupRequest
	tileRequest
)

// request is a valid path.
type request struct {
	kind requestKind
	path string
	// file is the slash-separated name in the cache; "" if it is not cached. Its elements have no capitals, are not
	// special to any system, and are neither empty nor dots.
	file string
	mod  module.Version // of a lookup
	tile tlog.Tile
}

// parse accepts the canonical spelling of a path only.
func parse(path string) (request, error) {
	switch {
	case len(path) > maxPath:
		return request{}, fmt.Errorf("%w: longer than %d bytes", ErrBadPath, maxPath)
	case path == "supported":
		return request{kind: supportedRequest, path: path}, nil
	case path == "latest":
		return request{kind: latestRequest, path: path}, nil
	case strings.HasPrefix(path, "lookup/"):
		return parseLookup(path)
	case strings.HasPrefix(path, "tile/"):
		return parseTile(path)
	}
	return request{}, fmt.Errorf("%w: %q is not served", ErrBadPath, path)
}

func parseLookup(path string) (request, error) {
	escapedPath, escapedVersion, ok := strings.Cut(strings.TrimPrefix(path, "lookup/"), "@")
	if !ok {
		return request{}, fmt.Errorf("%w: %q has no @version", ErrBadPath, path)
	}
	modpath, err := module.UnescapePath(escapedPath)
	if err != nil {
		return request{}, fmt.Errorf("%w: %w", ErrBadPath, err)
	}
	version, err := module.UnescapeVersion(escapedVersion)
	if err != nil {
		return request{}, fmt.Errorf("%w: %w", ErrBadPath, err)
	}
	return newLookup(module.Version{Path: modpath, Version: version})
}

// newLookup returns the request for a module version. A version that the path's major version excludes is no malformed
// one; the database does not know it, and need not be asked.
func newLookup(m module.Version) (request, error) {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		return request{}, fmt.Errorf("%w: %w", ErrBadPath, err)
	}
	if module.CanonicalVersion(m.Version) != m.Version || m.Version == "" {
		return request{}, fmt.Errorf("%w: version %q is not canonical", ErrBadPath, m.Version)
	}
	version, err := module.EscapeVersion(m.Version)
	if err != nil {
		return request{}, fmt.Errorf("%w: %w", ErrBadPath, err)
	}
	req := request{
		kind: lookupRequest,
		path: "lookup/" + path + "@" + version,
		// No element of a module path has an "@", so that a version is never taken for a part of another path.
		file: "lookup/" + path + "/@v/" + version,
		mod:  m,
	}
	if len(req.path) > maxPath {
		return request{}, fmt.Errorf("%w: longer than %d bytes", ErrBadPath, maxPath)
	}
	for elem := range strings.SplitSeq(req.file, "/") {
		if len(elem) > maxElement {
			return request{}, fmt.Errorf("%w: an element is longer than %d bytes", ErrBadPath, maxElement)
		}
	}
	if err := module.Check(m.Path, m.Version); err != nil {
		return request{}, fmt.Errorf("%w: %w", err, fs.ErrNotExist)
	}
	return req, nil
}

func parseTile(path string) (request, error) {
	t, err := tlog.ParseTilePath(path)
	if err != nil {
		return request{}, fmt.Errorf("%w: %w", ErrBadPath, err)
	}
	if t.H != tileHeight || t.L > maxLevel {
		return request{}, fmt.Errorf("%w: no tile of height %d and level %d is served", ErrBadPath, t.H, t.L)
	}
	return request{kind: tileRequest, path: path, file: fileOf(t), tile: t}, nil
}

// fileOf returns the name of the file of a tile. There is one for all widths, the widest known: the others are its
// beginnings.
func fileOf(t tlog.Tile) string { return fullTile(t).Path() }

func fullTile(t tlog.Tile) tlog.Tile {
	t.W = tileWidth
	return t
}

// covers reports whether a tree of n records has all of a tile.
func covers(n int64, t tlog.Tile) bool {
	n = countAt(n, t)
	return t.N < n/tileWidth || t.N == n/tileWidth && int64(t.W) <= n%tileWidth
}

// widest returns the tile as it is in a tree of n records that covers it.
func widest(n int64, t tlog.Tile) tlog.Tile {
	t.W = int(min(tileWidth, countAt(n, t)-t.N*tileWidth))
	return t
}

// countAt returns how many hashes or records a tree of n records has on the level of a tile.
func countAt(n int64, t tlog.Tile) int64 { return n >> (tileHeight * max(t.L, 0)) }

// beginning returns the bytes of a tile in those of a wider one; false if there are not so many.
func beginning(t tlog.Tile, data []byte) ([]byte, bool) {
	size := t.W * tlog.HashSize
	if t.L < 0 {
		size = 0
		for range t.W {
			text, ok := firstRecord(data[size:])
			if !ok {
				return nil, false
			}
			size += len(text) + 1
		}
	}
	if size > len(data) {
		return nil, false
	}
	return data[:size:size], true
}

// whole reports whether data has the bytes of a tile and no more.
func whole(t tlog.Tile, data []byte) bool {
	part, ok := beginning(t, data)
	return ok && len(part) == len(data)
}

// firstRecord returns the text of the first record of a data tile, which a blank line follows.
func firstRecord(data []byte) ([]byte, bool) {
	i := bytes.Index(data, []byte("\n\n"))
	if i < 0 {
		return nil, false
	}
	return data[:i+1], true
}

// maxTile is the limit for the bytes of a tile.
func maxTile(t tlog.Tile) int64 {
	if t.L < 0 {
		return maxData
	}
	return int64(t.W) * tlog.HashSize
}
