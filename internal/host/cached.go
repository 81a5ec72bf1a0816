package host

import "sync"

// Cached returns a Host that asks h each question about files once and remembers the answer, errors included: it
// describes one moment, and many questions about the same folders cost one. Programs are run and processes listed each
// time. It is safe for concurrent use. Callers must not
// change the slices it returns.
func Cached(h Host) Host {
	return &cached{Host: h, platform: h.Platform(), files: answersOf[[]byte]{}, heads: answersOf[[]byte]{}, dirs: answersOf[[]Entry]{}, infos: answersOf[Info]{}, links: answersOf[string]{}}
}

type cached struct {
	Host
	platform Platform

	mu    sync.Mutex // guards the maps
	files answersOf[[]byte]
	heads answersOf[[]byte]
	dirs  answersOf[[]Entry]
	infos answersOf[Info]
	links answersOf[string]
}

type answersOf[T any] map[string]answerOf[T]

type answerOf[T any] struct {
	value T
	err   error
}

// askOnce returns the remembered answer for name, or asks for it.
func askOnce[T any](c *cached, known answersOf[T], name string, how func(string) (T, error)) (T, error) {
	c.mu.Lock()
	a, ok := known[name]
	c.mu.Unlock()
	if !ok {
		a.value, a.err = how(name)
		c.mu.Lock()
		known[name] = a
		c.mu.Unlock()
	}
	return a.value, a.err
}

func (c *cached) Platform() Platform { return c.platform }

func (c *cached) ReadFile(name string) ([]byte, error) {
	return askOnce(c, c.files, name, c.Host.ReadFile)
}

func (c *cached) ReadDir(name string) ([]Entry, error) {
	return askOnce(c, c.dirs, name, c.Host.ReadDir)
}

func (c *cached) Lstat(name string) (Info, error) { return askOnce(c, c.infos, name, c.Host.Lstat) }

func (c *cached) ReadLink(name string) (string, error) {
	return askOnce(c, c.links, name, c.Host.ReadLink)
}

// WithFile returns h with the contents of one file known in another way than by reading it.
func WithFile(h Host, name string, data []byte) Host { return &withFile{h, name, data} }

type withFile struct {
	Host
	name string
	data []byte
}

func (w *withFile) ReadFile(name string) ([]byte, error) {
	if name == w.name {
		return w.data, nil
	}
	return w.Host.ReadFile(name)
}
