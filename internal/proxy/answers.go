package proxy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/goready/goready/internal/upstream"
)

// answers keeps the last answers that can change on disk, so that there is something to say after a restart while
// upstream does not answer. They are below a folder of their own, not in the store, whose files never change. The time of
// a file is when upstream gave the answer; its first line is a checksum over the rest, for files are not synced. What
// cannot be read, or is damaged, is as if it were not there.
type answers struct{ root *os.Root }

// maxAnswers is how many bytes of answers are kept on disk; looked at by [Server.Sweep].
const maxAnswers = 1 << 30

// answerSum returns the first line of the file of an answer.
func answerSum(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(hex.AppendEncode([]byte("goready answer "), sum[:]), '\n')
}

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
	data, err := io.ReadAll(io.LimitReader(f, upstream.MaxList+1024))
	if err != nil {
		return nil, at, err
	}
	i := bytes.IndexByte(data, '\n') + 1
	if body = data[i:]; !bytes.Equal(data[:i], answerSum(body)) {
		return nil, at, absent(key) // a crash cut it
	}
	return body, info.ModTime(), nil
}

// write replaces an answer.
func (a *answers) write(key string, body []byte, at time.Time) error {
	if a.root == nil {
		return nil
	}
	name := filepath.FromSlash(key)
	if err := a.root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	tmp := filepath.Join(filepath.Dir(name), tempPrefix+randomID())
	err := a.root.WriteFile(tmp, append(answerSum(body), body...), 0o666)
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

// tempPrefix begins the names of files in the making. (An answer to a query that begins so is only forgotten sooner.)
const tempPrefix = "~"

// sweep removes answers older than age, so many more of the oldest that at most max bytes are left, temporary files that a
// crash left, and folders that are empty.
func (a *answers) sweep(ctx context.Context, now time.Time, age time.Duration, max int64) error {
	if a.root == nil {
		return nil
	}
	for ; ; age /= 2 {
		left, err := a.sweepOnce(ctx, now.Add(-age))
		if err != nil || left <= max || age < time.Minute {
			return err
		}
	}
}

// sweepOnce returns how many bytes are left.
func (a *answers) sweepOnce(ctx context.Context, oldest time.Time) (left int64, err error) {
	var folders []string
	err = fs.WalkDir(a.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return ctx.Err() // what is gone meanwhile is no error
		}
		if d.IsDir() {
			folders = append(folders, name)
			return ctx.Err()
		}
		info, err := d.Info()
		switch {
		case err != nil:
		case info.ModTime().Before(oldest), strings.HasPrefix(d.Name(), tempPrefix) && time.Since(info.ModTime()) > time.Hour:
			a.root.Remove(filepath.FromSlash(name))
		default:
			left += info.Size()
		}
		return ctx.Err()
	})
	for _, name := range slices.Backward(folders) { // those inside of others first
		if name != "." {
			a.root.Remove(filepath.FromSlash(name)) // unless something is in it
		}
	}
	return left, err
}

// answer returns an answer that can change, to the client with an address: a fresh one, a new one, or the last one if
// upstream gives none in time.
func (s *Server) answer(ctx context.Context, r request, remote string) (*hotEntry, outcome, error) {
	old := s.lastAnswer(r)
	if old != nil && s.current(old) {
		return old, outcome{result: Hit}, nil
	}
	src := s.tenant.source(r.mod.Path)
	if r.cachedOnly || src == nil {
		return s.storedAnswer(ctx, r, old, &noSource{cachedOnly: r.cachedOnly})
	}
	if err := s.negative.get(r.key); err != nil {
		return nil, outcome{result: Negative}, err
	}
	addr, err := s.waiters.enter(remote)
	if err != nil && old != nil {
		return old, outcome{result: Stale}, nil
	}
	if err != nil {
		return nil, outcome{}, err
	}
	defer s.waiters.leave(addr)
	k, joined := s.answerCalls.start(ctx, r.key, s.config.FetchTimeout, func(ctx context.Context) (fetched, error) {
		return s.refresh(ctx, src, r)
	})
	wait, cancel := ctx, context.CancelFunc(func() {})
	if old != nil {
		wait, cancel = context.WithTimeout(ctx, s.patience(r))
	}
	defer cancel()
	got, err := k.result(wait)
	switch {
	case err == nil:
		return got.entry, outcome{result: Miss, from: got.from, joined: joined}, nil
	case ctx.Err() != nil:
		return nil, outcome{}, context.Cause(ctx)
	case wait.Err() != nil:
		s.inTrouble(r).Store(true) // until upstream answers again, nobody else waits
	case definite(err):
		return nil, outcome{result: Miss, joined: joined}, err
	}
	return s.storedAnswer(ctx, r, old, err)
}

