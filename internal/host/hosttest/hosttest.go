// Package hosttest is the contract of host.Host as a test: [TestHost] runs it against any implementation.
//
// Its one invariant: a case is asked of a real machine's files, and what it demands does not depend on which Host
// answers. The package makes the files in a temporary folder; it does not test what only one implementation has.
package hosttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/testreq"
)

// Setup is what a case is about. Make may use it to prepare the Host.
type Setup struct {
	// Root is a directory, with all links followed, that has the files of the case.
	Root string
	// Ask asks h every question that the case will ask of the Host under test, and ignores the answers.
	Ask func(h host.Host)
}

// Make returns the Host to test for one case. Everything that s.Root has, and the processes that Ask is about, are
// there until the case ends; a Host that does not depend on them may remove Root.
type Make func(t *testing.T, s Setup) host.Host

// reporter is the part of testing.T that cases use; when a case only asks, it is deaf.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

type deaf struct{}

func (deaf) Helper()               {}
func (deaf) Errorf(string, ...any) {}

// contract is one case: files to make, and questions with the answers they must have.
type contract struct {
	name  string
	make  func(t *testing.T, root string)
	check func(r reporter, h host.Host, root string)
}

// TestHost runs the contract of host.Host.
func TestHost(t *testing.T, newHost Make) {
	for _, c := range slices.Concat(files(), lookups(), programs()) {
		t.Run(c.name, func(t *testing.T) { c.run(t, newHost) })
	}
	t.Run("denied", func(t *testing.T) { AsOrdinaryUser(t, func(t *testing.T) { denied().run(t, newHost) }) })
	t.Run("processes", func(t *testing.T) { testProcesses(t, newHost) })
}

func (c contract) run(t *testing.T, newHost Make) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c.make(t, root)
	ask := func(h host.Host) { c.check(deaf{}, h, root) }
	c.check(t, newHost(t, Setup{Root: root, Ask: ask}), root)
}

// Recorded returns a Make for what base records while the questions of the case are asked, after a way through JSON.
// The files are gone by then, so that nothing can be answered from them.
func Recorded(base Make) Make {
	return func(t *testing.T, s Setup) host.Host {
		t.Helper()
		rec := host.Record(base(t, s), host.Limits{File: 3 << 20})
		s.Ask(rec)
		data, err := json.Marshal(rec.Fixture())
		if err != nil {
			t.Fatal(err)
		}
		f := &host.Fixture{}
		if err := json.Unmarshal(data, f); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(s.Root, s.Root+".gone"); err != nil {
			t.Fatal(err)
		}
		return f
	}
}

