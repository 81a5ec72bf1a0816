package store_test

import (
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goready/goready/internal/store"
)

func TestValidKey(t *testing.T) {
	for key, want := range map[string]bool{
		"github.com/!burnt!sushi/toml/@v/v1.2.0.zip":                       true,
		"example.com/m/@v/v2.0.0-20260101000000-abcdefabcdef+incompatible": true,
		"sumdb/sum.golang.org/tile/8/0/x001/234.p/5":                       true,
		"a": true, "...": true, ".a": true, "a..b/c.": true, "-a": true, "~": true, "!": true, `"'$;|<>*?:`: true,
		"": false, " ": false, "a ": false, "\t": false, "/": false, "a/": false, "/a": false, "a//a": false, ".": false,
		"..": false, "a/..": false, "./a": false, `a\..\b`: false, "\x00": false, "\x7f": false, "\x80": false, "ä": false,
		strings.Repeat("a", 250): true, strings.Repeat("a", 251): false, "b/" + strings.Repeat("a", 251) + "/c": false,
		strings.Repeat("a/", 1023) + "aa": true, strings.Repeat("a/", 1024) + "a": false,
	} {
		if got := store.ValidKey(key); got != want {
			t.Errorf("ValidKey(%q) is %v", key, got)
		}
	}
}

// FuzzValidKey checks that a valid key is a path of the local file system that stays where it is joined, and has only
// one form.
func FuzzValidKey(f *testing.F) {
	for _, s := range []string{"a/b", "../x", "a/./b", "a//b", "/a", `a\b`, "a\x00", "C:/x", "github.com/!x/@v/v1.0.0.zip", "..."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if !store.ValidKey(key) {
			return
		}
		if !fs.ValidPath(key) || key == "." {
			t.Errorf("%q is no path in a file system", key)
		}
		if path.Clean(key) != key || strings.ContainsAny(key, "\\\x00") || len(key) > 2048 {
			t.Errorf("%q has another form", key)
		}
		joined := filepath.Join("root", filepath.FromSlash(key))
		if rel, err := filepath.Rel("root", joined); err != nil || filepath.ToSlash(rel) != key {
			t.Errorf("%q below root is %q", key, joined)
		}
		for _, c := range []byte(key) {
			if c <= ' ' || c > '~' {
				t.Errorf("%q has the byte %#x", key, c)
			}
		}
		for e := range strings.SplitSeq(key, "/") {
			if len(e) > 250 {
				t.Errorf("%q is longer than a name may be", e)
			}
		}
	})
}
