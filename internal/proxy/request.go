package proxy

import (
	"fmt"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/goready/goready/internal/upstream"
)

// kind is what a request asks for.
type kind uint8

const (
	kindOther  kind = iota // not of the module protocol
	kindList               // @v/list
	kindLatest             // @latest
	kindQuery              // @v/X.info where X is no canonical version
	kindInfo               // @v/VERSION.info
	kindMod                // @v/VERSION.mod
	kindZip                // @v/VERSION.zip
	kindSumDB              // sumdb/NAME/…
	kindIndex              // index
	kindCount
)

func (k kind) String() string {
	return [...]string{"other", "list", "latest", "query", "info", "mod", "zip", "sumdb", "index"}[k]
}

// mutable reports whether the answer may be another one tomorrow.
func (k kind) mutable() bool { return k == kindList || k == kindLatest || k == kindQuery }

// file returns the upstream kind of the files of a version.
func (k kind) file() upstream.Kind {
	switch k {
	case kindInfo:
		return upstream.Info
	case kindMod:
		return upstream.Mod
	}
	return upstream.Zip
}

// request is a path of the protocol, understood.
type request struct {
	kind kind
	// mod is the module, unescaped; Version is the query of a kindQuery, "latest" of a kindLatest.
	mod module.Version
	// key is the path without a slash in front; of kindSumDB what follows "sumdb/".
	key string
	// store is the key of a file in the store, and of an answer in its folder: see [Server.storeKey].
	store string
	// cachedOnly forbids to ask upstream.
	cachedOnly bool
}

// The limits of what is parsed at all, in bytes: what a file system takes as a path and as a name.
const (
	maxPath    = 2048
	maxElement = 230 // a file has an extension and "hash" behind it
)

// pathError says why a path is refused: a bad request or, if notFound, something that cannot exist.
type pathError struct {
	text     string
	notFound bool
}

func (e *pathError) Error() string { return e.text }

func badPath(format string, args ...any) (request, error) {
	return request{}, &pathError{text: fmt.Sprintf(format, args...)}
}

func noSuch(format string, args ...any) (request, error) {
	return request{}, &pathError{text: fmt.Sprintf(format, args...), notFound: true}
}

// parsePath reads the path of a URL, percent-decoded once and otherwise as the client sent it. The error is a
// [*pathError].
func parsePath(p string) (request, error) {
	p, ok := strings.CutPrefix(p, "/")
	if !ok {
		return badPath("path does not begin with a slash")
	}
	if err := checkBytes(p); err != nil {
		return request{}, err
	}
	rest, cachedOnly := strings.CutPrefix(p, "cached-only/")
	r, err := parseRest(rest)
	if cachedOnly && r.kind == kindIndex {
		return noSuch("not found: only modules are served below cached-only/")
	}
	r.cachedOnly = cachedOnly
	return r, err
}

// checkBytes refuses what no path of the protocol has, before anything else looks at it.
func checkBytes(p string) error {
	if len(p) > maxPath {
		_, err := badPath("path is longer than %d bytes", maxPath)
		return err
	}
	start := 0
	for i := 0; i <= len(p); i++ {
		if i == len(p) || p[i] == '/' {
			switch elem := p[start:i]; {
			case len(elem) > maxElement:
				_, err := badPath("path element is longer than %d bytes", maxElement)
				return err
			case elem == "." || elem == "..":
				_, err := badPath("path has the element %q", elem)
				return err
			}
			start = i + 1
		} else if c := p[i]; c <= ' ' || c >= 0x7f || c == '\\' {
			_, err := badPath("path has the byte %q, which no module path or version has", p[i:i+1])
			return err
		}
	}
	return nil
}

func parseRest(p string) (request, error) {
	if p == "index" {
		return request{kind: kindIndex}, nil
	}
	if rest, ok := strings.CutPrefix(p, "sumdb/"); ok {
		return request{kind: kindSumDB, key: rest}, nil
	}
	escaped, rest, ok := strings.Cut(p, "/@")
	if !ok {
		return noSuch("not found: no path of the module protocol (see go help goproxy)")
	}
	path, err := module.UnescapePath(escaped)
	if err != nil {
		return badPath("bad request: %v", err)
	}
	r := request{key: p, mod: module.Version{Path: path}}
	switch {
	case rest == "latest":
		r.kind, r.mod.Version = kindLatest, "latest"
	case rest == "v/list":
		r.kind = kindList
	case strings.HasPrefix(rest, "v/"):
		if err := r.parseFile(rest[len("v/"):]); err != nil {
			return request{}, err
		}
	default:
		return badPath("bad request: after the module path only @latest, @v/list and @v/VERSION.info, .mod, .zip are known")
	}
	if need := elementsNeeded(path); need > 0 {
		return noSuch("not found: %s: a module there has at least %d path elements", path, need)
	}
	return r, nil
}

// parseFile reads what follows "/@v/".
func (r *request) parseFile(name string) error {
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 || strings.Contains(name, "/") {
		_, err := badPath("bad request: %q is not VERSION.info, VERSION.mod or VERSION.zip", name)
		return err
	}
	version, err := module.UnescapeVersion(name[:dot])
	switch {
	case err != nil:
		_, err = badPath("bad request: %v", err)
		return err
	case version[0] == '-':
		_, err = badPath("bad request: version %q begins with a dash", version)
		return err
	}
	r.mod.Version = version
	switch name[dot:] {
	case ".info":
		r.kind = kindInfo
	case ".mod":
		r.kind = kindMod
	case ".zip":
		r.kind = kindZip
	default:
		_, err = badPath("bad request: %q is not VERSION.info, VERSION.mod or VERSION.zip", name)
		return err
	}
	return r.checkVersion()
}

// checkVersion tells canonical versions, which are immutable, from queries.
func (r *request) checkVersion() error {
	v := r.mod.Version
	if module.CanonicalVersion(v) != v || !semver.IsValid(v) {
		if r.kind != kindInfo {
			_, err := badPath("bad request: version %q is not canonical: ask for its .info, which says the canonical version", v)
			return err
		}
		r.kind = kindQuery
		return nil
	}
	err := module.Check(r.mod.Path, v)
	switch {
	case err == nil:
		return nil
	case r.kind == kindInfo && module.Check(r.mod.Path, v+"+incompatible") == nil:
		r.kind = kindQuery // for v2.0.0+incompatible, if there is such a version
		return nil
	}
	_, err = noSuch("not found: %v", err)
	return err
}

// elementsNeeded returns how many elements a module path on a well-known host has at least, if this one has fewer, else 0.
// The go command asks for every prefix of a package path; nobody needs to be bothered with these.
func elementsNeeded(path string) int {
	host, _, _ := strings.Cut(path, "/")
	switch host {
	case "github.com", "gitlab.com", "bitbucket.org":
		if strings.Count(path, "/") < 2 {
			return 3
		}
	case "gopkg.in":
		if path == host {
			return 2
		}
	}
	return 0
}