// files are the cases about files. It is long because it is a table: each case has its files and its questions.
func files() []contract {
	return []contract{
		{"regular_file", write("a/b.txt", "one\x00two\xff\n"), func(r reporter, h host.Host, root string) {
			name := join(root, "a/b.txt")
			wantFile(r, h, name, "one\x00two\xff\n")
			info, err := h.Lstat(name)
			if err != nil || !info.Mode.IsRegular() || info.Size != 9 || info.ModTime.IsZero() {
				r.Errorf("Lstat(%s) = %+v, %v", name, info, err)
			}
			_, err = h.ReadLink(name)
			wantOther(r, "ReadLink of a file", err)
			_, err = h.ReadDir(name)
			wantOther(r, "ReadDir of a file", err)
		}},
		{"empty_file_and_directory", func(t *testing.T, root string) {
			write("empty", "")(t, root)
			mkdir(t, join(root, "dir"))
		}, func(r reporter, h host.Host, root string) {
			wantFile(r, h, join(root, "empty"), "")
			list, err := h.ReadDir(join(root, "dir"))
			if err != nil || len(list) != 0 {
				r.Errorf("ReadDir of an empty directory = %v, %v", list, err)
			}
		}},
		{"absent", write("file", "x"), func(r reporter, h host.Host, root string) {
			for _, name := range []string{"none", "none/below", "file/below", "file/below/more"} {
				absent(r, h, join(root, name))
			}
		}},
		{"directory", func(t *testing.T, root string) {
			for _, name := range []string{"dir/b", "dir/a", "dir/C", "dir/sub/x"} {
				write(name, name)(t, root)
			}
		}, func(r reporter, h host.Host, root string) {
			dir := join(root, "dir")
			list, err := h.ReadDir(dir)
			want := []host.Entry{{Name: "C"}, {Name: "a"}, {Name: "b"}, {Name: "sub", Type: fs.ModeDir}}
			if err != nil || !slices.Equal(list, want) {
				r.Errorf("ReadDir = %v, %v", list, err)
			}
			_, err = h.ReadFile(dir)
			wantOther(r, "ReadFile of a directory", err)
			if info, err := h.Lstat(dir); err != nil || !info.Mode.IsDir() {
				r.Errorf("Lstat of a directory = %+v, %v", info, err)
			}
		}},
		{"relative_name", func(*testing.T, string) {}, func(r reporter, h host.Host, _ string) {
			for _, name := range []string{"", "x", "./x"} {
				_, err := h.ReadFile(name)
				wantOther(r, "ReadFile of a relative name", err)
				_, err = h.Lstat(name)
				wantOther(r, "Lstat of a relative name", err)
			}
		}},
		{"registry", func(*testing.T, string) {}, func(r reporter, h host.Host, _ string) {
			if h.Platform().Windows() {
				return
			}
			for _, name := range []string{host.RegistryUser, host.RegistryMachine} {
				_, err := h.ReadFile(name)
				wantIs(r, "ReadFile of the registry", err, fs.ErrNotExist)
			}
		}},
		{"sparse_and_huge", func(t *testing.T, root string) {
			sparse(t, join(root, "just"), host.MaxFile)
			sparse(t, join(root, "above"), host.MaxFile+1)
			sparse(t, join(root, "huge"), 1<<40)
		}, func(r reporter, h host.Host, root string) {
			for _, name := range []string{"above", "huge"} {
				_, err := h.ReadFile(join(root, name))
				wantIs(r, "ReadFile of "+name, err, host.ErrTooLarge)
			}
			// A recording may keep less than MaxFile, but then says so.
			if data, err := h.ReadFile(join(root, "just")); len(data) != host.MaxFile && !errors.Is(err, host.ErrTooLarge) {
				r.Errorf("ReadFile of MaxFile bytes = %d bytes, %v", len(data), err)
			}
		}},
		{"heads", func(t *testing.T, root string) {
			write("short", "#!/bin/sh\n")(t, root)
			write("long", strings.Repeat("0123456789", 100))(t, root)
			write("empty", "")(t, root)
			sparse(t, join(root, "huge"), 1<<40)
			symlink(t, "long", join(root, "link"))
			mkdir(t, join(root, "dir"))
		}, checkHeads},
		{"links", makeLinks, checkLinks},
		{"link_loops", func(t *testing.T, root string) {
			for from, to := range map[string]string{"a": "b", "b": "a", "self": "self", "deep": "deep/x"} {
				symlink(t, to, join(root, from))
			}
		}, func(r reporter, h host.Host, root string) {
			for _, name := range []string{"a", "self", "deep", "a/x", "self/x/y"} {
				_, err := h.ReadFile(join(root, name))
				wantOther(r, "ReadFile of loop "+name, err)
				_, err = host.Stat(h, join(root, name))
				wantOther(r, "Stat of loop "+name, err)
				_, err = host.EvalSymlinks(h, join(root, name))
				wantOther(r, "EvalSymlinks of loop "+name, err)
			}
			if target, err := h.ReadLink(join(root, "self")); target != "self" || err != nil {
				r.Errorf("ReadLink = %q, %v", target, err)
			}
		}},
		{"special_files", makeSpecial, func(r reporter, h host.Host, root string) {
			for _, name := range []string{join(root, "fifo"), join(root, "to-fifo"), "/dev/zero", "/dev/null", "/dev/tty"} {
				if h.Platform().Windows() {
					return
				}
				_, err := h.ReadFile(name)
				wantOther(r, "ReadFile of "+name, err)
				_, err = h.ReadDir(name)
				wantOther(r, "ReadDir of "+name, err)
			}
			if info, err := h.Lstat(join(root, "fifo")); err != nil || info.Mode.Type() != fs.ModeNamedPipe {
				r.Errorf("Lstat of a named pipe = %+v, %v", info, err)
			}
		}},
		{"strange_names", func(t *testing.T, root string) {
			for _, name := range strangeNames() {
				write(name, name)(t, root)
			}
		}, func(r reporter, h host.Host, root string) {
			list, err := h.ReadDir(root)
			if len(list) != len(strangeNames()) || err != nil {
				r.Errorf("ReadDir = %d entries, %v", len(list), err)
			}
			for _, name := range strangeNames() {
				wantFile(r, h, join(root, name), name)
				if !slices.ContainsFunc(list, func(e host.Entry) bool { return e.Name == name }) {
					r.Errorf("%q is not listed", name)
				}
			}
		}},
	}
}

