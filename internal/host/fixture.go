package host

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"
)

// Schema is the value of "schema" in a recorded fixture.
const Schema = "goready.host/v1"

// Fixture is a Host that answers from recorded data. It is plain data and keeps its meaning through JSON.
//
// A recorded fixture is an open world: what was never asked while recording gives [ErrUnknown], unless the recorded
// answers imply that a file is absent (a listing of its directory lacks it, a directory above it is absent). If Closed
// is set, what is not listed does not exist, the directories above every listed file exist, and what a file lacks
// (its mode, the listing of a directory) is made up.
//
// The fields must not be changed after the first question; use Add.
type Fixture struct {
	Schema  string           `json:"schema"`
	Machine Platform         `json:"platform"`
	Env     []string         `json:"environ"`
	Closed  bool             `json:"closed,omitempty"`
	Files   map[string]*File `json:"files"`
	Runs    []Run            `json:"runs,omitempty"`
	Procs   *ProcessTable    `json:"processes,omitempty"` // nil: not recorded

	mu    sync.Mutex
	index *index // built from Files by the first question; guarded by mu
}

// File is what is recorded about one name. Each question has its own answer; neither a value nor an error means that
// the question was not asked.
type File struct {
	Info       *Info    `json:"info,omitempty"` // Lstat
	InfoErr    *Failure `json:"infoError,omitempty"`
	Content    *Content `json:"content,omitempty"` // ReadFile
	ContentErr *Failure `json:"contentError,omitempty"`
	Link       *string  `json:"link,omitempty"` // ReadLink
	LinkErr    *Failure `json:"linkError,omitempty"`
	Entries    []Entry  `json:"entries,omitzero"` // ReadDir; nil: not recorded
	EntriesErr *Failure `json:"entriesError,omitempty"`
}

// Content is the contents of a file or a stream: in JSON a string if it is UTF-8, else {"base64": "…"}.
type Content []byte

// MarshalJSON implements json.Marshaler.
func (c Content) MarshalJSON() ([]byte, error) {
	if utf8.Valid(c) {
		return json.Marshal(string(c))
	}
	return json.Marshal(map[string]string{"base64": base64.StdEncoding.EncodeToString(c)})
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *Content) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err == nil {
		*c = Content(s)
		return nil
	}
	var b struct {
		Base64 []byte `json:"base64"`
	}
	if err := json.Unmarshal(data, &b); err != nil {
		return err
	}
	*c = Content(b.Base64)
	return nil
}

// Failure is a recorded error.
type Failure struct {
	Kind string `json:"kind"`           // absent, denied, unknown, too-large or other
	Text string `json:"text,omitempty"` // of other
}

// The kinds of failures.
const (
	Absent   = "absent"
	Denied   = "denied"
	Unknown  = "unknown"
	TooLarge = "too-large"
	Other    = "other"
)

// Run is a recorded run of a program: a result or an error.
type Run struct {
	Command Command    `json:"command"`
	Result  *RunResult `json:"result,omitempty"`
	Err     *Failure   `json:"error,omitempty"`
}

// RunResult is a Result as it is recorded.
type RunResult struct {
	Stdout   Content `json:"stdout"`
	Stderr   Content `json:"stderr"`
	ExitCode int     `json:"exitCode"`
	TimedOut bool    `json:"timedOut,omitempty"`
}

// ProcessTable is a recorded list of processes.
type ProcessTable struct {
	List []RecordedProcess `json:"list"`
	Err  *Failure          `json:"error,omitempty"`
}

// RecordedProcess is a Process with its environment. Neither Env nor EnvErr means that it was not readable.
type RecordedProcess struct {
	Process
	Env    []string `json:"environ,omitzero"`
	EnvErr *Failure `json:"environError,omitempty"`
}

// FromFiles returns a closed world with these files, each with mode 0644, or 0755 if its contents start with "#!".
// It has no processes and knows the result of no program. Links and other kinds of files can be given to Add.
func FromFiles(p Platform, environ []string, files map[string]string) *Fixture {
	f := &Fixture{Schema: Schema, Machine: p, Env: slices.Clone(environ), Closed: true, Files: map[string]*File{}}
	f.Procs = &ProcessTable{}
	for name, text := range files {
		content := Content(text)
		f.Files[name] = &File{Content: &content}
	}
	return f
}

// Add records what there is to know about name, instead of what was known before.
func (f *Fixture) Add(name string, file File) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Files == nil {
		f.Files = map[string]*File{}
	}
	f.Files[name] = &file
	f.index = nil
}

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
		if file.Info != nil && file.LinkErr == nil && file.Info.Mode&fs.ModeSymlink == 0 {
			return "", &Failure{Kind: Other, Text: "not a symbolic link"}, true
		}
		return "", either(file.LinkErr, file.InfoErr), file.LinkErr != nil || file.InfoErr != nil
	})
}

