package upstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// tree is a GOPROXY file tree, wherever it is: what the protocol says about its files is the same for a server and for
// a folder. Errors are those of [Source].
type tree interface {
	// name names the tree, without secrets.
	name() string
	// open opens the file at a path below the tree, of at most limit bytes.
	open(ctx context.Context, path string, limit int64) (*File, error)
}

// readTree returns the contents of a small file.
func readTree(ctx context.Context, t tree, path string, limit int64) ([]byte, error) {
	f, err := t.open(ctx, path, limit)
	if err != nil {
		return nil, err
	}
	return readAll(f)
}

// treePath returns the path of a file of a module in a tree, such as "@v/list". A path that cannot be escaped is in no
// tree.
func treePath(t tree, path, file string) (string, error) {
	escaped, err := module.EscapePath(path)
	if err != nil {
		return "", refuse(t.name(), fs.ErrNotExist, "%v", err)
	}
	return escaped + "/" + file, nil
}

// versionPath returns the path of a file of a version, or of the .info of a query. The protocol has no way to ask for
// what module.EscapeVersion refuses, such as a branch with a slash, so no tree has it.
func versionPath(t tree, path, version string, kind Kind) (string, error) {
	escaped, err := module.EscapeVersion(version)
	if err != nil {
		return "", refuse(t.name(), fs.ErrNotExist, "%v", err)
	}
	return treePath(t, path, "@v/"+escaped+"."+string(kind))
}

// treeVersions is Versions of a tree.
func treeVersions(ctx context.Context, t tree, path string) (*Answer, error) {
	raw, err := treeList(ctx, t, path)
	if err != nil {
		return nil, err
	}
	return &Answer{Body: formatList(parseList(path, raw)), From: t.name()}, nil
}

func treeList(ctx context.Context, t tree, path string) ([]byte, error) {
	name, err := treePath(t, path, "@v/list")
	if err != nil {
		return nil, err
	}
	raw, err := readTree(ctx, t, name, MaxList)
	if err == nil && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("<")) {
		// A web page, whatever its type. As a list it would be empty, which is an answer.
		return nil, unavailable(t.name(), errors.New("the list of versions is a web page"))
	}
	return raw, err
}

// treeResolve is Resolve of a tree.
func treeResolve(ctx context.Context, t tree, path, query string) (*Answer, error) {
	if query == "latest" {
		return treeLatest(ctx, t, path)
	}
	return treeInfo(ctx, t, path, query)
}

