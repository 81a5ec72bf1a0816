package store

import (
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// Limits of keys. No file system takes names of more than 255 bytes, and proxies in front refuse long paths.
const (
	maxKey     = 2048
	maxElement = 250
)

// ValidKey tells whether key may be used with a store: elements of printable ASCII without blanks and backslashes,
// separated by single slashes, none of them "." or "..", of at most 250 bytes each and 2048 together. Such a key cannot
// lead out of a folder. That it may still be no file name on Windows, such as "nul", is the matter of [Dir].
func ValidKey(key string) bool {
	if len(key) > maxKey {
		return false
	}
	start := 0
	for i := 0; i <= len(key); i++ {
		if i == len(key) || key[i] == '/' {
			if e := key[start:i]; e == "" || e == "." || e == ".." || len(e) > maxElement {
				return false
			}
			start = i + 1
		} else if c := key[i]; c <= ' ' || c >= 0x7f || c == '\\' {
			return false
		}
	}
	return true
}

// validPrefix tells whether a valid key can begin with prefix.
func validPrefix(prefix string) bool { return prefix == "" || ValidKey(prefix+"x") }

func invalidKey(op, key string) error { return &fs.PathError{Op: op, Path: key, Err: fs.ErrInvalid} }

// modules is the folder below the root of a Dir that is the file tree.
const modules = "modules"

// fileName returns the name of the file of a key below the root of a Dir.
func fileName(op, key string) (string, error) {
	if !ValidKey(key) {
		return "", invalidKey(op, key)
	}
	name := path.Join(modules, key)
	if _, err := filepath.Localize(name); err != nil {
		return "", invalidKey(op, key)
	}
	return name, nil
}

// isSidecar tells whether key is a hash that was noted when a file was verified.
func isSidecar(key string) bool {
	return strings.HasSuffix(key, ".ziphash") || strings.HasSuffix(key, ".modhash")
}