// ReadFile implements [Host].
func (f *Fixture) ReadFile(name string) ([]byte, error) {
	return askThrough(f, "read", name, func(file *File) ([]byte, *Failure, bool) {
		if file.Content != nil {
			return slices.Clone(*file.Content), nil, true
		}
		if file.Info != nil && file.ContentErr == nil && file.Info.Mode&(fs.ModeType&^fs.ModeSymlink) != 0 {
			return nil, &Failure{Kind: Other, Text: "not a regular file"}, true
		}
		return nil, either(file.ContentErr, file.InfoErr), file.ContentErr != nil || file.InfoErr != nil
	})
}

// ReadDir implements [Host].
func (f *Fixture) ReadDir(name string) ([]Entry, error) {
	return askThrough(f, "readdir", name, func(file *File) ([]Entry, *Failure, bool) {
		if file.Entries != nil {
			return slices.Clone(file.Entries), nil, true
		}
		if file.Info != nil && file.EntriesErr == nil && file.Info.Mode&(fs.ModeDir|fs.ModeSymlink) == 0 {
			return nil, &Failure{Kind: Other, Text: "not a directory"}, true
		}
		return nil, either(file.EntriesErr, file.InfoErr), file.EntriesErr != nil || file.InfoErr != nil
	})
}

func either(a, b *Failure) *Failure {
	if a != nil {
		return a
	}
	return b
}

// Run implements [Host]. Only a recorded command with the same environment and directory has a result.
func (f *Fixture) Run(ctx context.Context, cmd Command) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	for _, r := range f.Runs {
		if !r.Command.equal(cmd) {
			continue
		}
		if r.Err != nil {
			return Result{}, r.Err.error("run", cmd.Path)
		}
		if r.Result != nil {
			return Result{Stdout: slices.Clone(r.Result.Stdout), Stderr: slices.Clone(r.Result.Stderr),
				ExitCode: r.Result.ExitCode, TimedOut: r.Result.TimedOut}, nil
		}
	}
	if _, err := Stat(f, cmd.Path); errors.Is(err, fs.ErrNotExist) {
		return Result{}, &fs.PathError{Op: "run", Path: cmd.Path, Err: fs.ErrNotExist}
	}
	return Result{}, &fs.PathError{Op: "run", Path: cmd.Path, Err: ErrUnknown}
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
		return nil, f.Procs.Err.error("processes", "")
	}
	list := make([]Process, len(f.Procs.List))
	for i, r := range f.Procs.List {
		list[i] = r.Process
		list[i].Args = slices.Clone(r.Args)
		if r.Env != nil || r.EnvErr != nil {
			list[i].Environ = r.environ
		}
	}
	return list, nil
}

func (r RecordedProcess) environ() ([]string, error) {
	if r.EnvErr != nil {
		return nil, r.EnvErr.error("environ of process", fmt.Sprint(r.PID))
	}
	return slices.Clone(r.Env), nil
}

// failure returns what to record of err.
func failure(err error) *Failure {
	for _, k := range []string{Unknown, Absent, Denied, TooLarge} {
		if errors.Is(err, (&Failure{Kind: k}).cause()) {
			return &Failure{Kind: k}
		}
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return &Failure{Kind: Other, Text: err.Error()}
}

func (f *Failure) cause() error {
	switch f.Kind {
	case Absent:
		return fs.ErrNotExist
	case Denied:
		return fs.ErrPermission
	case TooLarge:
		return ErrTooLarge
	case Other:
		return errors.New(f.Text)
	}
	return ErrUnknown
}

func (f *Failure) error(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: f.cause()}
}

// index is Files as questions need it. Keys are cleaned names, in lower case on Windows.
type index struct {
	files   map[string]*File
	entries map[string][]Entry // of directories, from the names of files; for closed worlds
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
	x := &index{files: make(map[string]*File, len(f.Files)), entries: map[string][]Entry{}}
	for name, file := range f.Files {
		if file == nil {
			continue
		}
		if !f.Closed {
			x.files[f.key(name)] = file
			continue
		}
		full := file.complete()
		x.files[f.key(name)] = full
		if full.Info != nil {
			f.addParents(x, name, full.Info.Mode.Type())
		}
	}
	for dir, entries := range x.entries {
		sort.Slice(entries, func(i, j int) bool { return entries[i].Name < entries[j].Name })
		file := x.files[dir]
		if file == nil {
			file = &File{Info: &Info{Mode: fs.ModeDir | 0o755}}
			x.files[dir] = file
		}
		if file.Entries == nil && file.EntriesErr == nil {
			file.Entries = entries
		}
	}
	return x
}

// addParents enters name into the listing of its directory, and so on up to the root.
func (f *Fixture) addParents(x *index, name string, typ fs.FileMode) {
	for {
		name = f.Machine.Clean(name)
		dir := f.Machine.Dir(name)
		if dir == name || !f.Machine.IsAbs(dir) {
			return
		}
		k, base := f.key(dir), f.Machine.Base(name)
		if slices.ContainsFunc(x.entries[k], func(e Entry) bool { return f.fold(e.Name) == f.fold(base) }) {
			return
		}
		x.entries[k] = append(x.entries[k], Entry{Name: base, Type: typ})
		name, typ = dir, fs.ModeDir
	}
}

