// Package store keeps the files of modules: .info, .mod and .zip, and the hashes they were verified with.
//
// Its one invariant: what is stored under a key never changes. Files are created whole or not at all, and a second
// [Store.Put] of a key is refused, so that any number of writers need no lock. The package knows nothing of what it
// stores: who puts a file has verified it before.
//
// Keys are the paths of a GOPROXY file tree without a leading slash, such as "github.com/!burnt!sushi/toml/@v/v1.2.0.zip"
// ("go help goproxy"), so that the folder of a [Dir] can be served by any file server and used as GOPROXY=file://….
package store

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// Store keeps files by key. All methods may be called concurrently, also by several processes that share what is below.
// Nobody retries: an error is returned to the caller, wrapped. A key that [ValidKey] refuses is answered with
// fs.ErrInvalid by every method.
type Store interface {
	// Get opens the file of key. fs.ErrNotExist means known to be absent; any other error says nothing about that. What
	// was opened can be read to its end although the key is deleted meanwhile.
	Get(ctx context.Context, key string) (*Blob, error)
	// Put stores the contents of src, from its beginning, under key, if there is no such key: else it returns
	// fs.ErrExist and what is there stays. It returns nil only when the file is stored to survive a crash (as far as the
	// store is configured to). After another error the file may be stored or not, whole if it is. [ErrFull] means that
	// there is no space. src is not closed, and may be consumed: a Dir takes the file itself if it came from [Dir.Temp].
	Put(ctx context.Context, key string, src *Temp) error
	// Delete removes key. It is no error if there is none.
	Delete(ctx context.Context, key string) error
	// List yields the keys that begin with prefix and all that is known of each without opening it, in no order. It
	// does not hold all of them in memory. After an error it ends.
	List(ctx context.Context, prefix string) iter.Seq2[Entry, error]
}

// Blob is an open file of a store.
type Blob struct {
	// ReadSeekCloser reads the file from its beginning; it is an *os.File where the store is a folder, which net/http
	// sends without copying.
	io.ReadSeekCloser
	Entry
	// Path is the name of the file on this machine, for what opens files itself; "" if it is none. It may be gone, or be
	// another file, when the key was deleted meanwhile.
	Path string
}

// Entry describes a file of a store.
type Entry struct {
	Key  string
	Size int64 // bytes
	// Used is when the file was stored or last given to [Toucher.Touch].
	Used time.Time
}

// Toucher is a store that remembers when its files were used, for eviction.
type Toucher interface {
	// Touch notes that key is used now. No key is no error.
	Touch(ctx context.Context, key string) error
}

// ErrFull means that the store, or the disk below it, has no space left.
var ErrFull = errors.New("no space left in the store")
