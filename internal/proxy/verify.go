package proxy

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/upstream"
)

// hashes are what a checksum database says about a version; both are "" if it is not asked.
type hashes struct{ zip, mod string }

// lookUp asks the checksum database in the background, if it is to be asked about the module.
func (s *Server) lookUp(ctx context.Context, m module.Version) *call[hashes] {
	if !s.tenant.summed(m.Path) {
		k := &call[hashes]{done: make(chan struct{})}
		close(k.done)
		return k
	}
	k, _ := s.sumCalls.start(ctx, m.String(), s.config.FetchTimeout, func(ctx context.Context) (hashes, error) {
		zip, mod, err := s.tenant.Sums.Lookup(ctx, m.Path, m.Version)
		return hashes{zip, mod}, err
	})
	return k
}

// policyError is a refusal of this server itself.
type policyError struct{ text string }

func (e *policyError) Error() string { return e.text }

func (e *policyError) Unwrap() error { return upstream.ErrRefused }

// sumsOf waits for a look-up. That the database does not know the version is no "not found": upstream has it.
func (s *Server) sumsOf(ctx context.Context, m module.Version, k *call[hashes]) (hashes, error) {
	h, err := k.result(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return h, &policyError{fmt.Sprintf("%s is not in the checksum database %s, so it cannot be verified; "+
			"if the module is private, name it in GONOSUMDB or GOPRIVATE of this module proxy", m, s.tenant.Sums.Name())}
	case err != nil:
		return h, fmt.Errorf("checksum database: %w", err)
	}
	return h, nil
}

// verifyInfo checks the .info of a canonical version.
func verifyInfo(m module.Version, body []byte) error {
	var info struct{ Version string }
	if err := json.Unmarshal(body, &info); err != nil {
		return fmt.Errorf("%w: the .info of %s is no JSON: %w", ErrSecurity, m, err)
	}
	if info.Version != m.Version {
		return fmt.Errorf("%w: the .info of %s is that of version %q", ErrSecurity, m, info.Version)
	}
	return nil
}

// verifyMod checks a go.mod and returns its hash. It may name another module, as those of forks do.
func (s *Server) verifyMod(ctx context.Context, r request, body []byte, sums *call[hashes]) (string, error) {
	f, err := modfile.ParseLax("go.mod", body, nil)
	if err != nil {
		return "", fmt.Errorf("%w: the go.mod of %s: %w", ErrSecurity, r.mod, err)
	}
	if f.Module == nil {
		return "", fmt.Errorf("%w: the go.mod of %s has no module line", ErrSecurity, r.mod)
	}
	hash, err := hashMod(body)
	if err != nil {
		return "", err
	}
	want, err := s.sumsOf(ctx, r.mod, sums)
	if err != nil {
		return "", err
	}
	return hash, s.compare(ctx, r, hash, want.mod)
}

// hashMod returns the hash of a go.mod as go.sum has it.
func hashMod(body []byte) (string, error) {
	return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(body)), nil
	})
}

// verifyZip checks the zip in the file name (layout, path prefix and sizes as golang.org/x/mod/zip has them, and the
// hash) and returns its hash.
func (s *Server) verifyZip(ctx context.Context, r request, name string, sums *call[hashes]) (string, error) {
	checked, err := modzip.CheckZip(r.mod, name)
	if err == nil {
		err = checked.Err()
	}
	var hash string
	if err == nil {
		hash, err = dirhash.HashZip(name, dirhash.Hash1)
	}
	switch {
	case notRead(err):
		return "", err
	case err != nil:
		return "", fmt.Errorf("%w: the zip of %s: %s", ErrSecurity, r.mod, strings.ReplaceAll(err.Error(), name, "zip"))
	}
	want, err := s.sumsOf(ctx, r.mod, sums)
	if err != nil {
		return "", err
	}
	return hash, s.compare(ctx, r, hash, want.zip)
}

// notRead reports whether an error is of the file system, so that it says nothing about what the file contains.
func notRead(err error) bool {
	var pathErr *fs.PathError
	return errors.As(err, &pathErr)
}

// compare checks a hash against that of the checksum database, "" if it was not asked, and then against the one that the
// file was first stored with, which it becomes if there is none.
func (s *Server) compare(ctx context.Context, r request, got, want string) error {
	if want != "" && got != want {
		return fmt.Errorf("%w: %s of %s has the hash %s, the checksum database %s says %s", ErrSecurity, r.kind, r.mod, got, s.tenant.Sums.Name(), want)
	}
	for range 3 {
		old, err := s.pinned(ctx, r)
		switch {
		case err == nil && old == got:
			return nil
		case err == nil && want != "":
			s.quarantine(ctx, pinKey(r), "the checksum database says "+want) // and got is that
			continue
		case err == nil:
			return fmt.Errorf("%w: %s of %s has the hash %s, but it was %s when it was first stored", ErrSecurity, r.kind, r.mod, got, old)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		if err := s.putBytes(ctx, pinKey(r), []byte(got)); !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return fmt.Errorf("the stored hash of %s can be neither read nor written", r.mod)
}

// pinKey is the key of the hash that a .mod or .zip was first stored with: .modhash, .ziphash.
func pinKey(r request) string { return r.key + "hash" }

// pinned returns the hash that a file was first stored with. What is no hash is put away as if it were not there.
func (s *Server) pinned(ctx context.Context, r request) (string, error) {
	data, err := s.readBytes(ctx, pinKey(r), 200)
	if err != nil {
		return "", err
	}
	if !validHash(string(data)) {
		s.quarantine(ctx, pinKey(r), "is no hash")
		return "", &fs.PathError{Op: "read", Path: pinKey(r), Err: fs.ErrNotExist}
	}
	return string(data), nil
}

func validHash(h string) bool {
	b64, ok := strings.CutPrefix(h, "h1:")
	sum, err := base64.StdEncoding.DecodeString(b64)
	return ok && err == nil && len(sum) == 32
}

// readBytes returns the contents of a stored file of at most max bytes.
func (s *Server) readBytes(ctx context.Context, key string, max int64) ([]byte, error) {
	blob, err := s.store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	return io.ReadAll(io.LimitReader(blob, max))
}

// putBytes stores data.
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

// storeError is why something could not be stored. It may be good all the same.
type storeError struct{ err error }

func (e *storeError) Error() string { return "store: " + e.err.Error() }

func (e *storeError) Unwrap() error { return e.err }

func (s *Server) put(ctx context.Context, key string, tmp *store.Temp) error {
	if err := s.store.Put(ctx, key, tmp); err != nil {
		return &storeError{err}
	}
	return nil
}

// requestOf reads the key of a stored file back. ok is false for what is none: a hash, or a file of somebody else.
func requestOf(key string) (r request, ok bool) {
	switch path.Ext(key) {
	case ".info", ".mod", ".zip":
		r, err := parsePath("/" + key)
		return r, err == nil && !r.kind.mutable() && semver.IsValid(r.mod.Version)
	}
	return request{}, false
}
