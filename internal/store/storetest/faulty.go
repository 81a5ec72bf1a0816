package storetest

import (
	"context"
	"iter"

	"github.com/goready/goready/internal/store"
)

// Op is an operation of a store.
type Op string

// The operations that [Faulty] can make fail.
const (
	Temp   Op = "temp"
	Get    Op = "get"
	Put    Op = "put"
	Delete Op = "delete"
	List   Op = "list"
	Touch  Op = "touch"
)

// Fault is what happens to one operation. The zero value is none.
type Fault struct {
	// Err is what the operation returns; nil means what the store says. A list yields it at its end.
	Err error
	// Done means that the store carries the operation out nevertheless, as if only its answer was lost.
	Done bool
}

// Faulty returns s with faults: plan is asked about each operation, with the key of it, the prefix of a list, or "" for
// a temporary file. It is called by those who call the store, at the same time if they do.
func Faulty(s store.Store, plan func(op Op, key string) Fault) *FaultyStore {
	return &FaultyStore{s, plan}
}

// FaultyStore is a store some of whose operations fail; see [Faulty]. It makes temporary files as the store below does;
// Touch does nothing if that one cannot.
type FaultyStore struct {
	store store.Store
	plan  func(Op, string) Fault
}

// run carries out an operation as planned.
func (f *FaultyStore) run(op Op, key string, do func() error) error {
	fault := f.plan(op, key)
	if fault.Err == nil {
		return do()
	}
	if fault.Done {
		_ = do() // whose answer is lost
	}
	return fault.Err
}

// Temp implements [store.TempMaker].
func (f *FaultyStore) Temp() (*store.Temp, error) {
	if fault := f.plan(Temp, ""); fault.Err != nil {
		return nil, fault.Err
	}
	return store.MakeTemp(f.store)
}

// Get implements [store.Store].
func (f *FaultyStore) Get(ctx context.Context, key string) (*store.Blob, error) {
	if fault := f.plan(Get, key); fault.Err != nil {
		return nil, fault.Err
	}
	return f.store.Get(ctx, key)
}

// Put implements [store.Store].
func (f *FaultyStore) Put(ctx context.Context, key string, src *store.Temp) error {
	return f.run(Put, key, func() error { return f.store.Put(ctx, key, src) })
}

// Delete implements [store.Store].
func (f *FaultyStore) Delete(ctx context.Context, key string) error {
	return f.run(Delete, key, func() error { return f.store.Delete(ctx, key) })
}

// List implements [store.Store].
func (f *FaultyStore) List(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		fault := f.plan(List, prefix)
		if fault.Err == nil || fault.Done {
			for e, err := range f.store.List(ctx, prefix) {
				if !yield(e, err) || err != nil {
					return
				}
			}
		}
		if fault.Err != nil {
			yield(store.Entry{}, fault.Err)
		}
	}
}

// Touch implements [store.Toucher].
func (f *FaultyStore) Touch(ctx context.Context, key string) error {
	return f.run(Touch, key, func() error {
		if t, ok := f.store.(store.Toucher); ok {
			return t.Touch(ctx, key)
		}
		return nil
	})
}
