package host

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// maxLinks is the number of symbolic links followed for one name, as in Linux (MAXSYMLINKS).
const maxLinks = 40

var errLoop = errors.New("too many levels of symbolic links")

// Stat describes name, following symbolic links. A loop of them is an error that is neither fs.ErrNotExist nor
// [ErrUnknown].
func Stat(h Host, name string) (Info, error) {
	p := h.Platform()
	asked := name
	for range maxLinks + 1 {
		info, err := h.Lstat(name)
		if err != nil || info.Mode&fs.ModeSymlink == 0 {
			return info, err
		}
		target, err := h.ReadLink(name)
		if err != nil {
			return Info{}, err
		}
		name = p.linkTarget(name, target)
	}
	return Info{}, &fs.PathError{Op: "stat", Path: asked, Err: errLoop}
}

// EvalSymlinks returns name with every symbolic link in it replaced by its target, cleaned. All of it must exist.
func EvalSymlinks(h Host, name string) (string, error) {
	p := h.Platform()
	if !p.IsAbs(name) {
		return "", &fs.PathError{Op: "evalsymlinks", Path: name, Err: fs.ErrInvalid}
	}
	done, todo := p.split(name)
	for links := 0; len(todo) > 0; {
		elem := todo[0]
		todo = todo[1:]
		if elem == ".." {
			done = p.Dir(done)
			continue
		}
		next := p.Join(done, elem)
		info, err := h.Lstat(next)
		if err != nil {
			return "", err
		}
		if info.Mode&fs.ModeSymlink == 0 {
			if len(todo) > 0 && !info.Mode.IsDir() && info.Mode.IsRegular() {
				return "", &fs.PathError{Op: "evalsymlinks", Path: name, Err: fs.ErrNotExist}
			}
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "evalsymlinks", Path: name, Err: errLoop}
		}
		target, err := h.ReadLink(next)
		if err != nil {
			return "", err
		}
		done, todo = p.follow(done, target, todo)
	}
	return done, nil
}

// LookPath returns the name of the program that a search for file finds in the search list path, the value of PATH.
// Relative and empty entries are relative to the directory dir. A file with a separator is not searched for, only
// looked up, relative to dir. If there is none, the error is fs.ErrNotExist; if a directory that comes before the
// first find cannot be known, it is [ErrUnknown].
//
// A program is a regular file with any x bit set, or on Windows, one with the extension .com, .exe, .bat or .cmd,
// which file may leave out. This is simpler than what the kernel does (access(2) asks about this very user, mount
// options and capabilities); a file that only others may execute is found here and not by a shell. Unlike in
// cmd.exe the directory dir itself is not searched.
func LookPath(h Host, file, path, dir string) (string, error) {
	p := h.Platform()
	notFound := fmt.Errorf("program %q: %w", file, fs.ErrNotExist)
	if file == "" || file == "." || file == ".." {
		return "", notFound
	}
	if strings.Contains(file, "/") || p.Windows() && strings.ContainsAny(file, `\:`) {
		return program(h, p.abs(dir, file))
	}
	for _, entry := range p.SplitList(path) {
		if p.Windows() && entry == "" {
			continue
		}
		name, err := program(h, p.Join(p.abs(dir, entry), file))
		if err == nil {
			return name, nil
		}
		if errors.Is(err, ErrUnknown) {
			return "", fmt.Errorf("program %q: %w", file, err)
		}
	}
	return "", notFound
}

// program returns name, with an extension added if the platform needs one, if that is a program.
func program(h Host, name string) (string, error) {
	p := h.Platform()
	if !p.Windows() {
		info, err := Stat(h, name)
		if err == nil && !IsExecutable(info) {
			err = &fs.PathError{Op: "lookpath", Path: name, Err: fs.ErrPermission}
		}
		return name, err
	}
	candidates := []string{name + ".com", name + ".exe", name + ".bat", name + ".cmd"}
	if strings.Contains(p.Base(name), ".") {
		candidates = append([]string{name}, candidates...)
	}
	for _, c := range candidates {
		info, err := Stat(h, c)
		if err == nil && info.Mode.IsRegular() {
			return c, nil
		}
		if errors.Is(err, ErrUnknown) {
			return "", err
		}
	}
	return "", &fs.PathError{Op: "lookpath", Path: name, Err: fs.ErrNotExist}
}

// IsExecutable reports whether i describes a regular file with any x bit. On Windows no file has one.
func IsExecutable(i Info) bool { return i.Mode.IsRegular() && i.Mode&0o111 != 0 }

// abs returns name relative to dir if it is not absolute. The result is not cleaned: ".." after a symbolic link means
// something else to a Unix kernel than to Clean.
func (p Platform) abs(dir, name string) string {
	switch {
	case p.IsAbs(name):
		return name
	case name == "":
		return dir
	}
	return strings.TrimSuffix(dir, p.Separator()) + p.Separator() + name
}

// linkTarget returns the name that the target of the symbolic link name means.
func (p Platform) linkTarget(name, target string) string {
	if p.IsAbs(target) {
		return target
	}
	if p.Windows() {
		vol, _ := splitVolume(name)
		if strings.HasPrefix(target, `\`) || strings.HasPrefix(target, "/") {
			return p.Clean(vol + target)
		}
		return p.Join(p.Dir(name), target)
	}
	name = strings.TrimRight(name, "/")
	return name[:strings.LastIndex(name, "/")+1] + target
}

// follow returns what is left to walk after a symbolic link in the directory done was found to have target.
func (p Platform) follow(done, target string, todo []string) (string, []string) {
	root, elems := p.split(p.linkTarget(p.Join(done, "x"), target))
	return root, append(elems, todo...)
}

// split splits an absolute name into its root and elements. Empty and "." elements are left out. On Windows, where
// ".." is resolved before anything is looked up, the name is cleaned.
func (p Platform) split(name string) (root string, elems []string) {
	root = "/"
	if p.Windows() {
		name = p.Clean(name)
		vol, rest := splitVolume(name)
		root, name = vol+`\`, slashes(rest)
	}
	for _, e := range strings.Split(name, "/") {
		if e != "" && e != "." {
			elems = append(elems, e)
		}
	}
	return root, elems
}
