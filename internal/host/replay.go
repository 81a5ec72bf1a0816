package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxName is the length in bytes of the longest name that a Fixture looks up: PATH_MAX of Linux.
	maxName = 4096
	// maxMadeUp is the number of directory entries that a closed world makes up at most. A recording that somebody
	// sent must not cost more memory than its size explains.
	maxMadeUp = 1 << 16
)

// Platform implements [Host].
func (f *Fixture) Platform() Platform { return f.Machine }

// Environ implements [Host].
func (f *Fixture) Environ() []string { return slices.Clone(f.Env) }

// Lstat implements [Host].
func (f *Fixture) Lstat(name string) (Info, error) {
	return ask(f, "lstat", name, func(file *File) (Info, *Failure, bool) {
		if file.Info != nil {
			return *file.Info, nil, true
		}
		return Info{}, file.InfoErr, file.InfoErr != nil
	})
}

// ReadLink implements [Host].
func (f *Fixture) ReadLink(name string) (string, error) {
	return ask(f, "readlink", name, func(file *File) (string, *Failure, bool) {
		if file.Link != nil {
			return *file.Link, nil, true
		}
		fail := file.failed(file.LinkErr, fs.ModeSymlink, "not a symbolic link")
		return "", fail, fail != nil
	})
}

// ReadFile implements [Host].
func (f *Fixture) ReadFile(name string) ([]byte, error) {
	return askThrough(f, "read", name, func(file *File) ([]byte, *Failure, bool) {
		if file.Content != nil && len(*file.Content) > MaxFile {
			return nil, &Failure{Kind: TooLarge}, true
		}
		if file.Content != nil {
			return slices.Clone(*file.Content), nil, true
		}
		fail := file.failed(file.ContentErr, 0, "not a regular file")
		return nil, fail, fail != nil
	})
}

// ReadDir implements [Host].
func (f *Fixture) ReadDir(name string) ([]Entry, error) {
	return askThrough(f, "readdir", name, func(file *File) ([]Entry, *Failure, bool) {
		if file.Entries != nil {
			return slices.Clone(file.Entries), nil, true
		}
		fail := file.failed(file.EntriesErr, fs.ModeDir, "not a directory")
		return nil, fail, fail != nil
	})
}

// failed returns the recorded failure of a question, or one that follows from Lstat: the file is absent, or is neither
// of the type that the question is for nor a symbolic link.
func (file *File) failed(recorded *Failure, typ fs.FileMode, wrongType string) *Failure {
	switch {
	case recorded != nil:
		return recorded
	case file.InfoErr != nil:
		return file.InfoErr
	case file.Info != nil && file.Info.Mode.Type() != typ && file.Info.Mode.Type() != fs.ModeSymlink:
		return &Failure{Kind: Other, Text: wrongType}
	}
	return nil
}

// Run implements [Host]. A recorded command with the same environment has its result. If there is none, and only one
// recorded command differs in nothing but the environment, that is the one: the environment of a recording from which
// secrets were removed is not that which its consumers compute.
func (f *Fixture) Run(ctx context.Context, cmd Command) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, &fs.PathError{Op: "run", Path: cmd.Path, Err: err}
	}
	if r := f.recordedRun(cmd); r != nil {
		if r.Err != nil {
			return Result{}, r.Err.error("run", cmd.Path)
		}
		if res := r.Result; res != nil {
			return Result{slices.Clone(res.Stdout), slices.Clone(res.Stderr), res.ExitCode, res.TimedOut, res.Duration}, nil
		}
	}
	if _, err := Stat(f, cmd.Path); errors.Is(err, fs.ErrNotExist) {
		return Result{}, &fs.PathError{Op: "run", Path: cmd.Path, Err: fs.ErrNotExist}
	}
	return Result{}, &fs.PathError{Op: "run", Path: cmd.Path, Err: ErrUnknown}
}

// recordedRun returns the record of a command, nil if there is none.
func (f *Fixture) recordedRun(cmd Command) *Run {
	var like []*Run
	for i := range f.Runs {
		r := &f.Runs[i]
		if r.Command.equal(cmd) {
			return r
		}
		if c := r.Command; c.Path == cmd.Path && c.Dir == cmd.Dir && slices.Equal(c.Args, cmd.Args) {
			like = append(like, r)
		}
	}
	if len(like) == 1 {
		return like[0]
	}
	return nil
}

func (c Command) equal(d Command) bool {
	return c.Path == d.Path && c.Dir == d.Dir && slices.Equal(c.Args, d.Args) && slices.Equal(c.Env, d.Env)
}

// Processes implements [Host].
func (f *Fixture) Processes() ([]Process, error) {
	if f.Procs == nil {
		return nil, fmt.Errorf("processes: %w", ErrUnknown)
	}
	if f.Procs.Err != nil {
		return nil, fmt.Errorf("processes: %w", f.Procs.Err.cause())
	}
	list := make([]Process, len(f.Procs.List))
	for i, r := range f.Procs.List {
		list[i] = r.Process
		list[i].Args = slices.Clone(r.Args)
		list[i].Environ = nil
		if r.Env != nil || r.EnvErr != nil {
			list[i].Environ = r.environ
		}
	}
	return list, nil
}