// privatePatience is how long a client who can have an old answer waits for version control, which takes longer than a
// proxy; and those who ask for private modules are those who push their tags.
const privatePatience = 2 * time.Second

// patience is how long a client who can have an old answer waits for a new one.
func (s *Server) patience(r request) time.Duration {
	switch {
	case s.inTrouble(r).Load():
		return 0
	case s.tenant.privateModule(r.mod.Path):
		return max(privatePatience, s.config.RefreshWait)
	}
	return s.config.RefreshWait
}

// inTrouble is true from when the source of a module fails to answer until it answers again.
func (s *Server) inTrouble(r request) *atomic.Bool {
	if s.tenant.privateModule(r.mod.Path) {
		return &s.trouble[1]
	}
	return &s.trouble[0]
}

// definite reports whether an error is an answer of upstream: there is no such thing, or it is not given.
func definite(err error) bool {
	if _, local := errors.AsType[*storeError](err); local || errors.Is(err, upstream.ErrUnavailable) {
		return false
	}
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, upstream.ErrRefused)
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
	old := s.lastAnswer(r)
	if old != nil && s.current(old) {
		return fetched{old, "", true}, nil // somebody else was faster
	}
	if err := s.negative.get(r.key); err != nil {
		return fetched{}, err
	}
	leave, err := s.beginFetch()
	if err != nil {
		return fetched{}, err
	}
	defer leave()
	if old != nil {
		ctx = upstream.WithoutRetry(ctx)
	}
	var got *upstream.Answer
	if r.kind == kindList {
		got, err = src.Versions(ctx, r.mod.Path)
	} else {
		got, err = src.Resolve(ctx, r.mod.Path, r.mod.Version)
	}
	switch {
	case err == nil:
		s.inTrouble(r).Store(false)
		return fetched{s.keepAnswer(r, got.Body), got.From, true}, nil
	case definite(err):
		s.inTrouble(r).Store(false)
		if errors.Is(err, fs.ErrNotExist) {
			s.negative.put(r.key, err, s.config.Negative)
		}
	default:
		s.inTrouble(r).Store(true)
		s.log.Warn("no new answer", "key", r.store, "error", err.Error())
	}
	return fetched{}, err
}

// keepAnswer remembers an answer that upstream gave now.
func (s *Server) keepAnswer(r request, body []byte) *hotEntry {
	entry := s.answerEntry(r, body, s.now())
	s.remember(r, entry)
	return entry
}

func (s *Server) remember(r request, entry *hotEntry) {
	s.hot.put("/"+r.key, entry)
	if r.kind == kindQuery && isRevision(r.mod.Version) {
		return // there are many of them, and each is asked for once
	}
	if err := s.answers.write(r.store, entry.body, entry.at); err != nil {
		s.log.Error("answer not kept", "key", r.store, "error", err.Error())
	}
}

// isRevision reports whether a query looks like a commit.
func isRevision(query string) bool {
	return len(query) >= 7 && strings.Trim(query, "0123456789abcdef") == ""
}

func (s *Server) answerEntry(r request, body []byte, at time.Time) *hotEntry {
	entry := s.newEntry(r, body, int64(len(body)), "")
	entry.at, entry.until = at, at.Add(s.config.Fresh)
	return entry
}

// lastAnswer returns the last answer of upstream that is not too old to be used, or nil.
func (s *Server) lastAnswer(r request) *hotEntry {
	now := s.now()
	entry := s.hot.get("/" + r.key)
	if entry == nil {
		body, at, err := s.answers.read(r.store)
		if err != nil {
			return nil
		}
		if at.After(now) {
			at = now // a clock went back
		}
		entry = s.answerEntry(r, body, at)
		s.hot.put("/"+r.key, entry)
	}
	if now.Sub(entry.at) > s.config.Fresh+s.config.StaleFor {
		return nil
	}
	return entry
}

