package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/goready/goready/internal/upstream"
)

// answers keeps the last answers that can change on disk, so that there is something to say after a restart while
// upstream does not answer. They are below a folder of their own, not in the store, whose files never change. The time of
// a file is when upstream gave the answer. What cannot be read or written is as if it were not there.
type answers struct{ root *os.Root }

func openAnswers(dir string) (*answers, error) {
	if dir == "" {
		return &answers{}, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	return &answers{root}, err
}

func (a *answers) close() error {
	if a.root == nil {
		return nil
	}
	return a.root.Close()
}

// read returns an answer and when upstream gave it.
func (a *answers) read(key string) (body []byte, at time.Time, err error) {
	if a.root == nil {
		return nil, at, fs.ErrNotExist
	}
	f, err := a.root.Open(filepath.FromSlash(key))
	if err != nil {
		return nil, at, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, at, err
	}
	body, err = io.ReadAll(io.LimitReader(f, upstream.MaxList))
	return body, info.ModTime(), err
}

// write replaces an answer. It is not synced: after a crash the old one is there, or none.
func (a *answers) write(key string, body []byte, at time.Time) error {
	if a.root == nil {
		return nil
	}
	name := filepath.FromSlash(key)
	if err := a.root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	tmp := name + ".tmp~" + randomID()
	err := a.root.WriteFile(tmp, body, 0o666)
	if err == nil {
		err = a.root.Chtimes(tmp, at, at)
	}
	if err == nil {
		err = a.root.Rename(tmp, name)
	}
	if err != nil {
		return errors.Join(err, a.root.Remove(tmp))
	}
	return nil
}

// sweep removes answers older than limit, and temporary files that a crash left.
func (a *answers) sweep(ctx context.Context, limit time.Time) error {
	if a.root == nil {
		return nil
	}
	return fs.WalkDir(a.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ctx.Err() // what is gone meanwhile is no error
		}
		info, err := d.Info()
		if err == nil && info.ModTime().Before(limit) || err == nil && strings.Contains(path.Base(name), ".tmp~") && time.Since(info.ModTime()) > time.Hour {
			a.root.Remove(filepath.FromSlash(name))
		}
		return ctx.Err()
	})
}

// answer returns an answer that can change: a fresh one, a new one, or the last one if upstream gives none in time.
func (s *Server) answer(ctx context.Context, r request) (*hotEntry, outcome, error) {
	old := s.lastAnswer(r)
	now := s.now()
	if old != nil && now.Before(old.until) {
		return old, outcome{result: resultHit}, nil
	}
	src := s.tenant.source(r.mod.Path)
	if r.cachedOnly || src == nil {
		return s.storedAnswer(ctx, r, old, &noSource{cachedOnly: r.cachedOnly})
	}
	if err := s.negative.get(r.key); err != nil {
		return nil, outcome{result: resultNegative}, err
	}
	k, joined := s.answerCalls.start(ctx, r.key, s.config.FetchTimeout, func(ctx context.Context) (fetched, error) {
		if old != nil {
			ctx = upstream.WithoutRetry(ctx)
		}
		return s.refresh(ctx, src, r)
	})
	wait := ctx
	if old != nil {
		patience := s.config.RefreshWait
		if s.trouble.Load() {
			patience = 0
		}
		var cancel context.CancelFunc
		wait, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	got, err := k.result(wait)
	if err == nil {
		return got.entry, outcome{result: resultMiss, from: got.from, joined: joined}, nil
	}
	if ctx.Err() != nil {
		return nil, outcome{}, context.Cause(ctx)
	}
	if wait.Err() != nil && old != nil {
		s.trouble.Store(true) // until upstream answers again, nobody else waits
	}
	if definite(err) {
		return nil, outcome{result: resultMiss, joined: joined}, err
	}
	return s.storedAnswer(ctx, r, old, err)
}

// definite reports whether an error is an answer: there is no such thing, or it is not given.
func definite(err error) bool {
	return !errors.Is(err, upstream.ErrUnavailable) && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, upstream.ErrRefused))
}

// noSource is the answer where nobody may be asked.
type noSource struct{ cachedOnly bool }

func (e *noSource) Error() string {
	if e.cachedOnly {
		return "not found: not in the cache, and the request forbids to fetch it"
	}
	return "not found: not in the cache, and this server has no upstream for it"
}

func (e *noSource) Unwrap() error { return fs.ErrNotExist }

// refresh asks upstream, and keeps the answer.
func (s *Server) refresh(ctx context.Context, src upstream.Source, r request) (fetched, error) {
	var got *upstream.Answer
	var err error
	if r.kind == kindList {
		got, err = src.Versions(ctx, r.mod.Path)
	} else {
		got, err = src.Resolve(ctx, r.mod.Path, r.mod.Version)
	}
	switch {
	case err == nil || definite(err):
		s.trouble.Store(false)
	case errors.Is(err, upstream.ErrUnavailable):
		s.trouble.Store(true)
	}
	if err != nil {
		if definite(err) && errors.Is(err, fs.ErrNotExist) {
			s.negative.put(r.key, err, s.config.Negative)
		}
		return fetched{}, err
	}
	entry := s.keepAnswer(r, got.Body, s.now())
	return fetched{entry, got.From, true}, nil
}

// keepAnswer remembers an answer that upstream gave at a time.
func (s *Server) keepAnswer(r request, body []byte, at time.Time) *hotEntry {
	entry := s.answerEntry(r, body, at)
	s.hot.put("/"+r.key, entry)
	if err := s.answers.write(r.key, body, at); err != nil {
		s.log.Error("answer not kept", "key", r.key, "error", err.Error())
	}
	return entry
}

