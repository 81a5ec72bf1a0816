package proxy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/upstream"
)

// touchEvery is how exactly the store knows when a file was used last.
const touchEvery = 10 * time.Minute

// errDamaged means that a stored file is not what was stored.
var errDamaged = errors.New("stored file is damaged")

// newEntry makes the entry of a file. etag may be "": then the hash of the body is used.
func (s *Server) newEntry(r request, body []byte, size int64, etag string) *hotEntry {
	if etag == "" {
		sum := sha256.Sum256(body)
		etag = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	etag = `"` + etag + `"`
	return &hotEntry{
		kind: r.kind, private: s.tenant.privateModule(r.mod.Path), body: body, size: size,
		etag: etag, etagHeader: []string{etag}, sizeHeader: []string{strconv.FormatInt(size, 10)},
	}
}

// load reads what is known of a stored file, and the file if it is small. It returns fs.ErrNotExist if the file is not
// stored, or was damaged and has been put away.
func (s *Server) load(ctx context.Context, r request) (*hotEntry, error) {
	blob, err := s.store.Get(ctx, r.key)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	entry, err := s.examine(ctx, r, blob)
	switch {
	case errors.Is(err, errDamaged):
		s.quarantine(ctx, r.key, err.Error())
		return nil, &fs.PathError{Op: "read", Path: r.key, Err: fs.ErrNotExist}
	case err != nil:
		return nil, err
	}
	entry.touched.Store(blob.Used.Unix())
	s.hot.put("/"+r.key, entry)
	return entry, nil
}

// examine checks a stored file as far as can be done at once: a small one by its hash, a zip by its size, which its end
// tells. See [Server.scrub] for the rest.
func (s *Server) examine(ctx context.Context, r request, blob *store.Blob) (*hotEntry, error) {
	var body []byte
	if r.kind != kindZip || blob.Size <= maxHotBody {
		var err error
		if body, err = io.ReadAll(io.LimitReader(blob, upstream.MaxMod+1)); err != nil {
			return nil, err
		}
	}
	if r.kind == kindInfo {
		if err := verifyInfo(r.mod, body); err != nil {
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
	case r.kind == kindZip && !wholeZip(blob):
		return nil, fmt.Errorf("%w: it does not end like a zip", errDamaged)
	case r.kind == kindMod:
		if got, err := hashMod(body); err != nil || got != hash {
			return nil, fmt.Errorf("%w: its hash is %s, it was %s", errDamaged, got, hash)
		}
	}
	return s.newEntry(r, body, blob.Size, hash), nil
}

// adopt verifies a stored file whose hash was not stored, as if it came from upstream: somebody copied a tree of modules
// into the store.
func (s *Server) adopt(ctx context.Context, r request) (hash string, err error) {
	sums := s.lookUp(ctx, r.mod)
	err = s.withStored(ctx, r, func(body []byte, name string) error {
		if r.kind == kindMod {
			hash, err = s.verifyMod(ctx, r, body, sums)
		} else {
			hash, err = s.verifyZip(ctx, r, name, sums)
		}
		return err
	})
	if errors.Is(err, ErrSecurity) {
		err = fmt.Errorf("%w: %w", errDamaged, err)
	}
	return hash, err
}

// hashStored returns the hash that a stored .mod or .zip has now. A zip that cannot be read is damaged.
func (s *Server) hashStored(ctx context.Context, r request) (hash string, err error) {
	err = s.withStored(ctx, r, func(body []byte, name string) error {
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

// withStored calls f with the contents of a stored .mod, or with the name of a file that has those of a stored .zip.
func (s *Server) withStored(ctx context.Context, r request, f func(body []byte, name string) error) error {
	blob, err := s.store.Get(ctx, r.key)
	if err != nil {
		return err
	}
	defer blob.Close()
	if r.kind == kindMod {
		body, err := io.ReadAll(io.LimitReader(blob, upstream.MaxMod+1))
		if err != nil {
			return err
		}
		return f(body, "")
	}
	if blob.Path != "" {
		return f(nil, blob.Path)
	}
	tmp, err := store.MakeTemp(s.store)
	if err != nil {
		return err
	}
	defer tmp.Close()
	if _, err := io.Copy(tmp, blob); err != nil {
		return err
	}
	return f(nil, tmp.Name())
}

// wholeZip reports whether the end of a file is the end of a zip, and says that the file has the size it has: one that
// was cut, or that something was added to, is not whole.
func wholeZip(blob *store.Blob) bool {
	const endSize, maxComment, tooLarge = 22, 1<<16 - 1, 1<<32 - 1
	tail := make([]byte, min(blob.Size, endSize+maxComment))
	if _, err := blob.Seek(-int64(len(tail)), io.SeekEnd); err != nil {
		return false
	}
	if _, err := io.ReadFull(blob, tail); err != nil {
		return false
	}
	for i := len(tail) - endSize; i >= 0; i-- {
		end := tail[i:]
		if !bytes.HasPrefix(end, []byte("PK\x05\x06")) || int(binary.LittleEndian.Uint16(end[20:])) != len(end)-endSize {
			continue
		}
		size, offset := binary.LittleEndian.Uint32(end[12:]), binary.LittleEndian.Uint32(end[16:])
		// With zip64 the sizes are elsewhere.
		return size == tooLarge || offset == tooLarge || int64(size)+int64(offset) == blob.Size-int64(len(end))
	}
	return false
}

// fetched is the outcome of a fetch of something small.
type fetched struct {
	entry *hotEntry
	from  string
	// stored is false if the store failed: the entry is good, but only for those who wait for it.
	stored bool
}

// fetchSmall fetches an .info or .mod, verifies and stores it.
func (s *Server) fetchSmall(ctx context.Context, r request) (fetched, error) {
	sums := s.lookUp(ctx, r.mod)
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
		err = verifyInfo(r.mod, body)
	}
	if err == nil {
		err = s.putBytes(ctx, r.key, body)
	}
	var notStored *storeError
	entry := s.newEntry(r, body, int64(len(body)), hash)
	switch {
	case errors.Is(err, fs.ErrExist):
		// Another server that shares the store was faster. What it stored counts.
		if entry, err = s.load(ctx, r); err != nil {
			return fetched{}, err
		}
	case errors.As(err, &notStored):
		s.log.Error("not stored", "key", r.key, "error", err.Error())
		return fetched{entry, file.From, false}, nil
	case err != nil:
		return fetched{}, err
	}
	entry.touched.Store(s.now().Unix())
	s.published(ctx, r, entry)
	return fetched{entry, file.From, true}, nil
}

// published makes known that a file is in the store.
func (s *Server) published(ctx context.Context, r request, entry *hotEntry) {
	s.negative.remove(r.key)
	s.hot.put("/"+r.key, entry)
	if r.kind != kindInfo {
		return
	}
	s.addVersion(ctx, r.mod)
	if s.config.Index != nil {
		if err := s.config.Index.Append(r.mod.Path, r.mod.Version, s.now()); err != nil {
			s.log.Error("index not written", "error", err.Error())
		}
	}
}
