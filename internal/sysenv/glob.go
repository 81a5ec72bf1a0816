package sysenv

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/goready/goready/internal/host"
)

// maxMatches bounds the files that one pattern can name.
const maxMatches = 1000

// glob returns the names that match a pattern of glob(3), sorted; the pattern is absolute. No match is not an error; a
// folder that cannot be listed is one.
func glob(h host.Host, pattern string) ([]string, error) {
	dirs := []string{""}
	elems := strings.Split(strings.TrimPrefix(h.Platform().Clean(pattern), "/"), "/")
	for i, elem := range elems {
		var next []string
		for _, dir := range dirs {
			more, err := globElem(h, dir, elem, i < len(elems)-1)
			if err != nil {
				return nil, err
			}
			next = append(next, more...)
			if len(next) > maxMatches {
				return nil, host.ErrTooLarge
			}
		}
		dirs = next
	}
	slices.Sort(dirs)
	return dirs, nil
}

// globElem returns the entries of dir that match one element of a pattern.
func globElem(h host.Host, dir, elem string, more bool) ([]string, error) {
	if !strings.ContainsAny(elem, `*?[\`) {
		name := dir + "/" + elem
		if more {
			return []string{name}, nil
		}
		_, err := h.Lstat(name)
		return found(name, err)
	}
	if dir == "" {
		dir = "/"
	}
	entries, err := h.ReadDir(dir)
	if err != nil {
		_, err = found(dir, err)
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name, ".") && !strings.HasPrefix(elem, ".") || more && e.Type.IsRegular() {
			continue
		}
		if ok, err := path.Match(strings.ReplaceAll(elem, "[!", "[^"), e.Name); ok && err == nil {
			names = append(names, strings.TrimSuffix(dir, "/")+"/"+e.Name)
		}
	}
	return names, nil
}

func found(name string, err error) ([]string, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []string{name}, nil
}
