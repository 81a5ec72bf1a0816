package proxy

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/upstream"
)

// touchEvery is how exactly the store knows when a file was used last.
const touchEvery = 10 * time.Minute

// errDamaged means that a stored file is not what was stored.
var errDamaged = errors.New("stored file is damaged")

// storeError is a failure of the store, not of upstream. Whatever the error below says, it does not mean that a module
// does not exist.
type storeError struct{ err error }

func (e *storeError) Error() string { return "store: " + e.err.Error() }

func (e *storeError) Unwrap() error { return e.err }

// absent is the error for what is known not to be stored.
func absent(key string) error { return &fs.PathError{Op: "read", Path: key, Err: fs.ErrNotExist} }

// privateScope is where private modules are in the store: a GOPROXY tree of its own, so that nothing that came from a
// public source is ever taken for a private module, however the patterns are changed. No module path begins so.
const privateScope = "private/"

// storeKey returns the key in the store for the path of a request about a module.
func (s *Server) storeKey(key, modulePath string) string {
	if s.tenant.privateModule(modulePath) {
		return privateScope + key
	}
	return key
}

// requestOf reads the key of a stored file back. ok is false for what is none: a hash, or a file of somebody else.
func requestOf(storeKey string) (r request, ok bool) {
	switch path.Ext(storeKey) {
	case ".info", ".mod", ".zip":
		r, err := parsePath("/" + strings.TrimPrefix(storeKey, privateScope))
		r.store = storeKey
		return r, err == nil && !r.kind.mutable() && semver.IsValid(r.mod.Version)
	}
	return request{}, false
}

// newEntry makes the entry of a file or answer. A nil body of a zip is in the store. hash is that of the file, if it is
// known: a zip with the same one may have other bytes, but not of the same number in practice.
func (s *Server) newEntry(r request, body []byte, size int64, hash string) *hotEntry {
	if hash == "" {
		sum := sha256.Sum256(body)
		hash = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	inStore := r.kind == kindZip && body == nil
	if body == nil && !inStore {
		body = []byte{}
	}
	return &hotEntry{
		kind: r.kind, private: s.tenant.privateModule(r.mod.Path), inStore: inStore, body: body, size: size,
		etag: []string{`"` + hash + "-" + strconv.FormatInt(size, 36) + `"`}, length: []string{strconv.FormatInt(size, 10)},
	}
}

// load reads what is known of a stored file, and the file if it is small. It returns fs.ErrNotExist if the file is not
// stored, or was damaged and has been put away.
func (s *Server) load(ctx context.Context, r request) (*hotEntry, error) {
	blob, err := s.get(ctx, r.store)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	entry, err := s.examine(ctx, r, blob)
	switch {
	case errors.Is(err, errDamaged):
		s.quarantine(ctx, r.store, err.Error())
		return nil, absent(r.store)
	case err != nil:
		return nil, err
	}
	entry.touched.Store(blob.Used.Unix())
	s.hot.put("/"+r.key, entry)
	return entry, nil
}

// loadExisting loads what another server that shares the store was faster to put there: that counts, not what we have.
func (s *Server) loadExisting(ctx context.Context, r request) (*hotEntry, error) {
	entry, err := s.load(ctx, r)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &storeError{fmt.Errorf("%s is there and is not: %w", r.store, err)}
	}
	return entry, err
}

// examine checks a stored file as far as can be done at once: an .info and a .mod wholly, a zip by its end, which tells its
// size. See [Server.Scrub] for the rest.
func (s *Server) examine(ctx context.Context, r request, blob *store.Blob) (*hotEntry, error) {
	var body []byte
	if r.kind != kindZip || blob.Size <= maxHotZip {
		var err error
		if body, err = io.ReadAll(io.LimitReader(blob, upstream.MaxMod+1)); err != nil {
			return nil, &storeError{err}
		}
	}
	if r.kind == kindInfo {
		if err := verifyInfo(r, body); err != nil {
			return nil, fmt.Errorf("%w: %w", errDamaged, err)
		}
		return s.newEntry(r, body, blob.Size, ""), nil
	}
	hash, err := s.pinned(ctx, r)
	if errors.Is(err, fs.ErrNotExist) {
		hash, err = s.adopt(ctx, r)
	}
	switch {
	case err != nil:
		return nil, err
	case r.kind == kindZip && !wholeZip(blob, blob.Size):
		return nil, fmt.Errorf("%w: it does not end like a zip", errDamaged)
	case r.kind == kindMod:
		if got, err := hashMod(body); err != nil || got != hash {
			return nil, fmt.Errorf("%w: its hash is %s, it was %s", errDamaged, got, hash)
		}
	}
	return s.newEntry(r, body, blob.Size, hash), nil
}

// adopt verifies a stored file whose hash was not stored, as if it came from upstream: somebody copied a tree of modules
// into the store. (If the tree has hashes, they are believed.) It is done once for all who ask.
func (s *Server) adopt(ctx context.Context, r request) (hash string, err error) {
	if r.cachedOnly {
		return "", absent(pinKey(r)) // it would ask the checksum database
	}
	k, _ := s.adoptCalls.start(ctx, r.store, maxAdopt, func(ctx context.Context) (string, error) { return s.verifyStored(ctx, r) })
	hash, err = k.result(ctx)
	if errors.Is(err, ErrSecurity) || errors.Is(err, errMalformed) {
		err = fmt.Errorf("%w: %w", errDamaged, err)
	}
	return hash, err
}

// maxAdopt bounds the verification of a stored file.
const maxAdopt = 10 * time.Minute