func (r RecordedProcess) environ() ([]string, error) {
	if r.EnvErr != nil {
		return nil, r.EnvErr.error("environ of process", strconv.Itoa(r.PID))
	}
	return slices.Clone(r.Env), nil
}

// ask answers one question about name itself from the first of: the answer recorded for the name as spelled, the
// answer for the name it has when links of directories are followed, what other answers imply.
func ask[T any](f *Fixture, op, name string, answer func(*File) (T, *Failure, bool)) (T, error) {
	x := f.indexed()
	value, fail, ok := recorded(x, name, answer)
	if !ok {
		var real string
		if real, fail = x.realParent(name); fail == nil {
			if value, fail, ok = recorded(x, real, answer); !ok {
				fail = x.implied(real)
			}
		}
	}
	if fail != nil {
		var zero T
		return zero, fail.error(op, name)
	}
	return value, nil
}

func recorded[T any](x *index, name string, answer func(*File) (T, *Failure, bool)) (T, *Failure, bool) {
	if file := x.spelled[name]; file != nil {
		if value, fail, ok := answer(file); ok {
			return value, fail, ok
		}
	}
	if file := x.files[x.key(name)]; file != nil {
		return answer(file)
	}
	var zero T
	return zero, nil, false
}

// askThrough is ask for questions that follow a symbolic link that name itself may be.
func askThrough[T any](f *Fixture, op, name string, answer func(*File) (T, *Failure, bool)) (T, error) {
	next := name
	for range maxLinks + 1 {
		value, err := ask(f, op, next, answer)
		if err == nil || !errors.Is(err, ErrUnknown) {
			if pe, ok := errors.AsType[*fs.PathError](err); ok {
				err = &fs.PathError{Op: op, Path: name, Err: pe.Err}
			}
			return value, err
		}
		target, linkErr := f.ReadLink(next)
		if linkErr != nil {
			return value, &fs.PathError{Op: op, Path: name, Err: ErrUnknown}
		}
		next = f.Machine.linkTarget(next, target)
	}
	var zero T
	return zero, &fs.PathError{Op: op, Path: name, Err: errLoop}
}

// index is what a fixture has of files, as questions need it.
type index struct {
	p       Platform
	closed  bool
	files   map[string]*File // by key
	spelled map[string]*File // by names that are not clean: /link/ is a directory where /link is a link
}

func (f *Fixture) indexed() *index {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.index == nil {
		f.index = f.newIndex()
	}
	return f.index
}

func (f *Fixture) newIndex() *index {
	x := &index{p: f.Machine, closed: f.Closed, files: make(map[string]*File, len(f.Files)), spelled: map[string]*File{}}
	for _, name := range slices.Sorted(maps.Keys(f.Files)) {
		file := f.Files[name]
		if file == nil || len(name) > maxName {
			continue
		}
		if f.Closed {
			file = file.complete()
		}
		if k := x.key(name); x.p.Clean(name) == name {
			x.files[k] = file
		} else {
			x.spelled[name] = file
		}
	}
	for _, name := range slices.Sorted(maps.Keys(x.spelled)) {
		if k := x.key(name); x.files[k] == nil {
			x.files[k] = x.spelled[name]
		}
	}
	if f.Closed {
		x.makeDirs(f.Files)
	}
	return x
}

// key returns the name under which files has name: cleaned, in lower case on Windows. A ".." of Unix is kept, because
// it is not a matter of spelling.
func (x *index) key(name string) string {
	if x.p.Windows() {
		return x.fold(x.p.Clean(name))
	}
	if strings.Contains(name, "..") && slices.Contains(strings.Split(name, "/"), "..") {
		return name
	}
	return x.p.Clean(name)
}

// fold returns name in lower case on Windows.
func (x *index) fold(name string) string {
	if x.p.Windows() {
		return strings.ToLower(name)
	}
	return name
}

// complete returns a copy of file with the answer of Lstat that a closed world makes up.
func (file *File) complete() *File {
	c := *file
	switch {
	case c.Info != nil || c.InfoErr != nil:
	case c.Link != nil:
		c.Info = &Info{Mode: fs.ModeSymlink | 0o777, UID: -1, GID: -1}
	case c.Entries != nil || c.EntriesErr != nil:
		c.Info = &Info{Mode: fs.ModeDir | 0o755, UID: -1, GID: -1}
	case c.Content != nil && strings.HasPrefix(string((*c.Content)[:min(2, len(*c.Content))]), "#!"):
		c.Info = &Info{Mode: 0o755, Size: int64(len(*c.Content)), UID: -1, GID: -1}
	case c.Content != nil:
		c.Info = &Info{Mode: 0o644, Size: int64(len(*c.Content)), UID: -1, GID: -1}
	case c.Head != nil:
		c.Info = &Info{Mode: 0o755, Size: int64(len(*c.Head)), UID: -1, GID: -1}
	case c.ContentErr != nil && c.ContentErr.Kind != Absent:
		c.Info = &Info{Mode: 0o600, UID: -1, GID: -1}
	default:
		c.InfoErr = &Failure{Kind: Absent}
	}
	return &c
}

