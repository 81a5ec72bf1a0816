package host

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// Limits bounds what a [Recorder] keeps. An answer above a limit is recorded as [ErrTooLarge]: a replay then knows
// that there was one.
type Limits struct {
	File  int // bytes of one answer: a file, a listing, the output of a program, an environment; 0 is 1 MiB
	Total int // bytes of everything; 0 is 64 MiB. Questions after that are not recorded at all and so unknown.
}

// Recorder is a Host that answers as another one does and remembers the answers. Where the machine changes meanwhile
// the first answer is the one that is recorded.
type Recorder struct {
	host   Host
	limits Limits

	mu      sync.Mutex
	fixture *Fixture // guarded by mu, as is all below
	used    int
	cut     map[string]bool // what the limits kept out
}

// Record returns a Recorder for h.
func Record(h Host, l Limits) *Recorder {
	if l.File == 0 {
		l.File = 1 << 20
	}
	if l.Total == 0 {
		l.Total = 64 << 20
	}
	f := &Fixture{Schema: Schema, Machine: h.Platform(), Env: h.Environ(), Files: map[string]*File{}}
	return &Recorder{host: h, limits: l, fixture: f, used: size(f.Env...), cut: map[string]bool{}}
}

// Cut returns the names of the files, folders and programs of which an answer was not recorded because it is above a
// limit, sorted; "" is the list of processes or the environment of one. There are at most 1000.
func (r *Recorder) Cut() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.cut))
}

// maxCut is how many names Cut returns.
const maxCut = 1000

// Fixture returns what has been recorded so far. Answers recorded later do not change it.
func (r *Recorder) Fixture() *Fixture {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fixture.Rewrite(everyString(func(s string) string { return s }))
}

// Part returns what has been recorded so far without the files that keep refuses and the arguments of processes. It
// shares what is never changed with the recording, and so costs less than Fixture.
func (r *Recorder) Part(keep func(name string) bool) *Fixture {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.fixture
	part := &Fixture{Schema: f.Schema, Machine: f.Machine, Env: f.Env, Files: map[string]*File{}, Runs: slices.Clone(f.Runs)}
	for name, file := range f.Files {
		if keep(name) {
			part.Files[name] = new(*file)
		}
	}
	if f.Procs != nil {
		part.Procs = &ProcessTable{Err: f.Procs.Err, List: slices.Clone(f.Procs.List)}
		for i := range part.Procs.List {
			part.Procs.List[i].Args = nil
		}
	}
	return part
}

// overhead is what a record costs besides its text.
const overhead = 64

// size returns what it costs to record texts.
func size(texts ...string) int {
	n := overhead
	for _, s := range texts {
		n += len(s) + overhead/4
	}
	return n
}

// room reports whether a record of n bytes may be kept, and in which form: with its answer, or else as a failure. It
// accounts for what is kept. r.mu must be held.
func (r *Recorder) room(name string, n int) (whole, any bool) {
	cost := size(name) + n
	if n <= r.limits.File && r.used+cost <= r.limits.Total {
		r.used += cost
		return true, true
	}
	if len(r.cut) < maxCut {
		r.cut[name] = true
	}
	if cost = size(name); r.used+cost > r.limits.Total {
		return false, false
	}
	r.used += cost
	return false, true
}

