package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/goready/goready/internal/host"
)

// TestRunOtherEnvironment: a recording whose environments were scrubbed still has its runs, unless it is not clear which.
func TestRunOtherEnvironment(t *testing.T) {
	run := func(dir, arg, env, out string) host.Run {
		return host.Run{Command: host.Command{Path: "/bin/sh", Args: []string{arg}, Env: []string{env}, Dir: dir}, Result: &host.RunResult{Stdout: host.Content(out)}}
	}
	f := host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, nil, map[string]string{"/bin/sh": "#!"})
	f.Runs = []host.Run{run("/a", "x", "E=1", "one"), run("/a", "y", "E=1", "two"), run("/a", "y", "E=2", "three")}
	for _, tt := range []struct{ dir, arg, env, want string }{
		{"/a", "x", "E=1", "one"},
		{"/a", "x", "E=2", "one"},
		{"/a", "y", "E=2", "three"},
		{"/a", "y", "E=3", ""},
		{"/b", "x", "E=1", ""},
		{"/a", "z", "E=1", ""},
	} {
		res, err := f.Run(t.Context(), host.Command{Path: "/bin/sh", Args: []string{tt.arg}, Env: []string{tt.env}, Dir: tt.dir})
		if string(res.Stdout) != tt.want || (tt.want == "") != errors.Is(err, host.ErrUnknown) {
			t.Errorf("%+v: %q, %v", tt, res.Stdout, err)
		}
	}
}

func content(s string) *host.Content { return new(host.Content(s)) }

func sameFixture(t *testing.T, got, want *host.Fixture) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(host.Fixture{}), cmpopts.IgnoreFields(host.Process{}, "Environ")); diff != "" {
		t.Errorf("fixture (-want +got):\n%s", diff)
	}
}

func isExactly(t *testing.T, what string, err, want error) {
	t.Helper()
	for _, s := range []error{fs.ErrNotExist, fs.ErrPermission, host.ErrUnknown, host.ErrTooLarge} {
		if errors.Is(err, s) != (s == want) {
			t.Errorf("%s: error is %v, want %v", what, err, want)
		}
	}
	if want == nil && err != nil {
		t.Errorf("%s: error is %v", what, err)
	}
}

func TestClosedWorld(t *testing.T) {
	f := host.FromFiles(linux, []string{"A=b"}, map[string]string{"/home/u/.bashrc": "x", "/usr/lib/go/bin/go": "#!", "/home/u/a/b": ""})
	f.Add("/usr/bin", host.File{Link: new("lib/go/bin")})
	f.Add("/home/u/.secret", host.File{ContentErr: &host.Failure{Kind: host.Denied}})
	f.Add("/home/u/huge", host.File{ContentErr: &host.Failure{Kind: host.TooLarge}})

	for name, want := range map[string]error{
		"/home/u/.bashrc": nil, "/usr/bin/go": nil, "/home/../home/u/./.bashrc": nil, "/home/u/none": fs.ErrNotExist, "/none/x": fs.ErrNotExist,
		"/home/u/.bashrc/x": fs.ErrNotExist, "/home/u/.secret": fs.ErrPermission, "/home/u/huge": host.ErrTooLarge,
		host.RegistryUser: fs.ErrNotExist,
	} {
		_, err := f.ReadFile(name)
		isExactly(t, name, err, want)
	}
	list, err := f.ReadDir("/home/u")
	want := []host.Entry{{Name: ".bashrc"}, {Name: ".secret"}, {Name: "a", Type: fs.ModeDir}, {Name: "huge"}}
	if !slices.Equal(list, want) || err != nil {
		t.Errorf("ReadDir = %v, %v", list, err)
	}
	f.Add("/empty", host.File{Info: &host.Info{Mode: fs.ModeDir | 0o700}})
	if list, err := f.ReadDir("/empty"); len(list) != 0 || err != nil {
		t.Errorf("ReadDir of an empty directory = %v, %v", list, err)
	}
	if list, err := host.FromFiles(linux, nil, nil).ReadDir("/"); len(list) != 0 || err != nil {
		t.Errorf("ReadDir of the root of nothing = %v, %v", list, err)
	}
	if list, err := f.ReadDir("/usr/bin"); len(list) != 1 || err != nil {
		t.Errorf("ReadDir of a link = %v, %v", list, err)
	}
	if got, err := host.LookPath(f, "go", "/bin:/usr/bin", "/"); got != "/usr/bin/go" || err != nil {
		t.Errorf("LookPath = %q, %v", got, err)
	}
	if got, err := host.EvalSymlinks(f, "/usr/bin/go"); got != "/usr/lib/go/bin/go" || err != nil {
		t.Errorf("EvalSymlinks = %q, %v", got, err)
	}
	if list, err := f.Processes(); len(list) != 0 || err != nil {
		t.Errorf("Processes = %v, %v", list, err)
	}
	_, err = f.Run(context.Background(), host.Command{Path: "/usr/bin/go"})
	isExactly(t, "Run of a program", err, host.ErrUnknown)
	_, err = f.Run(context.Background(), host.Command{Path: "/usr/bin/gone"})
	isExactly(t, "Run of no program", err, fs.ErrNotExist)
}