func (s *Server) answerEntry(r request, body []byte, at time.Time) *hotEntry {
	entry := s.newEntry(r, body, int64(len(body)), "")
	entry.until = at.Add(s.config.Fresh)
	return entry
}

// lastAnswer returns the last answer of upstream that is not too old to be used, or nil.
func (s *Server) lastAnswer(r request) *hotEntry {
	entry := s.hot.get("/" + r.key)
	if entry == nil {
		body, at, err := s.answers.read(r.key)
		if err != nil || r.kind != kindList && !json.Valid(body) {
			return nil
		}
		entry = s.answerEntry(r, body, at)
		s.hot.put("/"+r.key, entry)
	}
	if s.now().After(entry.until.Add(s.config.StaleFor)) {
		return nil
	}
	return entry
}

// storedAnswer answers without upstream: with the last answer, or with what is in the store; if there is nothing, with
// why. It never says that a module has no versions because none is stored.
func (s *Server) storedAnswer(ctx context.Context, r request, old *hotEntry, why error) (*hotEntry, outcome, error) {
	stale := outcome{result: resultStale}
	if old != nil {
		return old, stale, nil
	}
	if r.kind == kindQuery {
		return nil, outcome{result: resultMiss}, why
	}
	versions, err := s.storedVersions(ctx, r.mod.Path)
	if err != nil || len(versions) == 0 {
		return nil, outcome{result: resultMiss}, errors.Join(why, err)
	}
	if r.kind == kindLatest {
		m := module.Version{Path: r.mod.Path, Version: latest(versions)}
		entry, err := s.load(ctx, fileRequest(m, kindInfo))
		if err != nil {
			return nil, outcome{result: resultMiss}, errors.Join(why, err)
		}
		return s.answerEntry(r, entry.body, time.Time{}), stale, nil
	}
	versions = slices.DeleteFunc(versions, module.IsPseudoVersion)
	return s.answerEntry(r, joinLines(versions), time.Time{}), stale, nil
}

// storedVersions returns the versions whose .info is stored, in order.
func (s *Server) storedVersions(ctx context.Context, path string) ([]string, error) {
	escaped, err := module.EscapePath(path)
	if err != nil {
		return nil, err
	}
	var versions []string
	for e, err := range s.store.List(ctx, escaped+"/@v/") {
		if err != nil {
			return nil, err
		}
		if r, ok := requestOf(e.Key); ok && r.kind == kindInfo && r.mod.Path == path {
			versions = append(versions, r.mod.Version)
		}
	}
	semver.Sort(versions)
	return versions, nil
}

// latest returns the version that @latest names (https://go.dev/ref/mod#version-queries): the highest release, else the
// highest pre-release, else the newest pseudo-version. versions are in order and not empty.
func latest(versions []string) string {
	for _, good := range []func(string) bool{
		func(v string) bool { return semver.Prerelease(v) == "" },
		func(v string) bool { return !module.IsPseudoVersion(v) },
	} {
		for _, v := range slices.Backward(versions) {
			if good(v) {
				return v
			}
		}
	}
	return slices.MaxFunc(versions, func(a, b string) int {
		ta, _ := module.PseudoVersionTime(a)
		tb, _ := module.PseudoVersionTime(b)
		return ta.Compare(tb)
	})
}

// addVersion makes a version that was just fetched part of the answers that are known, so that the list does not lag
// behind what the same client has already seen.
func (s *Server) addVersion(_ context.Context, m module.Version) {
	list, newest := answerRequest(m.Path, kindList), answerRequest(m.Path, kindLatest)
	s.negative.remove(list.key)
	s.negative.remove(newest.key)
	if module.IsPseudoVersion(m.Version) {
		return
	}
	if old := s.lastAnswer(list); old != nil {
		versions := strings.Fields(string(old.body))
		if !slices.Contains(versions, m.Version) {
			versions = append(versions, m.Version)
			semver.Sort(versions)
			s.keepAnswer(list, joinLines(versions), old.until.Add(-s.config.Fresh))
		}
	}
	if old := s.lastAnswer(newest); old != nil {
		var info struct{ Version string }
		if json.Unmarshal(old.body, &info) == nil && semver.Compare(info.Version, m.Version) < 0 {
			s.keepAnswer(newest, old.body, s.now().Add(-s.config.Fresh)) // to be asked again
		}
	}
}

func joinLines(lines []string) []byte {
	var b bytes.Buffer
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	return b.Bytes()
}

// answerRequest is the request for the list or the latest version of a module with a valid path.
func answerRequest(path string, k kind) request {
	escaped, err := module.EscapePath(path)
	if err != nil {
		panic("proxy: invalid module path: " + err.Error())
	}
	r := request{kind: k, mod: module.Version{Path: path}, key: escaped + "/@v/list"}
	if k == kindLatest {
		r.key, r.mod.Version = escaped+"/@latest", "latest"
	}
	return r
}

// fileRequest is the request for a file of a valid canonical version.
func fileRequest(m module.Version, k kind) request {
	path, err1 := module.EscapePath(m.Path)
	version, err2 := module.EscapeVersion(m.Version)
	if err := errors.Join(err1, err2); err != nil {
		panic("proxy: invalid module version: " + err.Error())
	}
	return request{kind: k, mod: m, key: path + "/@v/" + version + "." + k.String()}
}