// note records the answer to one question about a file, unless there is one. The error of asking wins over value.
func note[T any](r *Recorder, name string, n int, value T, err error, slot func(*File) (*T, **Failure, bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	file := r.fixture.Files[name]
	if file == nil {
		file = &File{}
	}
	answer, fail, known := slot(file)
	if known || *fail != nil {
		return
	}
	whole, any := r.room(name, n)
	switch {
	case !any:
		return
	case err != nil:
		*fail = failure(err)
	case !whole:
		*fail = &Failure{Kind: TooLarge}
	default:
		*answer = value
	}
	r.fixture.Files[name] = file
}

// Platform implements [Host].
func (r *Recorder) Platform() Platform { return r.host.Platform() }

// Environ implements [Host].
func (r *Recorder) Environ() []string { return slices.Clone(r.fixture.Env) } // never changed, so not guarded

// ReadFile implements [Host].
func (r *Recorder) ReadFile(name string) ([]byte, error) {
	data, err := r.host.ReadFile(name)
	kept := Content(slices.Clone(data[:min(len(data), r.limits.File+1)]))
	note(r, name, len(data), &kept, err, func(f *File) (**Content, **Failure, bool) {
		return &f.Content, &f.ContentErr, f.Content != nil
	})
	return data, err
}

// ReadDir implements [Host].
func (r *Recorder) ReadDir(name string) ([]Entry, error) {
	list, err := r.host.ReadDir(name)
	kept := append([]Entry{}, list...)
	n := 0
	for _, e := range list {
		n += size(e.Name)
	}
	note(r, name, n, kept, err, func(f *File) (*[]Entry, **Failure, bool) {
		return &f.Entries, &f.EntriesErr, f.Entries != nil
	})
	return list, err
}

// Lstat implements [Host].
func (r *Recorder) Lstat(name string) (Info, error) {
	info, err := r.host.Lstat(name)
	kept := info
	kept.ModTime = storable(kept.ModTime)
	note(r, name, overhead, &kept, err, func(f *File) (**Info, **Failure, bool) {
		return &f.Info, &f.InfoErr, f.Info != nil
	})
	return info, err
}

// ReadLink implements [Host].
func (r *Recorder) ReadLink(name string) (string, error) {
	target, err := r.host.ReadLink(name)
	note(r, name, size(target), &target, err, func(f *File) (**string, **Failure, bool) {
		return &f.Link, &f.LinkErr, f.Link != nil
	})
	return target, err
}

// storable returns t as JSON can have it: files may have times with years of more than four digits.
func storable(t time.Time) time.Time {
	if y := t.UTC().Year(); y < 0 || y > 9999 {
		return time.Time{}
	}
	return t.UTC()
}

// Run implements [Host]. That the context ended is not recorded, as it says nothing about the machine.
func (r *Recorder) Run(ctx context.Context, cmd Command) (Result, error) {
	res, err := r.host.Run(ctx, cmd)
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return res, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.ContainsFunc(r.fixture.Runs, func(old Run) bool { return old.Command.equal(cmd) }) {
		return res, err
	}
	run := Run{Command: Command{Path: cmd.Path, Args: slices.Clone(cmd.Args), Env: slices.Clone(cmd.Env), Dir: cmd.Dir}}
	whole, any := r.room(cmd.Path, len(res.Stdout)+len(res.Stderr)+size(cmd.Args...)+size(cmd.Env...))
	switch {
	case !any:
		return res, err
	case err != nil:
		run.Err = failure(err)
	case !whole:
		run.Err = &Failure{Kind: TooLarge}
	default:
		run.Result = &RunResult{slices.Clone(res.Stdout), slices.Clone(res.Stderr), res.ExitCode, res.TimedOut, res.Duration}
	}
	r.fixture.Runs = append(r.fixture.Runs, run)
	return res, err
}

// Processes implements [Host]. The environment of a process is recorded only if it is asked for; a replay does not
// know the others.
func (r *Recorder) Processes() ([]Process, error) {
	list, err := r.host.Processes()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fixture.Procs == nil {
		r.fixture.Procs = r.table(list, err)
	}
	out := slices.Clone(list)
	for i := range out {
		if out[i].Environ != nil {
			out[i].Environ = r.environ(out[i])
		}
	}
	return out, err
}

// table returns what to record of a list of processes, nil if there is no room even for that it is too large. r.mu
// must be held.
func (r *Recorder) table(list []Process, err error) *ProcessTable {
	n := 0
	for _, p := range list {
		n += 2*overhead + size(p.Args...) + size(p.Name, p.Exe)
	}
	whole, any := r.room("", n)
	switch {
	case !any:
		return nil
	case err != nil:
		return &ProcessTable{Err: failure(err)}
	case !whole:
		return &ProcessTable{Err: &Failure{Kind: TooLarge}}
	}
	t := &ProcessTable{List: make([]RecordedProcess, len(list))}
	for i, p := range list {
		t.List[i].Process = p
		t.List[i].Process.Environ = nil
		t.List[i].Args = slices.Clone(p.Args)
		t.List[i].Started = storable(p.Started)
		if p.Environ != nil {
			t.List[i].EnvErr = &Failure{Kind: Unknown}
		}
	}
	return t
}

// environ returns p.Environ, which also records its answer with the process in the table that is p.
func (r *Recorder) environ(p Process) func() ([]string, error) {
	return func() ([]string, error) {
		env, err := p.Environ()
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.fixture.Procs == nil {
			return env, err
		}
		for i := range r.fixture.Procs.List {
			t := &r.fixture.Procs.List[i]
			if t.PID != p.PID || !t.Started.Equal(storable(p.Started)) || t.EnvErr == nil || t.EnvErr.Kind != Unknown {
				continue
			}
			whole, any := r.room("", size(env...))
			switch {
			case !any:
			case err != nil:
				t.EnvErr = failure(err)
			case !whole:
				t.EnvErr = &Failure{Kind: TooLarge}
			default:
				t.Env, t.EnvErr = append([]string{}, env...), nil
			}
		}
		return env, err
	}
}

var _ Host = (*Recorder)(nil)