// complete returns a copy of file with what a closed world makes up.
func (file *File) complete() *File {
	c := *file
	if c.Info != nil || c.InfoErr != nil {
		return &c
	}
	switch {
	case c.Link != nil:
		c.Info = &Info{Mode: fs.ModeSymlink | 0o777}
	case c.Entries != nil || c.EntriesErr != nil:
		c.Info = &Info{Mode: fs.ModeDir | 0o755}
	case c.Content != nil && strings.HasPrefix(string(*c.Content), "#!"):
		c.Info = &Info{Mode: 0o755, Size: int64(len(*c.Content))}
	case c.Content != nil:
		c.Info = &Info{Mode: 0o644, Size: int64(len(*c.Content))}
	case c.ContentErr != nil && c.ContentErr.Kind != Absent:
		c.Info = &Info{Mode: 0o600}
	default:
		c.InfoErr = &Failure{Kind: Absent}
	}
	return &c
}

// key returns the name under which the index has name. ".." is kept, because it is not a matter of spelling.
func (f *Fixture) key(name string) string {
	if f.Machine.Windows() || !slices.Contains(strings.Split(name, "/"), "..") {
		name = f.Machine.Clean(name)
	}
	return f.fold(name)
}

func (f *Fixture) fold(name string) string {
	if f.Machine.Windows() {
		return strings.ToLower(name)
	}
	return name
}

// ask answers one question about name itself from the first of: the answer recorded for the name as spelled, the
// answer for the name it has when links of directories are followed, what other answers imply.
func ask[T any](f *Fixture, op, name string, answer func(*File) (T, *Failure, bool)) (T, error) {
	x := f.indexed()
	var zero T
	try := func(name string) (T, error, bool) {
		file := x.files[f.key(name)]
		if file == nil {
			return zero, nil, false
		}
		v, fail, ok := answer(file)
		if ok && fail != nil {
			return zero, fail.error(op, name), true
		}
		return v, nil, ok
	}
	if v, err, ok := try(name); ok {
		return v, err
	}
	real, fail := f.realParent(x, name)
	if fail == nil {
		if v, err, ok := try(real); ok {
			return v, err
		}
		fail = f.implied(x, real)
	}
	return zero, fail.error(op, name)
}

// askThrough is ask for questions that follow a symbolic link that name itself may be.
func askThrough[T any](f *Fixture, op, name string, answer func(*File) (T, *Failure, bool)) (T, error) {
	asked := name
	for range maxLinks + 1 {
		v, err := ask(f, op, name, answer)
		if err == nil || !errors.Is(err, ErrUnknown) {
			return v, err
		}
		target, linkErr := f.ReadLink(name)
		if linkErr != nil {
			return v, err
		}
		name = f.Machine.linkTarget(name, target)
	}
	var zero T
	return zero, &fs.PathError{Op: op, Path: asked, Err: errLoop}
}

// implied returns what the recorded answers say about a name that has no answer itself.
func (f *Fixture) implied(x *index, name string) *Failure {
	if f.index.files[f.key(name)] != nil {
		return &Failure{Kind: Unknown} // something else was asked about it
	}
	if f.Closed {
		return &Failure{Kind: Absent}
	}
	dir := x.files[f.key(f.Machine.Dir(name))]
	if dir == nil || dir.Entries == nil {
		return &Failure{Kind: Unknown}
	}
	base := f.fold(f.Machine.Base(name))
	if slices.ContainsFunc(dir.Entries, func(e Entry) bool { return f.fold(e.Name) == base }) {
		return &Failure{Kind: Unknown}
	}
	return &Failure{Kind: Absent}
}

// realParent returns name with the symbolic links among its directories followed, as far as they are recorded.
func (f *Fixture) realParent(x *index, name string) (string, *Failure) {
	if !f.Machine.IsAbs(name) {
		return "", &Failure{Kind: Other, Text: "not an absolute name"}
	}
	done, todo := f.Machine.split(name)
	for links := 0; len(todo) > 1 || len(todo) == 1 && todo[0] == ".."; {
		elem := todo[0]
		todo = todo[1:]
		if elem == ".." {
			done = f.Machine.Dir(done)
			continue
		}
		next := f.Machine.Join(done, elem)
		file := x.files[f.key(next)]
		if file == nil {
			if fail := f.implied(x, next); fail.Kind == Absent {
				return "", fail
			}
			done = next
			continue
		}
		if file.Link != nil {
			if links++; links > maxLinks {
				return "", &Failure{Kind: Other, Text: errLoop.Error()}
			}
			done, todo = f.Machine.follow(done, *file.Link, todo)
			continue
		}
		if file.InfoErr != nil && (file.InfoErr.Kind == Absent || file.InfoErr.Kind == Denied) {
			return "", file.InfoErr
		}
		if file.Info != nil && file.Info.Mode.IsRegular() {
			return "", &Failure{Kind: Absent}
		}
		done = next
	}
	return f.Machine.Join(append([]string{done}, todo...)...), nil
}

var _ Host = (*Fixture)(nil)
