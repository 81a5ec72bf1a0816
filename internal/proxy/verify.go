package proxy

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"

	"github.com/goready/goready/internal/upstream"
)

// errMalformed means that a file is what upstream has, as far as anybody knows, but no file of a module. It is answered
// with 502; unlike [ErrSecurity], it is no alarm: its author may have published it so.
var errMalformed = errors.New("malformed file of upstream")

// malformed says in one short printable line what is wrong with a file: some errors about zips list thousands of names.
func malformed(r request, what any) error {
	text, _, _ := strings.Cut(fmt.Sprint(what), "\n")
	if len(text) > 300 {
		text = text[:300] + "…"
	}
	text = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) || c == utf8.RuneError {
			return '?'
		}
		return c
	}, text)
	return fmt.Errorf("%w: %s of %s: %s", errMalformed, r.kind, r.mod, text)
}

// policyError is a refusal of this server itself.
type policyError struct{ text string }

func (e *policyError) Error() string { return e.text }

func (e *policyError) Unwrap() error { return upstream.ErrRefused }

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

// refusedBy returns why a look-up that has ended makes it pointless to go on, or nil.
func (s *Server) refusedBy(m module.Version, k *call[hashes]) error {
	select {
	case <-k.done:
		_, err := s.sumsOf(context.Background(), m, k)
		return err
	default:
		return nil
	}
}

// verifyInfo checks the .info of a canonical version.
func verifyInfo(r request, body []byte) error {
	if _, err := upstream.ParseInfo(r.mod.Path, r.mod.Version, body); err != nil {
		return malformed(r, err)
	}
	return nil
}

// verifyMod checks a go.mod and returns its hash, to be pinned. It may name another module, as those of forks do.
func (s *Server) verifyMod(ctx context.Context, r request, body []byte, sums *call[hashes]) (string, error) {
	hash, err := hashMod(body)
	if err != nil {
		return "", err
	}
	want, err := s.sumsOf(ctx, r.mod, sums)
	if err == nil {
		err = s.agree(r, hash, want.mod)
	}
	if err != nil {
		return "", err
	}
	f, err := modfile.ParseLax("go.mod", body, nil)
	switch {
	case err != nil:
		return "", malformed(r, err)
	case f.Module == nil:
		return "", malformed(r, "it has no module line")
	}
	return hash, s.checkPin(ctx, r, hash, want.mod)
}

// hashMod returns the hash of a go.mod as go.sum has it.
func hashMod(body []byte) (string, error) {
	return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(body)), nil
	})
}

// verifyZip checks the zip in the file name (its hash, and layout, path prefix and sizes as golang.org/x/mod/zip has them)
// and returns its hash, to be pinned.
func (s *Server) verifyZip(ctx context.Context, r request, name string, size int64, sums *call[hashes]) (string, error) {
	checked, bad := modzip.CheckZip(r.mod, name)
	if bad == nil {
		bad = checked.Err()
	}
	if notRead(bad) {
		return "", &storeError{bad}
	}
	hash, err := dirhash.HashZip(name, dirhash.Hash1)
	switch {
	case notRead(err):
		return "", &storeError{err}
	case err != nil:
		return "", malformed(r, strings.ReplaceAll(err.Error(), name, "zip"))
	}
	want, err := s.sumsOf(ctx, r.mod, sums)
	if err == nil {
		err = s.agree(r, hash, want.zip)
	}
	if err != nil {
		return "", err
	}
	if bad != nil {
		return "", malformed(r, strings.ReplaceAll(bad.Error(), name, "zip"))
	}
	if whole, err := wholeZipFile(name, size); err != nil {
		return "", &storeError{err}
	} else if !whole {
		return "", malformed(r, "there is something beside the zip in the file")
	}
	return hash, s.checkPin(ctx, r, hash, want.zip)
}

// notRead reports whether an error is of the file system, so that it says nothing about what the file contains.
func notRead(err error) bool {
	var pathErr *fs.PathError
	return errors.As(err, &pathErr)
}

// agree compares a hash with that of the checksum database, "" if it was not asked.
func (s *Server) agree(r request, got, want string) error {
	if want != "" && got != want {
		return fmt.Errorf("%w: %s of %s has the hash %s, the checksum database %s says %s", ErrSecurity, r.kind, r.mod, got, s.tenant.Sums.Name(), want)
	}
	return nil
}

// checkPin compares a hash with the one that the file was first stored with, if there is one. want is what the checksum
// database says: it, not the store, is right.
func (s *Server) checkPin(ctx context.Context, r request, got, want string) error {
	old, err := s.pinned(ctx, r)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && old == got:
		return nil
	case err != nil:
		// Without the old hash nobody knows whether the file is good.
		return fmt.Errorf("the hash of %s cannot be read: %v", r.mod, err)
	case want != "":
		s.quarantine(ctx, pinKey(r), "the checksum database says "+want)
		return nil
	}
	return fmt.Errorf("%w: %s of %s has the hash %s, but it was %s when it was first stored", ErrSecurity, r.kind, r.mod, got, old)
}

// pin stores the hash that a file is stored with. If there is one now, stored by another server, it must be the same.
func (s *Server) pin(ctx context.Context, r request, hash string) error {
	err := s.putBytes(ctx, pinKey(r), []byte(hash))
	if errors.Is(err, fs.ErrExist) {
		return s.checkPin(ctx, r, hash, "")
	}
	return err
}

// pinKey is the key of the hash that a .mod or .zip was first stored with: .modhash, .ziphash.
func pinKey(r request) string { return r.store + "hash" }

// pinned returns the hash that a file was first stored with. What is no hash is put away as if it were not there.
func (s *Server) pinned(ctx context.Context, r request) (string, error) {
	data, err := s.readBytes(ctx, pinKey(r), 200)
	if err != nil {
		return "", err
	}
	if !validHash(string(data)) {
		s.quarantine(ctx, pinKey(r), "is no hash")
		return "", absent(pinKey(r))
	}
	return string(data), nil
}

func validHash(h string) bool {
	b64, ok := strings.CutPrefix(h, "h1:")
	sum, err := base64.StdEncoding.DecodeString(b64)
	return ok && err == nil && len(sum) == 32
}

// wholeZipFile is [wholeZip] for a file.
func wholeZipFile(name string, size int64) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	return wholeZip(f, size), nil
}

// wholeZip reports whether the end of a file is the end of a zip, and says that the file has the size it has: one that
// was cut, or that something was added to, is not whole.
func wholeZip(f io.ReadSeeker, fileSize int64) bool {
	const endSize, locatorSize, maxComment = 22, 20, 1<<16 - 1
	tail := make([]byte, min(fileSize, endSize+maxComment))
	if _, err := f.Seek(-int64(len(tail)), io.SeekEnd); err != nil {
		return false
	}
	if _, err := io.ReadFull(f, tail); err != nil {
		return false
	}
	for i := len(tail) - endSize; i >= 0; i-- {
		end := tail[i:]
		if !bytes.HasPrefix(end, []byte("PK\x05\x06")) || int(binary.LittleEndian.Uint16(end[20:])) != len(end)-endSize {
			continue
		}
		if i >= locatorSize && bytes.HasPrefix(tail[i-locatorSize:], []byte("PK\x06\x07")) {
			return true // zip64: the sizes are elsewhere
		}
		size, offset := binary.LittleEndian.Uint32(end[12:]), binary.LittleEndian.Uint32(end[16:])
		return int64(size)+int64(offset) == fileSize-int64(len(end))
	}
	return false
}