// strangeNames are names that a system may have and JSON may not.
func strangeNames() []string {
	if runtime.GOOS != "linux" {
		return []string{"a b", "ü", "base64:eA=="}
	}
	return []string{"a b", "ü", "new\nline", "\xff\xfe", "base64:eA==", `back\slash`, "...", " ", "\u2028"}
}

// checkHeads asks for the long file by its link and in one order only, because a recording has one answer for a name.
func checkHeads(r reporter, h host.Host, root string) {
	long := strings.Repeat("0123456789", 100)
	for _, c := range []struct {
		name string
		n    int
		want string
	}{
		{"short", 2, "#!"}, {"short", 100, "#!/bin/sh\n"}, {"short", 0, ""}, {"short", -1, ""},
		{"empty", 10, ""}, {"long", 15, long[:15]}, {"link", 1 << 20, long[:host.MaxHead]}, {"huge", 3, "\x00\x00\x00"},
	} {
		if got, err := host.Head(h, join(root, c.name), c.n); err != nil || string(got) != c.want {
			r.Errorf("Head(%s, %d) = %q, %v, want %q", c.name, c.n, got, err, c.want)
		}
	}
	_, err := host.Head(h, join(root, "dir"), 10)
	wantOther(r, "Head of a directory", err)
	_, err = host.Head(h, join(root, "none"), 10)
	wantIs(r, "Head of nothing", err, fs.ErrNotExist)
	_, err = host.Head(h, "relative", 10)
	wantOther(r, "Head of a relative name", err)
	if !h.Platform().Windows() {
		_, err = host.Head(h, "/dev/zero", 10)
		wantOther(r, "Head of a device", err)
	}
}

func makeLinks(t *testing.T, root string) {
	write("real/dir/file", "x")(t, root)
	write("other/up", "y")(t, root)
	for from, to := range map[string]string{
		"link":         "real/dir/file",
		"abs":          join(root, "real/dir/file"),
		"dirlink":      "real/dir",
		"real/dir/up":  "../../other",
		"chain":        "dirlink",
		"dangling":     "real/none",
		"through-file": "real/dir/file/x",
	} {
		symlink(t, to, join(root, from))
	}
}

func checkLinks(r reporter, h host.Host, root string) {
	for _, name := range []string{"link", "abs", "dirlink/file", "chain/file", "chain/../dir/file", "chain/up/../real/dir/file"} {
		wantFile(r, h, root+"/"+name, "x")
		info, err := host.Stat(h, root+"/"+name)
		if err != nil || !info.Mode.IsRegular() {
			r.Errorf("Stat(%s) = %+v, %v", name, info, err)
		}
		real, err := host.EvalSymlinks(h, root+"/"+name)
		if err != nil || real != join(root, "real/dir/file") {
			r.Errorf("EvalSymlinks(%s) = %s, %v", name, real, err)
		}
	}
	wantFile(r, h, join(root, "chain/up/up"), "y")
	if info, err := host.Stat(h, join(root, "chain/up")); err != nil || !info.Mode.IsDir() {
		r.Errorf("Stat of a link in a linked directory = %+v, %v", info, err)
	}
	if info, err := h.Lstat(join(root, "link")); err != nil || info.Mode.Type() != fs.ModeSymlink {
		r.Errorf("Lstat of a link = %+v, %v", info, err)
	}
	if target, err := h.ReadLink(join(root, "dirlink/up")); target != "../../other" || err != nil {
		r.Errorf("ReadLink = %q, %v", target, err)
	}
	if list, err := h.ReadDir(join(root, "chain")); len(list) != 2 || err != nil {
		r.Errorf("ReadDir of a link = %v, %v", list, err)
	}
	for _, name := range []string{"dangling", "through-file"} {
		_, err := h.ReadFile(join(root, name))
		wantIs(r, "ReadFile of "+name, err, fs.ErrNotExist)
		_, err = host.Stat(h, join(root, name))
		wantIs(r, "Stat of "+name, err, fs.ErrNotExist)
		if _, err := h.Lstat(join(root, name)); err != nil {
			r.Errorf("Lstat(%s): %v", name, err)
		}
	}
}

