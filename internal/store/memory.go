package store

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"iter"
	"maps"
	"strings"
	"sync"
	"time"
)

// Memory is a store in memory, for tests and small uses. The zero value is an empty one. It is a [Toucher].
type Memory struct {
	// Now tells the time; nil means time.Now.
	Now func() time.Time

	mu    sync.RWMutex // guards files
	files map[string]memoryFile
}

type memoryFile struct {
	data []byte
	used time.Time
}

// Get implements [Store].
func (m *Memory) Get(ctx context.Context, key string) (*Blob, error) {
	if err := m.check(ctx, "open", key); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	f, ok := m.files[key]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: key, Err: fs.ErrNotExist}
	}
	return &Blob{ReadSeekCloser: memoryBlob{bytes.NewReader(f.data)}, Entry: f.entry(key)}, nil
}

func (f memoryFile) entry(key string) Entry {
	return Entry{Key: key, Size: int64(len(f.data)), Used: f.used}
}

type memoryBlob struct{ *bytes.Reader }

func (memoryBlob) Close() error { return nil }

// Put implements [Store].
func (m *Memory) Put(ctx context.Context, key string, src *Temp) error {
	if err := m.check(ctx, "put", key); err != nil {
		return err
	}
	data := make([]byte, src.Size())
	if _, err := io.ReadFull(io.NewSectionReader(src, 0, int64(len(data))), data); err != nil && len(data) > 0 {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.files[key]; ok {
		return &fs.PathError{Op: "put", Path: key, Err: fs.ErrExist}
	}
	if m.files == nil {
		m.files = map[string]memoryFile{}
	}
	m.files[key] = memoryFile{data, m.now()}
	return nil
}

// Delete implements [Store].
func (m *Memory) Delete(ctx context.Context, key string) error {
	if err := m.check(ctx, "remove", key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.files, key)
	return nil
}

// List implements [Store]. It yields what was there when it began.
func (m *Memory) List(ctx context.Context, prefix string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if !validPrefix(prefix) {
			yield(Entry{}, invalidKey("list", prefix))
			return
		}
		m.mu.RLock()
		files := maps.Clone(m.files)
		m.mu.RUnlock()
		for key, f := range files {
			if err := ctx.Err(); err != nil {
				yield(Entry{}, err)
				return
			}
			if strings.HasPrefix(key, prefix) && !yield(f.entry(key), nil) {
				return
			}
		}
	}
}

// Touch implements [Toucher].
func (m *Memory) Touch(ctx context.Context, key string) error {
	if err := m.check(ctx, "touch", key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f, ok := m.files[key]; ok {
		m.files[key] = memoryFile{f.data, m.now()}
	}
	return nil
}

func (m *Memory) check(ctx context.Context, op, key string) error {
	if !ValidKey(key) {
		return invalidKey(op, key)
	}
	return ctx.Err()
}

func (m *Memory) now() time.Time {
	if m.Now == nil {
		return time.Now()
	}
	return m.Now()
}