func TestClosedWorldWindows(t *testing.T) {
	f := host.FromFiles(windows, nil, map[string]string{
		`C:\Program Files\Go\bin\go.exe`: "", `C:/Users/U/file`: "x", `\\host\share\dir\f`: "", `D:\a.cmd`: "",
		host.RegistryUser: "Path=REG_SZ:x\n",
	})
	for name, want := range map[string]error{
		`c:\users\u\FILE`: nil, `C:\Users\u\none`: fs.ErrNotExist, `\\HOST\Share\dir\f`: nil, `E:\`: fs.ErrNotExist,
		host.RegistryUser: nil, host.RegistryMachine: fs.ErrNotExist,
	} {
		_, err := f.ReadFile(name)
		isExactly(t, name, err, want)
	}
	if list, err := f.ReadDir(`c:\`); len(list) != 2 || err != nil {
		t.Errorf("ReadDir = %v, %v", list, err)
	}
	for _, tt := range []struct{ file, path, want string }{
		{"go", `"C:\Program Files\Go\bin";D:\`, `C:\Program Files\Go\bin\go.exe`}, {"go.exe", `;C:\Program Files\Go\bin`, `C:\Program Files\Go\bin\go.exe`},
		{"a", `C:\;D:\`, `D:\a.cmd`}, {`D:\a`, "", `D:\a.cmd`}, {"file", `C:\Users\u`, ""}, {`.\a`, "", `D:\.\a.cmd`},
	} {
		got, err := host.LookPath(f, tt.file, tt.path, `D:\`)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("LookPath(%q, %q) = %q, %v", tt.file, tt.path, got, err)
		}
	}
}

// TestOpenWorld has the distinction everything else rests on: what was not asked is unknown, not absent.
func TestOpenWorld(t *testing.T) {
	f := &host.Fixture{Schema: host.Schema, Machine: linux, Files: map[string]*host.File{
		"/etc/profile": {Content: content("x")},
		"/etc/none":    {ContentErr: &host.Failure{Kind: host.Absent}},
		"/gone":        {InfoErr: &host.Failure{Kind: host.Absent}},
		"/root":        {InfoErr: &host.Failure{Kind: host.Denied}},
		"/listed":      {Entries: []host.Entry{{Name: "here"}}},
		"/link":        {Link: new("listed")},
		"/io":          {InfoErr: &host.Failure{Kind: host.Other, Text: "input/output error"}},
		"/dir":         {Info: &host.Info{Mode: fs.ModeDir | 0o755}},
		"/file":        {Info: &host.Info{Mode: 0o644}},
		"/kind":        {ContentErr: &host.Failure{Kind: "of the future"}},
		"/null":        nil,
	}}
	reads := map[string]error{
		"/etc/profile": nil, "/etc/none": fs.ErrNotExist, "/etc/other": host.ErrUnknown, "/gone": fs.ErrNotExist, "/gone/x/y": fs.ErrNotExist, "/root": fs.ErrPermission, "/root/x": fs.ErrPermission,
		"/listed/none": fs.ErrNotExist, "/listed/none/below": fs.ErrNotExist, "/listed/here": host.ErrUnknown, "/link/none": fs.ErrNotExist, "/link/here": host.ErrUnknown,
		"/dir/x": host.ErrUnknown, "/file/x": fs.ErrNotExist, "/file": host.ErrUnknown, "/kind": host.ErrUnknown, "/null": host.ErrUnknown,
		host.RegistryUser: fs.ErrNotExist,
	}
	for name, want := range reads {
		_, err := f.ReadFile(name)
		isExactly(t, "ReadFile("+name+")", err, want)
	}
	_, err := f.Lstat("/etc/profile")
	isExactly(t, "Lstat of a file that was only read", err, host.ErrUnknown)
	_, err = f.Lstat("/io")
	if err == nil || err.Error() != "lstat /io: input/output error" {
		t.Errorf("other error = %v", err)
	}
	_, err = host.LookPath(f, "go", "/listed:/dir", "/")
	isExactly(t, "LookPath in unknown directories", err, host.ErrUnknown)
	_, err = f.Processes()
	isExactly(t, "Processes", err, host.ErrUnknown)
	_, err = f.Run(context.Background(), host.Command{Path: "/bin/sh"})
	isExactly(t, "Run", err, host.ErrUnknown)
}

func sampleFixture() *host.Fixture {
	return &host.Fixture{
		Schema: host.Schema, Machine: linux, Env: []string{"A=b", "BYTES=\xff\xfe", "base64:x=y", "EMPTY="},
		Files: map[string]*host.File{
			"/a":           {Content: content("text\n"), Info: &host.Info{Mode: 0o644, Size: 5, ModTime: time.Unix(1e9, 5).UTC(), UID: 3, GID: 4}},
			"/binary":      {Content: content("\x00\xff")},
			"/empty":       {Content: content("")},
			"/\xff":        {Link: new("\xfe")},
			"/dir":         {Entries: []host.Entry{{Name: "\xff", Type: fs.ModeDir}, {Name: "x"}}},
			"/emptydir":    {Entries: []host.Entry{}},
			"/denied":      {InfoErr: &host.Failure{Kind: host.Denied}, ContentErr: &host.Failure{Kind: host.TooLarge}},
			"/other":       {LinkErr: &host.Failure{Kind: host.Other, Text: "loop \xff"}, EntriesErr: &host.Failure{Kind: host.Unknown}},
			"base64:/x/eg": {Content: content("base64:eA==")},
		},
		Runs: []host.Run{
			{Command: host.Command{Path: "/bin/x", Args: []string{"\xff", ""}, Env: []string{"A=\xff"}, Dir: "/"},
				Result: &host.RunResult{Stdout: host.Content("a\x00b"), Stderr: host.Content("\xff"), ExitCode: -1, TimedOut: true, Duration: time.Second + 1}},
			{Command: host.Command{Path: "/bin/y"}, Err: &host.Failure{Kind: host.Absent}},
		},
		Procs: &host.ProcessTable{List: []host.RecordedProcess{
			{Process: host.Process{PID: 1, PPID: 2, UID: 3, Name: "n", Exe: "/\xff", Args: []string{"a", "\xff"}, Started: time.Unix(1e9, 0).UTC(), ExeDeleted: true}, Env: []string{"X=\xff"}},
			{Process: host.Process{PID: 2}, Env: []string{}},
			{Process: host.Process{PID: 3}, EnvErr: &host.Failure{Kind: host.Denied}},
			{Process: host.Process{PID: 4}},
		}},
	}
}

func TestFixtureJSON(t *testing.T) {
	want := sampleFixture()
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got := &host.Fixture{}
	if err := json.Unmarshal(data, got); err != nil {
		t.Fatal(err)
	}
	sameFixture(t, got, want)
	if err := json.Unmarshal([]byte(`{"schema":"goready.host/v2"}`), got); err == nil {
		t.Error("another schema is accepted")
	}
	if err := json.Unmarshal([]byte(`{"schema":"goready.host/v1","files":{"/x":{"content":3}}}`), got); err == nil {
		t.Error("contents that are a number are accepted")
	}
	sameFixture(t, got, want) // unchanged by the errors
}

func TestFixtureProcesses(t *testing.T) {
	list, err := sampleFixture().Processes()
	if err != nil || len(list) != 4 {
		t.Fatal(list, err)
	}
	if env, err := list[0].Environ(); !slices.Equal(env, []string{"X=\xff"}) || err != nil {
		t.Errorf("Environ = %q, %v", env, err)
	}
	if env, err := list[1].Environ(); len(env) != 0 || err != nil {
		t.Errorf("empty Environ = %q, %v", env, err)
	}
	_, err = list[2].Environ()
	isExactly(t, "Environ", err, fs.ErrPermission)
	if list[3].Environ != nil {
		t.Error("an environment that is not readable can be asked for")
	}
}

// TestRecorderReplays asks a host and its recording the same questions.
func TestRecorderReplays(t *testing.T) {
	base := host.FromFiles(linux, []string{"HOME=/h"}, map[string]string{"/h/a": "a", "/h/d/b": "b"})
	base.Add("/h/l", host.File{Link: new("d")})
	base.Add("/h/closed", host.File{InfoErr: &host.Failure{Kind: host.Denied}})
	base.Runs = []host.Run{{Command: host.Command{Path: "/h/a", Args: []string{"x"}}, Result: &host.RunResult{Stdout: host.Content("out")}}}
	base.Procs = sampleFixture().Procs

	questions := func(h host.Host) string {
		var b strings.Builder
		for _, name := range []string{"/h/a", "/h/l/b", "/h/l", "/h/none", "/h/closed/x", "/h", "rel", "/h/../h/a"} {
			data, err1 := h.ReadFile(name)
			list, err2 := h.ReadDir(name)
			info, err3 := h.Lstat(name)
			link, err4 := h.ReadLink(name)
			fmt.Fprintf(&b, "%s: %q %v %v %v %+v %v %q %v\n", name, data, err1, list, err2, info, err3, link, err4)
		}
		for _, arg := range []string{"x", "y"} {
			res, err := h.Run(context.Background(), host.Command{Path: "/h/a", Args: []string{arg}})
			fmt.Fprintf(&b, "%+v %v\n", res, err)
		}
		list, err := h.Processes()
		fmt.Fprintln(&b, len(list), err)
		for _, p := range list {
			if p.Environ != nil {
				env, err := p.Environ()
				fmt.Fprintln(&b, env, err)
			}
		}
		fmt.Fprintln(&b, h.Platform(), h.Environ())
		return b.String()
	}
	rec := host.Record(base, host.Limits{})
	first := questions(rec)
	if diff := cmp.Diff(questions(base), first); diff != "" {
		t.Errorf("recorder differs from its host:\n%s", diff)
	}
	if diff := cmp.Diff(first, questions(rec.Fixture())); diff != "" {
		t.Errorf("replay differs:\n%s", diff)
	}
	_, err := rec.Fixture().ReadFile("/h/never/asked")
	isExactly(t, "a file that is known to be in no listed directory", err, fs.ErrNotExist)
	_, err = rec.Fixture().ReadFile("/etc/never-asked")
	isExactly(t, "a file that was never asked for", err, host.ErrUnknown)
}

func TestRecorderProcessesNotAsked(t *testing.T) {
	base := sampleFixture()
	rec := host.Record(base, host.Limits{})
	if _, err := rec.Processes(); err != nil {
		t.Fatal(err)
	}
	list, err := rec.Fixture().Processes()
	if err != nil {
		t.Fatal(err)
	}
	_, err = list[0].Environ()
	isExactly(t, "an environment that was not asked for", err, host.ErrUnknown)
	if list[3].Environ != nil {
		t.Error("an environment that is not readable became one")
	}
}

func TestRecorderLimits(t *testing.T) {
	files := map[string]string{"/big": strings.Repeat("x", 101), "/ok": strings.Repeat("x", 100)}
	for i := range 200 {
		files[fmt.Sprintf("/dir/%03d", i)] = strings.Repeat("y", 90)
	}
	base := host.FromFiles(linux, nil, files)
	base.Runs = []host.Run{{Command: host.Command{Path: "/ok"}, Result: &host.RunResult{Stdout: content2("z", 200)}}}
	base.Procs = &host.ProcessTable{List: []host.RecordedProcess{{Process: host.Process{PID: 1, Args: []string{strings.Repeat("a", 500)}}}}}
	rec := host.Record(base, host.Limits{File: 100, Total: 8000})
	for name := range files {
		if data, err := rec.ReadFile(name); err != nil || string(data) != files[name] {
			t.Fatalf("the answer while recording is cut: %q, %v", data, err)
		}
	}
	rec = host.Record(base, host.Limits{File: 100, Total: 8000})
	rec.ReadFile("/ok")
	rec.ReadFile("/big")
	rec.ReadDir("/dir")
	rec.Run(context.Background(), host.Command{Path: "/ok"})
	rec.Processes()
	for i := range 200 {
		rec.ReadFile(fmt.Sprintf("/dir/%03d", i))
	}
	f := rec.Fixture()
	_, err := f.ReadFile("/ok")
	isExactly(t, "file within the limit", err, nil)
	_, err = f.ReadFile("/big")
	isExactly(t, "file above the limit", err, host.ErrTooLarge)
	_, err = f.ReadDir("/dir")
	isExactly(t, "listing above the limit", err, host.ErrTooLarge)
	_, err = f.Run(context.Background(), host.Command{Path: "/ok"})
	isExactly(t, "output above the limit", err, host.ErrTooLarge)
	_, err = f.Processes()
	isExactly(t, "processes above the limit", err, host.ErrTooLarge)
	_, err = f.ReadFile("/dir/199")
	isExactly(t, "file beyond all limits", err, host.ErrUnknown)
	if data, _ := json.Marshal(f); len(data) > 16000 {
		t.Errorf("the recording has %d bytes", len(data))
	}
}

func content2(s string, n int) host.Content { return host.Content(strings.Repeat(s, n)) }

func TestRecorderIsConcurrent(t *testing.T) {
	base := host.FromFiles(linux, nil, map[string]string{"/a/b": "x"})
	base.Procs = sampleFixture().Procs
	rec := host.Record(base, host.Limits{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 50 {
				rec.ReadFile("/a/b")
				rec.Lstat(fmt.Sprintf("/a/%d", i))
				list, _ := rec.Processes()
				list[0].Environ()
				rec.Run(context.Background(), host.Command{Path: "/a/b"})
				rec.Fixture().ReadDir("/a")
			}
		})
	}
	wg.Wait()
	if n := len(rec.Fixture().Runs); n != 1 {
		t.Errorf("%d runs are recorded", n)
	}
}

// TestRecorderStrangeTimes: a file may have a year that JSON cannot have.
func TestRecorderStrangeTimes(t *testing.T) {
	base := host.FromFiles(linux, nil, nil)
	base.Add("/x", host.File{Info: &host.Info{ModTime: time.Unix(1<<60, 0)}})
	rec := host.Record(base, host.Limits{})
	rec.Lstat("/x")
	if _, err := json.Marshal(rec.Fixture()); err != nil {
		t.Error(err)
	}
}

// askAll asks everything about a fixture that somebody else made.
func askAll(f *host.Fixture) {
	names := []string{"/", "/a/b", `C:\a`, "x"}
	for name, file := range f.Files {
		names = append(names, name, name+"/x", name+"/../y")
		if file != nil && file.Link != nil {
			names = append(names, *file.Link)
		}
	}
	for _, name := range names[:min(len(names), 50)] {
		f.ReadFile(name)
		f.ReadDir(name)
		host.Stat(f, name)
		host.EvalSymlinks(f, name)
		host.LookPath(f, "x", name, "/")
	}
	for _, r := range f.Runs {
		f.Run(context.Background(), r.Command)
	}
	if list, err := f.Processes(); err == nil {
		for _, p := range list {
			if p.Environ != nil {
				p.Environ()
			}
		}
	}
}

func FuzzFixtureJSON(f *testing.F) {
	data, err := json.Marshal(sampleFixture())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"schema":"goready.host/v1","platform":{"OS":"windows"},"closed":true,"files":{"C:\\a":{"link":"..\\a"},"\\??\\":null,"/":{}}}`))
	f.Add([]byte(`{"schema":"goready.host/v1","files":{"/a":{"link":"a/a/a"},"/b":{"link":""},"/c":{"link":"/"},"/d":{"entries":[{}]}},"processes":{"list":[{}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture := &host.Fixture{}
		if json.Unmarshal(data, fixture) != nil {
			return
		}
		askAll(fixture)
		again, err := json.Marshal(fixture)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		reread := &host.Fixture{}
		if err := json.Unmarshal(again, reread); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if last, err := json.Marshal(reread); err != nil || string(last) != string(again) {
			t.Errorf("written again it is %s, was %s", last, again)
		}
	})
}

// TestHostileFixtures are bounded in time: each would take minutes or all memory if done naively.
func TestHostileFixtures(t *testing.T) {
	deep := strings.Repeat("/a", 500_000)
	f := host.FromFiles(linux, nil, map[string]string{deep: "x"})
	f.Add("/l", host.File{Link: new("l" + deep)})
	f.Add("/m", host.File{Link: new("/m" + strings.Repeat("/../m", 1000))})
	for i := range 2000 {
		f.Add(fmt.Sprintf("/%d%s", i, strings.Repeat("/b", 2000)), host.File{Content: content("")})
	}
	askAll(f)
	for _, name := range []string{deep, "/l", "/m/x", "/l/x"} {
		if _, err := f.ReadFile(name); err == nil {
			t.Errorf("%.20s can be read", name)
		}
	}
}