func (s *Server) verifyStored(ctx context.Context, r request) (hash string, err error) {
	sums := s.lookUp(ctx, r.mod)
	err = s.withStored(ctx, r, func(body []byte, name string, size int64) error {
		if r.kind == kindMod {
			hash, err = s.verifyMod(ctx, r, body, sums)
		} else {
			hash, err = s.verifyZip(ctx, r, name, size, sums)
		}
		return err
	})
	if err == nil {
		err = s.pin(ctx, r, hash)
	}
	return hash, err
}

// hashStored returns the hash that a stored .mod or .zip has now. A zip that cannot be read is damaged.
func (s *Server) hashStored(ctx context.Context, r request) (hash string, err error) {
	err = s.withStored(ctx, r, func(body []byte, name string, _ int64) error {
		if r.kind == kindMod {
			hash, err = hashMod(body)
			return err
		}
		if hash, err = dirhash.HashZip(name, dirhash.Hash1); err != nil && !notRead(err) {
			err = fmt.Errorf("%w: %w", errDamaged, err)
		}
		return err
	})
	return hash, err
}

// withStored calls f with the contents of a stored .mod, or with the name and size of a file that has those of a stored
// .zip.
func (s *Server) withStored(ctx context.Context, r request, f func(body []byte, name string, size int64) error) error {
	blob, err := s.get(ctx, r.store)
	if err != nil {
		return err
	}
	defer blob.Close()
	if r.kind == kindMod {
		body, err := io.ReadAll(io.LimitReader(blob, upstream.MaxMod+1))
		if err != nil {
			return &storeError{err}
		}
		return f(body, "", blob.Size)
	}
	if blob.Path != "" {
		return f(nil, blob.Path, blob.Size)
	}
	tmp, err := store.MakeTemp(s.store)
	if err != nil {
		return &storeError{err}
	}
	defer tmp.Close()
	if _, err := io.Copy(tmp, blob); err != nil {
		return &storeError{err}
	}
	return f(nil, tmp.Name(), blob.Size)
}

// get opens a stored file. The error is fs.ErrNotExist, with no [*storeError], only if there is none.
func (s *Server) get(ctx context.Context, key string) (*store.Blob, error) {
	blob, err := s.store.Get(ctx, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, &storeError{err}
	}
	return blob, err
}

// readBytes returns the contents of a stored file of at most max bytes.
func (s *Server) readBytes(ctx context.Context, key string, max int64) ([]byte, error) {
	blob, err := s.get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	data, err := io.ReadAll(io.LimitReader(blob, max))
	if err != nil {
		return nil, &storeError{err}
	}
	return data, nil
}

// put stores a file. The error is a [*storeError].
func (s *Server) put(ctx context.Context, key string, tmp *store.Temp) error {
	if err := s.store.Put(ctx, key, tmp); err != nil {
		return &storeError{err}
	}
	return nil
}

// putBytes stores data. The error is a [*storeError].
func (s *Server) putBytes(ctx context.Context, key string, data []byte) error {
	tmp, err := store.MakeTemp(s.store)
	if err != nil {
		return &storeError{err}
	}
	defer tmp.Close()
	if _, err := tmp.Write(data); err != nil {
		return &storeError{err}
	}
	return s.put(ctx, key, tmp)
}

// fetched is the outcome of a fetch of something small.
type fetched struct {
	entry *hotEntry
	from  string
	// stored is false if the store failed: the entry is good all the same.
	stored bool
}

// fetchSmall fetches an .info or .mod, verifies and stores it.
func (s *Server) fetchSmall(ctx context.Context, r request) (fetched, error) {
	var sums *call[hashes]
	if r.kind == kindMod {
		sums = s.lookUp(ctx, r.mod)
	}
	file, err := s.tenant.source(r.mod.Path).Open(ctx, r.mod, r.kind.file())
	if err != nil {
		return fetched{}, err
	}
	body, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return fetched{}, err
	}
	hash := ""
	if r.kind == kindMod {
		hash, err = s.verifyMod(ctx, r, body, sums)
	} else {
		err = verifyInfo(r, body)
	}
	if err == nil && r.kind == kindMod {
		err = s.pin(ctx, r, hash)
	}
	if err == nil {
		err = s.putBytes(ctx, r.store, body)
	}
	got := fetched{s.newEntry(r, body, int64(len(body)), hash), file.From, err == nil}
	var local *storeError
	switch {
	case errors.Is(err, fs.ErrExist):
		got.entry, err = s.loadExisting(ctx, r)
		got.stored = true
		return got, err
	case errors.As(err, &local):
		s.log.Error("not stored", "key", r.store, "error", err.Error())
	case err != nil:
		return fetched{}, err
	}
	s.published(ctx, r, got.entry, got.stored)
	return got, nil
}

// published makes known that a file was fetched, and that it is in the store if it is.
func (s *Server) published(ctx context.Context, r request, entry *hotEntry, stored bool) {
	entry.touched.Store(s.now().Unix())
	if !entry.inStore || stored {
		s.hot.put("/"+r.key, entry)
	}
	if !stored || r.kind != kindInfo {
		return
	}
	s.negative.remove(r.key, s.fileRequest(r.mod, kindMod).key, s.fileRequest(r.mod, kindZip).key)
	s.addVersion(r.mod)
	if s.config.Index != nil && !entry.private {
		if err := s.config.Index.Append(r.mod.Path, r.mod.Version, s.now()); err != nil {
			s.log.Error("index not written", "error", err.Error())
		}
	}
}
