package host_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
)

// whole is a Host that cannot read a part of a file.
type whole struct{ host.Host }

func TestHead(t *testing.T) {
	text := strings.Repeat("0123456789", 1000)
	base := host.FromFiles(host.Platform{OS: "linux"}, nil, map[string]string{"/f": text, "/g": "short"})
	rec := host.Record(base, host.Limits{})
	for name, h := range map[string]host.Host{"fixture": base, "whole": whole{base}, "cached": host.Cached(base), "cached_whole": host.Cached(whole{base}),
		"with_file": host.WithFile(base, "/other", nil), "named": host.WithFile(base, "/f", []byte(text)), "recorder": rec} {
		for _, n := range []int{3, 0, host.MaxHead, 5000} {
			if got, err := host.Head(h, "/f", n); err != nil || string(got) != text[:min(n, host.MaxHead)] {
				t.Errorf("%s: Head(%d) = %d bytes, %v", name, n, len(got), err)
			}
		}
		if got, err := host.Head(h, "/g", 100); err != nil || string(got) != "short" {
			t.Errorf("%s: Head of a short file = %q, %v", name, got, err)
		}
	}
	recorded := rec.Fixture()
	if f := recorded.Files["/f"]; f.Content != nil || f.Head == nil || len(*f.Head) != host.MaxHead {
		t.Errorf("the recording has %+v", f)
	}
	if _, err := recorded.ReadFile("/f"); !errors.Is(err, host.ErrUnknown) {
		t.Errorf("ReadFile of what only the beginning was recorded of: %v", err)
	}
	large := &host.Fixture{Files: map[string]*host.File{"/l": {ContentErr: &host.Failure{Kind: host.TooLarge}}, "/d": {ContentErr: &host.Failure{Kind: host.Denied}}}}
	if _, err := host.Head(large, "/l", 1); !errors.Is(err, host.ErrUnknown) {
		t.Errorf("Head of a file that was too large to read: %v", err)
	}
	if _, err := host.Head(large, "/d", 1); errors.Is(err, host.ErrUnknown) || err == nil {
		t.Errorf("Head of a file that may not be read: %v", err)
	}
}
