package host

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Schema is the value of "schema" in a fixture.
const Schema = "goready.host/v1"

// Fixture is a Host that answers from recorded data. It is plain data and keeps its meaning through JSON, where a
// string that is not UTF-8 (names, variables and arguments may be any bytes) is "base64:" and its encoding.
//
// A recorded fixture is an open world: what was never asked while recording gives [ErrUnknown], unless the recorded
// answers imply that a file is absent (a listing of its directory lacks it, a directory above it is absent). If Closed
// is set, what is not listed does not exist, the directories above every listed file exist, and what a file lacks
// (its mode, the listing of a directory) is made up; its owner stays unknown, which is -1.
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
	Head       *Content `json:"head,omitempty"` // ReadHead: the first MaxHead bytes; nil: Content has them, if there is one
	HeadErr    *Failure `json:"headError,omitempty"`
	Link       *string  `json:"link,omitempty"` // ReadLink
	LinkErr    *Failure `json:"linkError,omitempty"`
	Entries    []Entry  `json:"entries,omitzero"` // ReadDir; nil: not recorded
	EntriesErr *Failure `json:"entriesError,omitempty"`
}

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
	// Duration is in nanoseconds; 0 is unknown.
	Duration time.Duration `json:"duration,omitempty"`
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

// Content is the contents of a file or a stream: in JSON a string if it is UTF-8, else {"base64": "…"}.
type Content []byte

// MarshalJSON implements json.Marshaler.
func (c Content) MarshalJSON() ([]byte, error) {
	if utf8.Valid(c) {
		return json.Marshal(string(c))
	}
	return json.Marshal(map[string][]byte{"base64": c})
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *Content) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err == nil {
		*c = Content(text)
		return nil
	}
	var binary struct {
		Base64 []byte `json:"base64"`
	}
	if err := json.Unmarshal(data, &binary); err != nil {
		return fmt.Errorf("contents: %w", err)
	}
	*c = binary.Base64
	return nil
}

// Failure is a recorded error.
type Failure struct {
	Kind string `json:"kind"`           // Absent, Denied, TooLarge or Other; anything else is Unknown
	Text string `json:"text,omitempty"` // of Other
}

// The kinds of failures.
const (
	Absent   = "absent"    // fs.ErrNotExist
	Denied   = "denied"    // fs.ErrPermission
	TooLarge = "too-large" // ErrTooLarge
	Unknown  = "unknown"   // ErrUnknown
	Other    = "other"
)

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

// plain is a Fixture without methods.
type plain Fixture

// MarshalJSON implements json.Marshaler.
func (f *Fixture) MarshalJSON() ([]byte, error) {
	return json.Marshal((*plain)(f.Rewrite(everyString(encodeText))))
}

// UnmarshalJSON implements json.Unmarshaler. A fixture of another schema is an error.
func (f *Fixture) UnmarshalJSON(data []byte) error {
	var read Fixture
	if err := json.Unmarshal(data, (*plain)(&read)); err != nil {
		return err
	}
	if read.Schema != Schema {
		return fmt.Errorf("schema is %q, not %q", read.Schema, Schema)
	}
	decoded := read.Rewrite(everyString(decodeText))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Schema, f.Machine, f.Closed = read.Schema, read.Machine, read.Closed
	f.Env, f.Files, f.Runs, f.Procs, f.index = decoded.Env, decoded.Files, decoded.Runs, decoded.Procs, nil
	return nil
}

const base64Prefix = "base64:"

func encodeText(s string) string {
	if utf8.ValidString(s) && !strings.HasPrefix(s, base64Prefix) {
		return s
	}
	return base64Prefix + base64.StdEncoding.EncodeToString([]byte(s))
}

func decodeText(s string) string {
	if enc, ok := strings.CutPrefix(s, base64Prefix); ok {
		if raw, err := base64.StdEncoding.DecodeString(enc); err == nil {
			return string(raw)
		}
	}
	return s
}

