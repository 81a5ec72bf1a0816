package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/goready/goready/internal/proxy"
	"github.com/goready/goready/internal/sumdb"
	"github.com/goready/goready/internal/upstream"
)

// TestTakeSlot: nobody gets a folder that somebody else has, and the first is taken again when it is free.
func TestTakeSlot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "direct")
	first, f, err := takeSlot(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, g, err := takeSlot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if first != filepath.Join(dir, "0") || second != filepath.Join(dir, "1") {
		t.Errorf("%s and %s", first, second)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	again, h, err := takeSlot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if again != first {
		t.Errorf("%s, want %s", again, first)
	}
	for i := 2; i < maxSlots; i++ {
		_, f, err := takeSlot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	if name, _, err := takeSlot(dir); err == nil {
		t.Errorf("%s although all are taken", name)
	}
}

// TestSumError: the module proxy understands what a checksum database says, through every wrapper.
func TestSumError(t *testing.T) {
	late := fmt.Errorf("%w: %w", sumdb.ErrUnavailable, context.DeadlineExceeded)
	for _, tt := range []struct {
		name string
		err  error
		want []error
	}{
		{"absent", fmt.Errorf("lookup: %w", fs.ErrNotExist), []error{fs.ErrNotExist}},
		{"unavailable", sumdb.ErrUnavailable, []error{upstream.ErrUnavailable}},
		{"late", fmt.Errorf("lookup: %w", late), []error{upstream.ErrUnavailable, context.DeadlineExceeded}},
		{"security", &sumdb.SecurityError{Name: "sum.example.com", Err: errors.New("x")}, []error{proxy.ErrSecurity}},
		{"path", fmt.Errorf("%w: x", sumdb.ErrBadPath), []error{fs.ErrInvalid}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := sumError(tt.err)
			for _, want := range tt.want {
				if !errors.Is(got, want) {
					t.Errorf("%v is not %v", got, want)
				}
			}
			for _, other := range []error{fs.ErrNotExist, upstream.ErrUnavailable, proxy.ErrSecurity, fs.ErrInvalid} {
				if errors.Is(got, other) && !errors.Is(tt.want[0], other) {
					t.Errorf("%v is %v too", got, other)
				}
			}
		})
	}
	if sumError(nil) != nil {
		t.Error("an error for none")
	}
}
