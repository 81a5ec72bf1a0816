package snapshot_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/snapshot"
)

var (
	linux = host.Platform{OS: "linux", Arch: "amd64"}
	taken = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
)

// recorded returns a recorder that was asked for all files of a machine.
func recorded(t *testing.T, limits host.Limits, environ []string, files map[string]string) *host.Recorder {
	t.Helper()
	r := host.Record(host.FromFiles(linux, environ, files), limits)
	for name := range files {
		if _, err := r.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Processes(); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRoundTrip(t *testing.T) {
	r := recorded(t, snapshot.Limits(), []string{"HOME=/home/alice", "USER=alice", "MY_TOKEN=Tr0ub4dor&3"}, map[string]string{
		"/home/alice/.bashrc": "export A_SECRET=Tr0ub4dor&3x\n", "/home/alice/bin": "\xff\x00"})
	s, removed := snapshot.New(r, "v1.2.3", "/home/alice/src", taken, snapshot.Options{Consumers: []string{"cron"}})
	if removed != 2 {
		t.Errorf("%d secrets removed, want 2", removed)
	}
	for _, compress := range []bool{false, true} {
		data, err := s.Encode(compress)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasPrefix(data, []byte("\x1f\x8b")) != compress || bytes.Contains(data, []byte("ub4dor")) {
			t.Errorf("compress %v: %.200q", compress, data)
		}
		again, err := snapshot.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if again.Version != "v1.2.3" || again.Workspace != "/home/alice/src" || !again.Taken.Equal(taken) || !cmp.Equal(again.Options, s.Options) {
			t.Errorf("got %+v", again)
		}
		text, err := again.Host.ReadFile("/home/alice/.bashrc")
		if string(text) != "export A_SECRET=xxxxx2\n" || err != nil {
			t.Errorf("got %q, %v", text, err)
		}
		if _, err := again.Host.ReadFile("/home/alice/.zshrc"); !errors.Is(err, host.ErrUnknown) {
			t.Errorf("a file that nobody asked about: %v", err)
		}
	}
}

// TestNames: the names of the workspace and of what was cut change as those of the files do.
func TestNames(t *testing.T) {
	r := recorded(t, host.Limits{File: 100}, []string{"HOME=/home/alice", "USER=alice"}, map[string]string{"/home/alice/large": strings.Repeat("x", 200)})
	s, _ := snapshot.New(r, "v1", "/home/alice/src", taken, snapshot.Options{NamesRemoved: true})
	if s.Workspace != "/home/someone/src" || !cmp.Equal(s.Cut, []string{"/home/someone/large"}) || len(s.Host.Runs) != 0 {
		t.Errorf("workspace %q, cut %q, runs %v", s.Workspace, s.Cut, s.Host.Runs)
	}
	if _, err := s.Host.ReadFile("/home/someone/large"); !errors.Is(err, host.ErrTooLarge) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was cut: %v", err)
	}
}

// TestTotal: what came after the limit of the whole is unknown, and named.
func TestTotal(t *testing.T) {
	h := host.FromFiles(linux, nil, map[string]string{"/a": strings.Repeat("x", 3000), "/b": strings.Repeat("y", 3000), "/c": strings.Repeat("z", 3000)})
	r := host.Record(h, host.Limits{File: 1 << 20, Total: 4000})
	for _, name := range []string{"/a", "/b", "/c", "/none"} {
		r.ReadFile(name)
	}
	s, _ := snapshot.New(r, "v1", "/", taken, snapshot.Options{})
	if want := []string{"/b", "/c"}; !cmp.Equal(s.Cut, want) {
		t.Errorf("cut %q, want %q", s.Cut, want)
	}
	for name, want := range map[string]error{"/b": host.ErrTooLarge, "/c": host.ErrTooLarge, "/none": fs.ErrNotExist} {
		if _, err := s.Host.ReadFile(name); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

// TestArguments: the arguments of processes that nobody asked about are not kept.
func TestArguments(t *testing.T) {
	env := []string{"A=b"}
	f := host.FromFiles(linux, nil, nil)
	f.Procs.List = []host.RecordedProcess{
		{Process: host.Process{PID: 1, Name: "mail", Args: []string{"mail", "to-somebody"}}, Env: env},
		{Process: host.Process{PID: 2, Name: "gopls", Args: []string{"gopls", "serve"}}, Env: env},
		{Process: host.Process{PID: 3, UID: 7, Name: "x", Args: []string{"x", "of-another-user"}}},
	}
	r := host.Record(f, snapshot.Limits())
	procs, err := r.Processes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := procs[1].Environ(); err != nil {
		t.Fatal(err)
	}
	s, _ := snapshot.New(r, "v1", "/", taken, snapshot.Options{})
	data, err := s.Encode(false)
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]bool{"to-somebody": false, "of-another-user": false, "serve": true} {
		if bytes.Contains(data, []byte(word)) != want {
			t.Errorf("%q is in it: %v", word, !want)
		}
	}
}

// TestHead: a secret at the end of what is read of a file is not left half.
func TestHead(t *testing.T) {
	text := "#!/bin/sh\n" + strings.Repeat("# x\n", 120) + "exec https://me:Tr0ub4dor@example.com/x\n"
	r := host.Record(host.FromFiles(linux, nil, map[string]string{"/script": text, "/binary": "\x7fELF\x00" + strings.Repeat("\x01", 600)}), snapshot.Limits())
	for _, name := range []string{"/script", "/binary"} {
		if _, err := r.ReadHead(name, host.MaxHead); err != nil {
			t.Fatal(err)
		}
	}
	s, _ := snapshot.New(r, "v1", "/", taken, snapshot.Options{})
	if head, err := s.Host.ReadHead("/script", 2); string(head) != "#!" || err != nil {
		t.Errorf("head %q, %v", head, err)
	}
	if head := *s.Host.Files["/script"].Head; bytes.Contains(head, []byte("exec")) || len(head) < 400 {
		t.Errorf("head %q", head)
	}
	if head := *s.Host.Files["/binary"].Head; len(head) != host.MaxHead {
		t.Errorf("the head of a binary has %d bytes", len(head))
	}
}

const minimal = `{"schema":"goready.snapshot/v1","taken":"2026-11-25T12:00:00Z","workspace":"/w","host":{"schema":"goready.host/v1","platform":{"os":"linux","arch":"amd64"},"environ":[],"files":%s}}`

func file(files string) string { return strings.Replace(minimal, "%s", files, 1) }

func TestDecode(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"minimal", file(`{}`), ""},
		{"unknown_fields", strings.Replace(file(`{"/a": {"content": "x", "colour": "red"}}`), `"taken"`, `"new": [1, {"a": null}], "taken"`, 1), ""},
		{"empty", "", "not a snapshot: unexpected end of JSON"},
		{"text", "Hello", "not a snapshot: invalid character"},
		{"list", "[]", "not a snapshot: json: cannot unmarshal array"},
		{"truncated", file(`{}`)[:100], "not a snapshot: unexpected end"},
		{"no_schema", `{"a": 1}`, "it has no schema"},
		{"other_schema", `{"schema": "goready.doctor/v1"}`, `its schema is "goready.doctor/v1"`},
		{"newer_schema", `{"schema": "goready.snapshot/v2", "host": 7}`, `its schema is "goready.snapshot/v2"`},
		{"other_host", strings.Replace(file(`{}`), "goready.host/v1", "goready.host/v9", 1), `schema is "goready.host/v9"`},
		{"no_host", `{"schema":"goready.snapshot/v1","taken":"2026-11-25T12:00:00Z","workspace":"/w"}`, "it has no host"},
		{"no_time", strings.Replace(file(`{}`), `"taken":"2026-11-25T12:00:00Z",`, "", 1), "when it was taken"},
		{"relative_workspace", strings.Replace(file(`{}`), `"/w"`, `"w"`, 1), `workspace "w" is not absolute`},
		{"no_platform", strings.Replace(file(`{}`), `"os":"linux",`, "", 1), "its platform has no os"},
		{"wrong_type", strings.Replace(file(`{}`), `"environ":[]`, `"environ":7`, 1), "not a valid snapshot"},
		{"trailing", file(`{}`) + "{}", "not a snapshot"},
		{"deep", file(strings.Repeat("[", 20000) + strings.Repeat("]", 20000)), "exceeded max depth"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := snapshot.Decode([]byte(tt.text))
			switch {
			case tt.want == "" && (err != nil || s.Workspace != "/w"):
				t.Errorf("got %+v, %v", s, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestNewer(t *testing.T) {
	for schema, want := range map[string]bool{"goready.snapshot/v2": true, "goready.snapshot/v10": true, "goready.snapshot/v1": false,
		"goready.snapshot/vx": false, "goready.doctor/v2": false, "": false} {
		if got := (&snapshot.VersionError{Schema: schema}).Newer(); got != want {
			t.Errorf("%q: %v", schema, got)
		}
	}
}

func zipped(t *testing.T, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for _, p := range parts {
		w.Write([]byte(p))
	}
	w.Close()
	return b.Bytes()
}

func TestCompressed(t *testing.T) {
	good := zipped(t, file(`{}`))
	if _, err := snapshot.Decode(good); err != nil {
		t.Error(err)
	}
	for name, data := range map[string][]byte{"truncated": good[:len(good)-12], "header": good[:5], "broken": append(bytes.Clone(good[:20]), 0xff, 0xff, 0xff)} {
		if _, err := snapshot.Decode(data); err == nil || !strings.Contains(err.Error(), "cannot be decompressed") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHostileSize: what is small as a file and large in memory is refused before it is.
func TestHostileSize(t *testing.T) {
	list := func(element string, n int) string { return "[" + strings.Repeat(element+",", n) + element + "]" }
	zeros := make([]string, 2*snapshot.MaxFile>>20)
	for i := range zeros {
		zeros[i] = strings.Repeat(" ", 1<<20)
	}
	processes := `{}},"x":{"list":` + list(`{}`, 10_000_000) + `}`
	for name, data := range map[string][]byte{
		"bomb":      zipped(t, zeros...),
		"processes": []byte(strings.Replace(file(strings.Replace(processes, `"x"`, `"processes"`, 1)), "}}}}", "}}}", 1)),
		"entries":   []byte(file(`{"/d": {"entries": ` + list(`{}`, 1_000_000) + `}}`)),
		"environ":   []byte(strings.Replace(file(`{}`), `"environ":[]`, `"environ":`+list(`""`, 5_000_000), 1)),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := snapshot.Decode(data)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, snapshot.ErrLarge) {
				t.Errorf("error %v", err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 6*snapshot.MaxFile {
				t.Errorf("%d MiB were used", used>>20)
			}
		})
	}
}

// TestHostileLinks: links that lead in a circle, and into themselves, end in an error.
func TestHostileLinks(t *testing.T) {
	s, err := snapshot.Decode([]byte(file(`{"/a": {"link": "/b/x"}, "/b": {"link": "/a/x"}, "/c": {"link": "c"}, "/d": {"link": "d/d/d/d/d"}}`)))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/a", "/a/y", "/c", "/c/z", "/d/d/d"} {
		if _, err := s.Host.ReadFile(name); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(file(`{"/a": {"link": "a"}, "/w": {"entries": [{"name": "x", "type": 7}]}}`)))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := snapshot.Decode(data)
		if err != nil {
			return
		}
		s.Host.ReadDir(s.Workspace)
		again, err := s.Encode(false)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(again) {
			t.Errorf("%q", again)
		}
		if _, err := snapshot.Decode(again); err != nil {
			t.Errorf("%v: %q", err, again)
		}
	})
}