// storedAnswer answers without upstream: with the last answer, or with what is in the store; if there is nothing, with
// why. It never says that a module has no versions because none is stored.
func (s *Server) storedAnswer(ctx context.Context, r request, old *hotEntry, why error) (*hotEntry, outcome, error) {
	stale := outcome{result: Stale}
	if old != nil {
		return old, stale, nil
	}
	if r.kind == kindQuery {
		return nil, outcome{result: Miss}, why
	}
	versions, err := s.storedVersions(ctx, r.mod.Path)
	if err != nil || len(versions) == 0 {
		return nil, outcome{result: Miss}, errors.Join(why, err)
	}
	if r.kind == kindLatest {
		m := module.Version{Path: r.mod.Path, Version: latest(versions)}
		entry, err := s.load(ctx, s.fileRequest(m, kindInfo))
		if err != nil {
			return nil, outcome{result: Miss}, errors.Join(why, err)
		}
		return s.answerEntry(r, entry.body, time.Time{}), stale, nil
	}
	versions = slices.DeleteFunc(versions, module.IsPseudoVersion)
	return s.answerEntry(r, joinLines(versions), time.Time{}), stale, nil
}

// storedVersions returns the versions whose .info is stored, in order.
func (s *Server) storedVersions(ctx context.Context, path string) ([]string, error) {
	folder := strings.TrimSuffix(s.answerRequest(path, kindList).store, "list")
	var versions []string
	for e, err := range s.store.List(ctx, folder) {
		if err != nil {
			return nil, &storeError{err}
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
func (s *Server) addVersion(m module.Version) {
	s.adding.Lock()
	defer s.adding.Unlock()
	list, newest := s.answerRequest(m.Path, kindList), s.answerRequest(m.Path, kindLatest)
	s.negative.remove(list.key, newest.key)
	if module.IsPseudoVersion(m.Version) {
		return
	}
	if old := s.lastAnswer(list); old != nil {
		versions := strings.Fields(string(old.body))
		if !slices.Contains(versions, m.Version) {
			versions = append(versions, m.Version)
			semver.Sort(versions)
			s.remember(list, s.answerEntry(list, joinLines(versions), old.at))
		}
	}
	if old := s.lastAnswer(newest); old != nil && s.newer(m.Version, old.body) {
		again := s.answerEntry(newest, old.body, old.at)
		again.until = s.now().Add(-1)
		s.hot.put("/"+newest.key, again)
	}
}

// newer reports whether a version would come before the one of an .info as the latest one.
func (s *Server) newer(version string, info []byte) bool {
	var was struct{ Version string }
	if json.Unmarshal(info, &was) != nil || semver.Compare(was.Version, version) >= 0 {
		return false
	}
	return semver.Prerelease(version) == "" || semver.Prerelease(was.Version) != ""
}

func joinLines(lines []string) []byte {
	var b bytes.Buffer
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	return b.Bytes()
}

// answerRequest is the request for the list or the latest version of a module with a valid path.
func (s *Server) answerRequest(path string, k kind) request {
	escaped, err := module.EscapePath(path)
	if err != nil {
		panic("proxy: invalid module path: " + err.Error())
	}
	r := request{kind: k, mod: module.Version{Path: path}, key: escaped + "/@v/list"}
	if k == kindLatest {
		r.key, r.mod.Version = escaped+"/@latest", "latest"
	}
	r.store = s.storeKey(r.key, path)
	return r
}

// fileRequest is the request for a file of a valid canonical version.
func (s *Server) fileRequest(m module.Version, k kind) request {
	path, err1 := module.EscapePath(m.Path)
	version, err2 := module.EscapeVersion(m.Version)
	if err := errors.Join(err1, err2); err != nil {
		panic("proxy: invalid module version: " + err.Error())
	}
	r := request{kind: k, mod: m, key: path + "/@v/" + version + "." + k.String()}
	r.store = s.storeKey(r.key, m.Path)
	return r
}