// makeDirs adds the directories above the given files, and the listings of directories that have none.
func (x *index) makeDirs(files map[string]*File) {
	listed := map[string]bool{}     // keys of what has been entered into a listing
	entries := map[string][]Entry{} // by key of the directory
	for name := range files {
		file := x.files[x.key(name)]
		if file == nil || file.Info == nil || !x.p.IsAbs(name) || len(name) > maxName {
			continue
		}
		root, elems := x.p.split(x.p.Clean(name))
		key := x.fold(root + strings.Join(elems, x.p.Separator()))
		for typ := file.Info.Mode.Type(); len(elems) > 0 && !listed[key] && len(listed) < maxMadeUp; typ = fs.ModeDir {
			listed[key] = true
			base := elems[len(elems)-1]
			if elems = elems[:len(elems)-1]; len(elems) == 0 {
				key = x.fold(root)
			} else {
				key = key[:len(key)-len(x.fold(base))-1]
			}
			entries[key] = append(entries[key], Entry{Name: base, Type: typ})
		}
	}
	for dir, list := range entries {
		slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
		x.addDir(dir, list)
	}
	if !x.p.Windows() {
		x.addDir("/", []Entry{})
	}
	for dir, file := range x.files {
		if file.Info != nil && file.Info.Mode.IsDir() {
			x.addDir(dir, []Entry{}) // nothing is in it
		}
	}
}

// addDir gives the directory with this key a listing unless it has one.
func (x *index) addDir(key string, entries []Entry) {
	file := x.files[key]
	if file == nil {
		file = &File{Info: &Info{Mode: fs.ModeDir | 0o755, UID: -1, GID: -1}}
		x.files[key] = file
	}
	if file.Entries == nil && file.EntriesErr == nil && file.Info != nil && file.Info.Mode.IsDir() {
		file.Entries = entries
	}
}

// implied returns what the recorded answers say about a name that has no answer itself, and whose directory's name has
// no links.
func (x *index) implied(name string) *Failure {
	k := x.key(name)
	if x.files[k] != nil {
		return &Failure{Kind: Unknown} // something else was asked about it
	}
	if x.closed || strings.HasPrefix(name, RegistryPrefix) && !x.p.Windows() {
		return &Failure{Kind: Absent}
	}
	dir := x.files[x.key(x.p.Dir(name))]
	if dir == nil || dir.Entries == nil {
		return &Failure{Kind: Unknown}
	}
	base := x.key(x.p.Base(name))
	if slices.ContainsFunc(dir.Entries, func(e Entry) bool { return x.key(e.Name) == base }) {
		return &Failure{Kind: Unknown}
	}
	return &Failure{Kind: Absent}
}

// realParent returns name with the symbolic links among its directories followed, as far as they are recorded. A
// directory that nothing is known about is taken to be one.
func (x *index) realParent(name string) (string, *Failure) {
	switch {
	case strings.HasPrefix(name, RegistryPrefix):
		return name, nil
	case !x.p.IsAbs(name):
		return "", &Failure{Kind: Other, Text: "not an absolute name"}
	}
	done, todo := x.p.split(name)
	links, length := 0, len(name)
	for len(todo) > 1 || len(todo) == 1 && todo[0] == ".." {
		if links > maxLinks {
			return "", &Failure{Kind: Other, Text: errLoop.Error()}
		}
		if length > maxName {
			return "", &Failure{Kind: Other, Text: "file name too long"}
		}
		elem := todo[0]
		todo = todo[1:]
		if elem == ".." {
			done = x.p.Dir(done)
			continue
		}
		next := strings.TrimSuffix(done, x.p.Separator()) + x.p.Separator() + elem
		file := x.files[x.key(next)]
		if file != nil && file.Link != nil {
			links++
			length += len(*file.Link)
			done, todo = x.p.follow(done, *file.Link, todo)
			continue
		}
		if fail := x.notDir(file, next); fail != nil {
			return "", fail
		}
		done = next
	}
	return x.p.Join(append([]string{done}, todo...)...), nil
}

// notDir returns why nothing can be found below name, or nil if something may.
func (x *index) notDir(file *File, name string) *Failure {
	if file == nil {
		if fail := x.implied(name); fail.Kind == Absent {
			return fail
		}
		return nil
	}
	for _, fail := range []*Failure{file.InfoErr, file.EntriesErr, file.ContentErr} {
		if fail != nil && fail.Kind == Absent {
			return fail
		}
	}
	switch {
	case file.InfoErr != nil && file.InfoErr.Kind == Denied:
		return file.InfoErr
	case file.Info != nil && !file.Info.Mode.IsDir() && file.Info.Mode.Type() != fs.ModeSymlink:
		return &Failure{Kind: Absent}
	}
	return nil
}

var (
	_ Host       = (*Fixture)(nil)
	_ HeadReader = (*Fixture)(nil)
)