// denied is run as a user who is not root: root may read everything.
func denied() contract {
	return contract{"denied", func(t *testing.T, root string) {
		write("file", "x")(t, root)
		write("closed/inside", "x")(t, root)
		write("listless/inside", "x")(t, root)
		chmod(t, join(root, "file"), 0)
		chmod(t, join(root, "closed"), 0)
		chmod(t, join(root, "listless"), 0o100)
		t.Cleanup(func() {
			for _, dir := range []string{root, root + ".gone"} {
				os.Chmod(join(dir, "closed"), 0o700)
				os.Chmod(join(dir, "listless"), 0o700)
			}
		})
	}, func(r reporter, h host.Host, root string) {
		_, err := h.ReadFile(join(root, "file"))
		wantIs(r, "ReadFile of a closed file", err, fs.ErrPermission)
		if _, err := h.Lstat(join(root, "file")); err != nil {
			r.Errorf("Lstat of a closed file: %v", err)
		}
		for _, name := range []string{"closed/inside", "closed/none"} {
			_, err = h.ReadFile(join(root, name))
			wantIs(r, "ReadFile in a closed directory", err, fs.ErrPermission)
			_, err = h.Lstat(join(root, name))
			wantIs(r, "Lstat in a closed directory", err, fs.ErrPermission)
			_, err = h.ReadDir(join(root, name))
			wantIs(r, "ReadDir in a closed directory", err, fs.ErrPermission)
		}
		_, err = h.ReadDir(join(root, "closed"))
		wantIs(r, "ReadDir of a closed directory", err, fs.ErrPermission)
		_, err = h.ReadDir(join(root, "listless"))
		wantIs(r, "ReadDir of a directory without r", err, fs.ErrPermission)
		wantFile(r, h, join(root, "listless/inside"), "x")
		absent(r, h, join(root, "listless/none"))
		_, err = h.Run(context.Background(), host.Command{Path: join(root, "file")})
		wantIs(r, "Run of a file without x", err, fs.ErrPermission)
	}}
}

func lookups() []contract {
	return []contract{
		{"search_path", func(t *testing.T, root string) {
			for _, name := range []string{"one/plain", "two/tool", "three/tool", "dir/sub/x", "here"} {
				program(t, join(root, name))
			}
			write("one/tool", "not a program")(t, root)
			mkdir(t, join(root, "one/sub"))
			symlink(t, "../two/tool", join(root, "one/link"))
			symlink(t, "nowhere", join(root, "one/broken"))
			symlink(t, "broken-loop", join(root, "broken-loop"))
		}, checkSearchPath},
		{"long_search_path", func(t *testing.T, root string) {
			mkdir(t, join(root, "exists"))
			program(t, join(root, "last/tool"))
		}, func(r reporter, h host.Host, root string) {
			p := h.Platform()
			var entries []string
			for i := range 250 {
				entries = append(entries, join(root, "none"+strconv.Itoa(i)), join(root, "exists"))
			}
			path := strings.Join(append(entries, join(root, "last")), p.ListSeparator())
			if got, err := host.LookPath(h, tool("tool"), path, root); err != nil || got != join(root, tool("last/tool")) {
				r.Errorf("LookPath = %q, %v", got, err)
			}
			_, err := host.LookPath(h, "absent", path, root)
			wantIs(r, "LookPath of what is nowhere", err, fs.ErrNotExist)
		}},
	}
}

func checkSearchPath(r reporter, h host.Host, root string) {
	p := h.Platform()
	list := func(dirs ...string) string {
		for i, dir := range dirs {
			if dir != "" && dir != "." && dir != "two" {
				dirs[i] = join(root, dir)
			}
		}
		return strings.Join(dirs, p.ListSeparator())
	}
	type search struct{ file, path, dir, want string }
	tests := []search{
		{"tool", list("none", "one/tool", "one", "dir", "broken-loop", join("", "three")), root, "three/tool"},
		{"tool", list("two", "three"), root, "two/tool"}, // relative to root
		{"link", list("one"), root, "one/link"},
		{"broken", list("one"), root, ""},
		{"sub", list("dir", "one"), root, ""},
		{"absent", list("one", "three"), root, ""},
		{"tool", "", root, ""},
		{"", list("one"), root, ""},
		{join(root, "two/tool"), "", root, "two/tool"},
		{join(root, "one/sub"), "", root, ""},
		{"./tool", list("three"), join(root, "two"), "two/tool"},
		{"sub/x", list("one"), join(root, "dir"), "dir/sub/x"},
	}
	if !p.Windows() {
		tests = append(tests, search{"here", list("one", "", "three"), root, "here"}, search{"here", list("."), root, "here"},
			search{"tool", list("one", "two"), root, "two/tool"})
	}
	for _, tt := range tests {
		got, err := host.LookPath(h, tool(tt.file), tt.path, tt.dir)
		if tt.want == "" {
			if err == nil {
				r.Errorf("LookPath(%q, %q) = %q", tt.file, tt.path, got)
			} else if tt.file != join(root, "one/sub") {
				wantIs(r, fmt.Sprintf("LookPath(%q, %q)", tt.file, tt.path), err, fs.ErrNotExist)
			}
			continue
		}
		if want := join(root, tool(tt.want)); err != nil || p.Clean(got) != want {
			r.Errorf("LookPath(%q, %q) = %q, %v, want %q", tt.file, tt.path, got, err, want)
		}
	}
}

