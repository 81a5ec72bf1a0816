package upstream

import (
	"context"
	"errors"
	"io/fs"
	"net/http"

	"golang.org/x/mod/module"
)

// Entry is an entry of a [Chain].
type Entry struct {
	// Source is asked; nil is the word "off" of GOPROXY: a definite no, behind which nobody is asked.
	Source Source
	// Name names the entry for people, without secrets.
	Name string
	// Pipe: the next entry is asked after any error, as behind "|" in GOPROXY. Else, as behind ",", it is asked only if
	// this one says that there is no such thing.
	Pipe bool
}

// Chain asks sources one after the other, as the go command does with the entries of GOPROXY. The first answer counts.
//
// If there is none, the error is that of the worst kind, of the entries that were asked: no answer is worse than an
// answer that is too large, that is worse than a refusal, and that than "not found". So fs.ErrNotExist means that all
// said so. (The go command prefers the last error, whatever it is.) Of two errors of a kind the earlier one is
// returned, except that of two that say "not found" it is the later one, unless that is "off". A chain without entries
// is "off".
//
// A body that breaks off is not asked for elsewhere: whoever reads it has had a part of it.
type Chain struct {
	entries []Entry
}

// NewChain returns the chain of the entries, in this order.
func NewChain(entries []Entry) *Chain {
	return &Chain{entries: append([]Entry(nil), entries...)}
}

// Versions returns the list of versions; see [Source].
func (c *Chain) Versions(ctx context.Context, path string) (*Answer, error) {
	return walk(ctx, c, func(s Source) (*Answer, error) { return s.Versions(ctx, path) })
}

// Resolve returns the .info of a query; see [Source].
func (c *Chain) Resolve(ctx context.Context, path, query string) (*Answer, error) {
	return walk(ctx, c, func(s Source) (*Answer, error) { return s.Resolve(ctx, path, query) })
}

// Open opens a file of a version; see [Source].
func (c *Chain) Open(ctx context.Context, m module.Version, kind Kind) (*File, error) {
	return walk(ctx, c, func(s Source) (*File, error) { return s.Open(ctx, m, kind) })
}

// Get returns what is at a path below the first entry that has it; see [HTTP.Get]. Version control has nothing of the
// kind: it says no.
func (c *Chain) Get(ctx context.Context, path string, limit int64) ([]byte, http.Header, error) {
	var header http.Header
	data, err := walk(ctx, c, func(s Source) ([]byte, error) {
		getter, ok := s.(interface {
			Get(context.Context, string, int64) ([]byte, http.Header, error)
		})
		if !ok {
			return nil, refuse("", fs.ErrNotExist, "no module proxy has it")
		}
		var data []byte
		var err error
		data, header, err = getter.Get(ctx, path, limit)
		return data, err
	})
	return data, header, err
}

// Health returns the state of the entries, in their order, except "off". An entry that keeps no account of itself is
// taken to be up.
func (c *Chain) Health() []Health {
	var list []Health
	for _, e := range c.entries {
		if e.Source == nil {
			continue
		}
		h := Health{Up: true}
		if s, ok := e.Source.(interface{ Health() Health }); ok {
			h = s.Health()
		}
		h.Name = e.Name
		list = append(list, h)
	}
	return list
}

// walk asks the entries until one answers, or may not be passed over.
func walk[T any](ctx context.Context, c *Chain, ask func(Source) (T, error)) (T, error) {
	var none T
	var worst error
	for _, e := range c.entries {
		if e.Source == nil {
			break
		}
		answer, err := ask(e.Source)
		if err == nil {
			return answer, nil
		}
		if rank(err) == rankUnknown {
			err = unavailable(e.Name, err)
		}
		if worst == nil || rank(err) > rank(worst) || rank(err) == rankNotExist && rank(worst) == rankNotExist {
			worst = err
		}
		if ctx.Err() != nil || !e.Pipe && rank(err) != rankNotExist {
			break
		}
	}
	if worst == nil {
		worst = refuse("GOPROXY", fs.ErrNotExist, "module lookup disabled by GOPROXY=off")
	}
	return none, worst
}

// Kinds of errors, the worst last.
const (
	rankNotExist = iota
	rankRefused
	rankTooLarge
	rankUnavailable
	rankUnknown // no source may return these
)

func rank(err error) int {
	switch {
	case errors.Is(err, ErrUnavailable):
		return rankUnavailable
	case errors.Is(err, ErrTooLarge):
		return rankTooLarge
	case errors.Is(err, ErrRefused):
		return rankRefused
	case errors.Is(err, fs.ErrNotExist):
		return rankNotExist
	}
	return rankUnknown
}