// treeLatest asks for @latest, which a tree need not have, and falls back to the list, as the go command does.
func treeLatest(ctx context.Context, t tree, path string) (*Answer, error) {
	name, err := treePath(t, path, "@latest")
	if err != nil {
		return nil, err
	}
	raw, err := readTree(ctx, t, name, MaxInfo)
	if err == nil {
		return parsedInfo(t, path, "", raw)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	noLatest := err
	if raw, err = treeList(ctx, t, path); err != nil {
		return nil, err
	}
	version, err := latestOf(path, raw, func(version string) (bool, error) { return hasGoMod(ctx, t, path, version) })
	if err != nil {
		return nil, err
	}
	if version == "" {
		return nil, noLatest
	}
	return treeInfo(ctx, t, path, version)
}

// treeInfo asks for the .info of a version or query.
func treeInfo(ctx context.Context, t tree, path, query string) (*Answer, error) {
	name, err := versionPath(t, path, query, Info)
	if err != nil {
		return nil, err
	}
	raw, err := readTree(ctx, t, name, MaxInfo)
	if err != nil {
		return nil, err
	}
	return parsedInfo(t, path, query, raw)
}

func parsedInfo(t tree, path, query string, raw []byte) (*Answer, error) {
	version, err := ParseInfo(path, query, raw)
	if err != nil {
		return nil, unavailable(t.name(), err)
	}
	return &Answer{Body: raw, Version: version, From: t.name()}, nil
}

// treeOpen is Open of a tree.
func treeOpen(ctx context.Context, t tree, m module.Version, kind Kind) (*File, error) {
	if kind == Info {
		a, err := treeInfo(ctx, t, m.Path, m.Version)
		if err != nil {
			return nil, err
		}
		return memoryFile(a.From, a.Body), nil
	}
	name, err := versionPath(t, m.Path, m.Version, kind)
	if err != nil {
		return nil, err
	}
	return t.open(ctx, name, limitOf(kind))
}

// hasGoMod reports whether a version has a go.mod file of its own, not one that was made up from its path.
func hasGoMod(ctx context.Context, t tree, path, version string) (bool, error) {
	name, err := versionPath(t, path, version, Mod)
	if err != nil {
		return false, err
	}
	raw, err := readTree(ctx, t, name, MaxMod)
	return string(raw) != fmt.Sprintf("module %s\n", modfile.AutoQuote(path)), err
}

// ParseInfo returns the version that an .info file says, and an error if no go command could read it, or if it cannot be
// the answer for the query ("" for @latest).
func ParseInfo(path, query string, raw []byte) (version string, err error) {
	var info struct { // as cmd/go/internal/modfetch.RevInfo, so that no go command stumbles over it
		Version string
		Time    time.Time
		Origin  *struct{}
	}
	if err := json.Unmarshal(raw, &info); err != nil {
		return "", fmt.Errorf("invalid .info: %w", err)
	}
	v := info.Version
	if v == "" || v != module.CanonicalVersion(v) {
		return "", fmt.Errorf("invalid .info: version %q is not canonical", cut(v, 100))
	}
	if err := module.Check(path, v); err != nil {
		return "", fmt.Errorf("invalid .info: %w", err)
	}
	// Who asks for v2.0.0 of a module without a go.mod file is told v2.0.0+incompatible.
	if query == module.CanonicalVersion(query) && module.Check(path, query) == nil && v != query {
		return "", fmt.Errorf("invalid .info: version %s instead of %s", v, query)
	}
	return v, nil
}

// parseList returns the versions of a @v/list as the go command reads it: the first field of a line, the rest of which
// some servers use for a time, without pseudo-versions; sorted, each once, and none that module.Check refuses.
func parseList(path string, raw []byte) []string {
	seen := map[string]bool{}
	var list []string
	for line := range bytes.Lines(raw) {
		v, _ := listLine(line)
		if seen[v] || module.IsPseudoVersion(v) || !canonical(path, v) {
			continue
		}
		seen[v] = true
		list = append(list, v)
	}
	semver.Sort(list)
	return list
}

// listLine returns the first two fields of a line.
func listLine(line []byte) (version, time string) {
	fields := bytes.Fields(line[:min(len(line), 1<<10)])
	switch len(fields) {
	case 0:
		return "", ""
	case 1:
		return string(fields[0]), ""
	}
	return string(fields[0]), string(fields[1])
}

// canonical reports whether v is a canonical version that a module of this path can have.
func canonical(path, v string) bool {
	return v != "" && v == module.CanonicalVersion(v) && module.Check(path, v) == nil
}

func formatList(versions []string) []byte {
	var buf bytes.Buffer
	for _, v := range versions {
		buf.WriteString(v)
		buf.WriteByte('\n')
	}
	return buf.Bytes()
}

// latestOf returns the version that the go command takes for "latest" from a @v/list: the highest release, else the
// highest pre-release, else the newest pseudo-version; "" if there is none. Versions with +incompatible do not count if
// the highest compatible one has a go.mod file.
func latestOf(path string, raw []byte, hasGoMod func(version string) (bool, error)) (string, error) {
	list := parseList(path, raw)
	for i, v := range list {
		if i == 0 || !incompatible(v) || incompatible(list[i-1]) {
			continue
		}
		ok, err := hasGoMod(list[i-1])
		if err != nil {
			return "", err
		}
		if ok {
			list = list[:i]
		}
		break
	}
	for i := len(list) - 1; i >= 0; i-- {
		if semver.Prerelease(list[i]) == "" {
			return list[i], nil
		}
	}
	if len(list) > 0 {
		return list[len(list)-1], nil
	}
	return latestPseudo(path, raw), nil
}

func incompatible(v string) bool { return strings.HasSuffix(v, "+incompatible") }

// latestPseudo returns the version of the latest time in a list, which is in the line or in the pseudo-version.
func latestPseudo(path string, raw []byte) string {
	var best string
	var bestTime time.Time
	for line := range bytes.Lines(raw) {
		v, stamp := listLine(line)
		if !canonical(path, v) {
			continue
		}
		t, err := time.Parse(time.RFC3339, stamp)
		if stamp == "" {
			t, err = module.PseudoVersionTime(v)
		}
		if err == nil && bestTime.Before(t) {
			best, bestTime = v, t
		}
	}
	return best
}