// AsOrdinaryUser runs f as a user who is not root: here, or if this is root, in a second process of this test, which
// then has the name of t and the user id of nobody.
func AsOrdinaryUser(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if runtime.GOOS == "windows" {
		testreq.Missing(t, "users without rights need another account on Windows")
	}
	if os.Geteuid() != 0 {
		f(t)
		return
	}
	dir := t.TempDir()
	chmod(t, filepath.Dir(dir), 0o711) // it is of this test too
	chmod(t, dir, 0o777)
	exe := copySelf(t, dir)
	name := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	cmd := exec.Command(exe, "-test.run="+name, "-test.v")
	cmd.Env = []string{"TMPDIR=" + dir, "HOME=" + dir, "PATH=" + os.Getenv("PATH"), "GOREADY_REQUIRE=" + os.Getenv("GOREADY_REQUIRE")}
	cmd.Dir = "/"
	asNobody(cmd)
	out, err := cmd.CombinedOutput()
	if errors.Is(err, fs.ErrPermission) {
		testreq.Missing(t, fmt.Sprintf("cannot run %s as another user: %v", exe, err))
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("as another user: %v\n%s", err, out)
	}
}

func copySelf(t *testing.T, dir string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, filepath.Base(self))
	if err := os.WriteFile(name, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

func write(name, text string) func(t *testing.T, root string) {
	return func(t *testing.T, root string) {
		t.Helper()
		file := join(root, name)
		mkdir(t, filepath.Dir(file))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// tool returns the file name of the program name.
func tool(name string) string {
	if runtime.GOOS == "windows" && name != "" {
		return name + ".exe"
	}
	return name
}

func program(t *testing.T, name string) {
	t.Helper()
	write(filepath.Base(tool(name)), "#!/bin/sh\n")(t, filepath.Dir(name))
	chmod(t, tool(name), 0o755)
}

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, name string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(filepath.FromSlash(target), name); err != nil {
		testreq.Missing(t, "no right to make symbolic links: "+err.Error())
	}
}

func sparse(t *testing.T, name string, size int64) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		testreq.Missing(t, "no sparse files here: "+err.Error())
	}
}

func join(root, name string) string { return filepath.Join(root, filepath.FromSlash(name)) }

func wantFile(r reporter, h host.Host, name, want string) {
	r.Helper()
	if data, err := h.ReadFile(name); err != nil || string(data) != want {
		r.Errorf("ReadFile(%s) = %.50q, %v, want %.50q", name, data, err, want)
	}
}

// absent demands that every question about name says that it does not exist.
func absent(r reporter, h host.Host, name string) {
	r.Helper()
	_, err := h.ReadFile(name)
	wantIs(r, "ReadFile("+name+")", err, fs.ErrNotExist)
	_, err = h.ReadDir(name)
	wantIs(r, "ReadDir("+name+")", err, fs.ErrNotExist)
	_, err = h.Lstat(name)
	wantIs(r, "Lstat("+name+")", err, fs.ErrNotExist)
	_, err = h.ReadLink(name)
	wantIs(r, "ReadLink("+name+")", err, fs.ErrNotExist)
	_, err = host.EvalSymlinks(h, name)
	wantIs(r, "EvalSymlinks("+name+")", err, fs.ErrNotExist)
}

func sentinels() []error {
	return []error{fs.ErrNotExist, fs.ErrPermission, host.ErrUnknown, host.ErrTooLarge}
}

// wantIs demands that err matches want and no other sentinel.
func wantIs(r reporter, what string, err, want error) {
	r.Helper()
	for _, s := range sentinels() {
		if errors.Is(err, s) != (s == want) {
			r.Errorf("%s: error is %v, want %v", what, err, want)
			return
		}
	}
}

// wantOther demands an error that matches no sentinel.
func wantOther(r reporter, what string, err error) {
	r.Helper()
	if err == nil {
		r.Errorf("%s: no error", what)
	}
	for _, s := range sentinels() {
		if errors.Is(err, s) {
			r.Errorf("%s: error is %v", what, err)
		}
	}
}