// Rewriter says what each kind of text in a fixture becomes. All fields must be set.
type Rewriter struct {
	Name    func(string) string                        // of a file, user, or program
	Text    func(string) string                        // of an error
	Environ func(string) string                        // one "KEY=value"
	Args    func([]string) []string                    // all arguments of a program
	Content func(name string, content Content) Content // of a file; of a stream if name is ""
}

// everyString is a Rewriter that treats all texts but contents alike.
func everyString(f func(string) string) Rewriter {
	return Rewriter{
		Name: f, Text: f, Environ: f,
		Args:    func(list []string) []string { return each(list, f) },
		Content: func(_ string, c Content) Content { return c },
	}
}

// each returns a list of f of the elements, nil for nil.
func each(list []string, f func(string) string) []string {
	out := slices.Clone(list)
	for i, s := range out {
		out[i] = f(s)
	}
	return out
}

// Rewrite returns a copy of f with all text rewritten. Where several names become the same, the first, in the order
// of the old ones, is kept.
func (f *Fixture) Rewrite(w Rewriter) *Fixture {
	c := &Fixture{Schema: f.Schema, Machine: f.Machine, Closed: f.Closed, Env: each(f.Env, w.Environ)}
	c.Files = make(map[string]*File, len(f.Files))
	names := make([]string, 0, len(f.Files))
	for name := range f.Files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if to := w.Name(name); f.Files[name] != nil && c.Files[to] == nil {
			c.Files[to] = f.Files[name].rewrite(name, w)
		}
	}
	for _, r := range f.Runs {
		c.Runs = append(c.Runs, r.rewrite(w))
	}
	c.Procs = f.Procs.rewrite(w)
	return c
}

func (file *File) rewrite(name string, w Rewriter) *File {
	c := &File{
		InfoErr: file.InfoErr.rewrite(w), ContentErr: file.ContentErr.rewrite(w),
		LinkErr: file.LinkErr.rewrite(w), EntriesErr: file.EntriesErr.rewrite(w), HeadErr: file.HeadErr.rewrite(w),
		Entries: slices.Clone(file.Entries),
	}
	for i := range c.Entries {
		c.Entries[i].Name = w.Name(c.Entries[i].Name)
	}
	if file.Info != nil {
		c.Info = new(*file.Info)
	}
	if file.Link != nil {
		c.Link = new(w.Name(*file.Link))
	}
	if file.Content != nil {
		c.Content = new(w.Content(name, *file.Content))
	}
	if file.Head != nil {
		c.Head = new(w.Content(name, *file.Head))
	}
	return c
}

func (f *Failure) rewrite(w Rewriter) *Failure {
	if f == nil {
		return nil
	}
	return &Failure{Kind: f.Kind, Text: w.Text(f.Text)}
}

func (r Run) rewrite(w Rewriter) Run {
	c := Run{Err: r.Err.rewrite(w), Command: Command{
		Path: w.Name(r.Command.Path), Dir: w.Name(r.Command.Dir),
		Args: w.Args(r.Command.Args), Env: each(r.Command.Env, w.Environ),
	}}
	if r.Result != nil {
		c.Result = new(*r.Result)
		c.Result.Stdout, c.Result.Stderr = w.Content("", r.Result.Stdout), w.Content("", r.Result.Stderr)
	}
	return c
}

func (t *ProcessTable) rewrite(w Rewriter) *ProcessTable {
	if t == nil {
		return nil
	}
	c := &ProcessTable{Err: t.Err.rewrite(w), List: slices.Clone(t.List)}
	for i := range c.List {
		p := &c.List[i]
		p.Name, p.Exe, p.Args = w.Name(p.Name), w.Name(p.Exe), w.Args(p.Args)
		p.Env, p.EnvErr = each(p.Env, w.Environ), p.EnvErr.rewrite(w)
	}
	return c
}

// failure returns what to record of err.
func failure(err error) *Failure {
	for _, kind := range []string{Unknown, Absent, Denied, TooLarge} {
		if errors.Is(err, (&Failure{Kind: kind}).cause()) {
			return &Failure{Kind: kind}
		}
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return &Failure{Kind: Other, Text: err.Error()}
}

// cause returns an error that matches what was recorded.
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
