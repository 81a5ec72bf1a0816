// Package snapshot is the file in which goready keeps what it asked one machine, so that it can be looked at again
// elsewhere: a recording (host.Fixture) without secrets, and what is needed to ask it the same questions.
//
// Its one invariant: whatever somebody sends as a snapshot, reading it costs time and memory in proportion to limits
// set here, and gives either a snapshot or an error that says what is wrong with the file. The package reads and writes
// no files; cli does.
package snapshot

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/scrub"
)

// Schema is the value of "schema" in a snapshot.
const Schema = schemaName + "1"

const schemaName = "goready.snapshot/v"

// Snapshot is a recorded machine. Fields may be added to it, never changed.
type Snapshot struct {
	Schema    string    `json:"schema"`
	Version   string    `json:"version"` // of the goready that made it
	Taken     time.Time `json:"taken"`
	Workspace string    `json:"workspace"` // absolute, as the machine spells it
	Options   Options   `json:"options"`
	// Cut are the files, folders and programs of which an answer was too large to be kept; "" is the list of processes.
	Cut  []string      `json:"cut,omitempty"`
	Host *host.Fixture `json:"host"`
}

// Options are what a snapshot was made with.
type Options struct {
	// Consumers are those that were asked about; empty means all.
	Consumers []string `json:"consumers,omitempty"`
	// Skip are the checks and categories whose questions were left out.
	Skip []string `json:"skip,omitempty"`
	// NamesRemoved: the names of the user and the machine were replaced by made-up ones.
	NamesRemoved bool `json:"namesRemoved"`
	// Probed: what explain --probe asks was asked too.
	Probed bool `json:"probed"`
}

// Limits are those of the recording: no answer above 1 MiB, 8 MiB in all. The folder of the system's programs and the
// list of processes of a busy machine are below.
func Limits() host.Limits { return host.Limits{File: 1 << 20, Total: 8 << 20} }

// New returns the snapshot of what r has recorded, without secrets; removed is the number of places that had one.
func New(r *host.Recorder, version, workspace string, taken time.Time, o Options) (s *Snapshot, removed int) {
	f := r.Fixture()
	forgetArguments(f)
	wholeLines(f)
	s = &Snapshot{Schema: Schema, Version: version, Taken: taken.UTC().Truncate(time.Second), Options: o}
	// The workspace and what was cut are names of files: they must become what the fixture's names become.
	names := host.Fixture{Schema: f.Schema, Machine: f.Machine, Env: f.Env, Files: f.Files, Runs: append(f.Runs[:len(f.Runs):len(f.Runs)],
		host.Run{Command: host.Command{Path: workspace, Env: r.Cut()}}), Procs: f.Procs}
	clean, removed := scrub.Count(&names, scrub.Options{Names: o.NamesRemoved})
	last := len(clean.Runs) - 1
	s.Workspace, s.Cut = clean.Runs[last].Command.Path, clean.Runs[last].Command.Env
	if clean.Runs = clean.Runs[:last]; last == 0 {
		clean.Runs = nil
	}
	s.Host = clean
	return s, removed
}

// forgetArguments drops the arguments of processes that nobody looked into: they are none of goready's business.
func forgetArguments(f *host.Fixture) {
	if f.Procs == nil {
		return
	}
	for i := range f.Procs.List {
		p := &f.Procs.List[i]
		if p.Env == nil && (p.EnvErr == nil || p.EnvErr.Kind == host.Unknown) {
			p.Args = nil
		}
	}
}

// wholeLines ends the beginning of a text with its last whole line: a secret that is cut in two cannot be told any more.
func wholeLines(f *host.Fixture) {
	for _, file := range f.Files {
		if file.Head == nil || len(*file.Head) < host.MaxHead || bytes.IndexByte(*file.Head, 0) >= 0 {
			continue
		}
		if end := bytes.LastIndexByte(*file.Head, '\n'); end >= 0 {
			file.Head = new((*file.Head)[:end+1])
		}
	}
}

// Encode returns s as a file, compressed if that is wanted.
func (s *Snapshot) Encode(compress bool) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	if !compress {
		return b.Bytes(), nil
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(b.Bytes()); err != nil {
		return nil, err // unreachable: a buffer takes everything
	}
	if err := w.Close(); err != nil {
		return nil, err // unreachable
	}
	return z.Bytes(), nil
}

// The limits of a file that is read. They are above what Limits lets a recording become.
const (
	// MaxFile is the number of bytes of a snapshot that is read, before and after it is decompressed.
	MaxFile = 64 << 20
	// maxParts is the number of objects and lists in it, and maxValues that of all values: small things in a file that
	// are large in memory.
	maxParts, maxValues = 1 << 18, 1 << 21
)

// ErrLarge means that a file is larger than any snapshot.
var ErrLarge = errors.New("it is larger than any snapshot")

// VersionError means that a snapshot was made by another generation of goready.
type VersionError struct{ Schema string }

func (e *VersionError) Error() string {
	return fmt.Sprintf("its schema is %q, and this goready reads %q", e.Schema, Schema)
}

// Newer reports whether a newer goready may be able to read it.
func (e *VersionError) Newer() bool {
	n, err := strconv.Atoi(strings.TrimPrefix(e.Schema, schemaName))
	return err == nil && n > 1
}

// Decode reads what Encode wrote, compressed or not. Fields that it does not know are ignored.
func Decode(data []byte) (*Snapshot, error) {
	data, err := decompress(data)
	if err != nil {
		return nil, err
	}
	if err := measure(data); err != nil {
		return nil, err
	}
	var head struct {
		Schema *string `json:"schema"`
	}
	switch err := json.Unmarshal(data, &head); {
	case err != nil:
		return nil, fmt.Errorf("it is not a snapshot: %w", err)
	case head.Schema == nil:
		return nil, errors.New("it is not a snapshot: it has no schema")
	case *head.Schema != Schema:
		return nil, &VersionError{*head.Schema}
	}
	s := &Snapshot{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("it is not a valid snapshot: %w", err)
	}
	return s, s.valid()
}

// valid says what a snapshot that could be decoded lacks.
func (s *Snapshot) valid() error {
	switch {
	case s.Host == nil:
		return errors.New("it is not a valid snapshot: it has no host")
	case s.Host.Machine.OS == "":
		return errors.New("it is not a valid snapshot: its platform has no os")
	case !s.Host.Machine.IsAbs(s.Workspace):
		return fmt.Errorf("it is not a valid snapshot: its workspace %q is not absolute", s.Workspace)
	case s.Taken.IsZero():
		return errors.New("it is not a valid snapshot: it does not say when it was taken")
	}
	return nil
}

// decompress returns the contents of a file that may be compressed.
func decompress(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte("\x1f\x8b")) {
		if len(data) > MaxFile {
			return nil, ErrLarge
		}
		return data, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("it cannot be decompressed: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, MaxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("it cannot be decompressed: %w", err)
	case len(out) > MaxFile:
		return nil, ErrLarge
	}
	return out, nil
}

// measure refuses JSON that would cost more memory than a snapshot. It need not be JSON at all.
func measure(data []byte) error {
	parts, values := 0, 0
	quoted := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '{' || c == '[':
			parts++
			values++
		case c == ',':
			values++
		}
	}
	if parts > maxParts || values > maxValues {
		return ErrLarge
	}
	return nil
}
