package host_test

import (
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
)

var (
	linux   = host.Platform{OS: "linux", Arch: "amd64"}
	windows = host.Platform{OS: "windows", Arch: "amd64"}
)

// The cases are those of path/filepath's own tests for Windows (path_test.go of Go 1.26).
func TestCleanWindows(t *testing.T) {
	tests := [][2]string{
		{"", `.`}, {"abc/def/", `abc\def`}, {"abc//./../def", `def`}, {"/abc/def/../../..", `\`}, {"../../abc", `..\..\abc`},
		{"abc/def/../../../ghi/jkl/../../../mno", `..\..\mno`}, {"a/../b:/../../c", `..\c`},
		{`c:`, `c:.`}, {`c:\`, `c:\`}, {`c:\abc`, `c:\abc`}, {`c:abc\..\..\.\.\..\def`, `c:..\..\def`},
		{`c:\abc\def\..\..`, `c:\`}, {`c:\..\abc`, `c:\abc`}, {`c:..\abc`, `c:..\abc`}, {`c:\b:\..\..\..\d`, `c:\d`},
		{`\`, `\`}, {`/`, `\`}, {`\\i\..\c$`, `\\i\..\c$`}, {`\\i\..\i\c$`, `\\i\..\i\c$`}, {`\\i\..\I\c$`, `\\i\..\I\c$`},
		{`\\host\share\foo\..\bar`, `\\host\share\bar`}, {`//host/share/foo/../baz`, `\\host\share\baz`},
		{`\\host\share\foo\..\..\..\..\bar`, `\\host\share\bar`}, {`\\.\C:\a\..\..\..\..\bar`, `\\.\C:\bar`},
		{`\\.\C:\\\\a`, `\\.\C:\a`}, {`\\a\b\..\c`, `\\a\b\c`}, {`\\a\b`, `\\a\b`}, {`.\c:`, `.\c:`}, {`.\c:\foo`, `.\c:\foo`},
		{`.\c:foo`, `.\c:foo`}, {`//abc`, `\\abc`}, {`///abc`, `\\\abc`}, {`//abc//`, `\\abc\\`}, {`\\?\C:\`, `\\?\C:\`},
		{`\\?\C:\a`, `\\?\C:\a`}, {`a/../c:`, `.\c:`}, {`a\..\c:`, `.\c:`}, {`a/../c:/a`, `.\c:\a`}, {`a/../../c:`, `..\c:`},
		{`foo:bar`, `foo:bar`}, {`/a/../??/a`, `\.\??\a`},
	}
	for _, tt := range tests {
		if got := windows.Clean(tt[0]); got != tt[1] {
			t.Errorf("Clean(%q) = %q, want %q", tt[0], got, tt[1])
		}
	}
}

func TestJoinWindows(t *testing.T) {
	tests := []struct {
		elem []string
		want string
	}{
		{nil, ""}, {[]string{""}, ""}, {[]string{"", ""}, ""}, {[]string{"", "b"}, "b"}, {[]string{"a/", ""}, "a"},
		{[]string{`directory`, `file`}, `directory\file`}, {[]string{`C:\Windows\`, `System32`}, `C:\Windows\System32`},
		{[]string{`C:\Windows\`, ``}, `C:\Windows`}, {[]string{`C:\`, `Windows`}, `C:\Windows`}, {[]string{`C:`, `a`}, `C:a`},
		{[]string{`C:`, `a\b`}, `C:a\b`}, {[]string{`C:`, `a`, `b`}, `C:a\b`}, {[]string{`C:`, ``, `b`}, `C:b`},
		{[]string{`C:`, ``, ``, `b`}, `C:b`}, {[]string{`C:`, ``}, `C:.`}, {[]string{`C:`, ``, ``}, `C:.`},
		{[]string{`C:`, `\a`}, `C:\a`}, {[]string{`C:`, ``, `\a`}, `C:\a`}, {[]string{`C:.`, `a`}, `C:a`},
		{[]string{`C:a`, `b`}, `C:a\b`}, {[]string{`C:a`, `b`, `d`}, `C:a\b\d`}, {[]string{`\\host\share`, `foo`}, `\\host\share\foo`},
		{[]string{`\\host\share\foo`}, `\\host\share\foo`}, {[]string{`//host/share`, `foo/bar`}, `\\host\share\foo\bar`},
		{[]string{`\`}, `\`}, {[]string{`\`, ``}, `\`}, {[]string{`\`, `a`}, `\a`}, {[]string{`\\`, `a`}, `\\a`},
		{[]string{`\`, `a`, `b`}, `\a\b`}, {[]string{`\\`, `a`, `b`}, `\\a\b`}, {[]string{`\`, `\\a\b`, `c`}, `\a\b\c`},
		{[]string{`\\a`, `b`, `c`}, `\\a\b\c`}, {[]string{`\\a\`, `b`, `c`}, `\\a\b\c`}, {[]string{`//`, `a`}, `\\a`},
		{[]string{`a:\b\c`, `x\..\y:\..\..\z`}, `a:\b\z`}, {[]string{`\`, `??\a`}, `\.\??\a`},
	}
	for _, tt := range tests {
		if got := windows.Join(tt.elem...); got != tt.want {
			t.Errorf("Join(%q) = %q, want %q", tt.elem, got, tt.want)
		}
	}
}

func TestDirBaseWindows(t *testing.T) {
	dirs := [][2]string{
		{"", "."}, {"/.", `\`}, {"/foo", `\`}, {"x/", "x"}, {"abc/def", "abc"}, {"a/b/.x", `a\b`},
		{`c:\`, `c:\`}, {`c:.`, `c:.`}, {`c:\a\b`, `c:\a`}, {`c:a\b`, `c:a`}, {`c:a\b\c`, `c:a\b`}, {`\\host\share`, `\\host\share`},
		{`\\host\share\`, `\\host\share\`}, {`\\host\share\a`, `\\host\share\`}, {`\\host\share\a\b`, `\\host\share\a`}, {`\\\\`, `\\\\`},
	}
	for _, tt := range dirs {
		if got := windows.Dir(tt[0]); got != tt[1] {
			t.Errorf("Dir(%q) = %q, want %q", tt[0], got, tt[1])
		}
	}
	bases := [][2]string{
		{"", "."}, {"/.", "."}, {"////", `\`}, {"x/", "x"}, {"a/b/c.", "c."},
		{`c:\`, `\`}, {`c:.`, `.`}, {`c:\a\b`, `b`}, {`c:a\b`, `b`}, {`c:a\b\c`, `c`}, {`\\host\share\`, `\`},
		{`\\host\share\a`, `a`}, {`\\host\share\a\b`, `b`},
	}
	for _, tt := range bases {
		if got := windows.Base(tt[0]); got != tt[1] {
			t.Errorf("Base(%q) = %q, want %q", tt[0], got, tt[1])
		}
	}
}

func TestIsAbsWindows(t *testing.T) {
	tests := map[string]bool{
		"": false, "/usr/bin/gcc": false, `C:\`: true, `c\`: false, `c::`: false, `c:`: false, `/`: false, `\`: false,
		`\Windows`: false, `c:a\b`: false, `c:\a\b`: true, `c:/a/b`: true, `\\host\share`: true, `\\host\share\`: true,
		`\\host\share\foo`: true, `//host/share/foo/bar`: true, `\\?\a\b\c`: true, `\??\a\b\c`: true,
		host.RegistryUser: false, host.RegistryMachine: false,
	}
	for name, want := range tests {
		if got := windows.IsAbs(name); got != want {
			t.Errorf("IsAbs(%q) = %v", name, got)
		}
	}
}

func TestSplitListWindows(t *testing.T) {
	tests := map[string][]string{
		``: nil, `a;b`: {`a`, `b`}, `;a;b`: {``, `a`, `b`}, `"a"`: {`a`}, `";"`: {`;`}, `"a;b"`: {`a;b`}, `";";`: {`;`, ``},
		`;";"`: {``, `;`}, `a";"b`: {`a;b`}, `a; ""b`: {`a`, ` b`}, `"a;b`: {`a;b`}, `""a;b`: {`a`, `b`}, `"""a;b`: {`a;b`},
		`""""a;b`: {`a`, `b`}, `a";b`: {`a;b`}, `a;b";c`: {`a`, `b;c`}, `"a";b";c`: {`a`, `b;c`},
	}
	for list, want := range tests {
		if got := windows.SplitList(list); !slices.Equal(got, want) {
			t.Errorf("SplitList(%q) = %q, want %q", list, got, want)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		p         host.Platform
		dir, name string
		want      bool
	}{
		{linux, "/home/u", "/home/u", true}, {linux, "/home/u/", "/home/u/go", true}, {linux, "/home/u", "/home/user", false},
		{linux, "/home/u/go", "/home/u", false}, {linux, "", "/home", false}, {linux, "/home", "", false},
		{windows, `C:\Users\u`, `C:\Users\u\go`, true}, {windows, `C:\Users\u`, `C:\Users\u2`, false},
	} {
		if got := c.p.Within(c.dir, c.name); got != c.want {
			t.Errorf("%s: Within(%q, %q) = %v", c.p.OS, c.dir, c.name, got)
		}
	}
}

// TestAgainstFilepath compares the rules of Unix with path/filepath.
func TestAgainstFilepath(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("path/filepath has the rules of Windows here")
	}
	r := rand.New(rand.NewPCG(1, 2))
	tokens := []string{"/", "/", "/", ".", "..", "a", "b c", `\`, ":", "C:", "é"}
	random := func() string {
		var b strings.Builder
		for range r.IntN(9) {
			b.WriteString(tokens[r.IntN(len(tokens))])
		}
		return b.String()
	}
	for range 20000 {
		a, b, c := random(), random(), random()
		equal(t, "Clean", a, linux.Clean(a), filepath.Clean(a))
		equal(t, "Dir", a, linux.Dir(a), filepath.Dir(a))
		equal(t, "Base", a, linux.Base(a), filepath.Base(a))
		equal(t, "Join", a+","+b+","+c, linux.Join(a, b, c), filepath.Join(a, b, c))
		equal(t, "SplitList", a, strings.Join(linux.SplitList(a), "|"), strings.Join(filepath.SplitList(a), "|"))
		if linux.IsAbs(a) != filepath.IsAbs(a) {
			t.Errorf("IsAbs(%q) = %v", a, linux.IsAbs(a))
		}
	}
}

func equal(t *testing.T, what, in, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s(%q) = %q, want %q", what, in, got, want)
	}
}

func TestPlatformSeparators(t *testing.T) {
	for os, want := range map[string]string{"linux": "/:", "darwin": "/:", "windows": `\;`, "plan9": "/\x00"} {
		p := host.Platform{OS: os}
		if got := p.Separator() + p.ListSeparator(); got != want {
			t.Errorf("%s: %q, want %q", os, got, want)
		}
		if p.FoldCase() != (os == "windows") {
			t.Errorf("%s: FoldCase() = %v", os, p.FoldCase())
		}
	}
}

// FuzzCleanWindows checks that a clean name is clean, and absolute if it was. Names of the NT namespace (\??\x) and of
// a drive called "\" are left out: filepath.Clean adds a dot to them each time, and so do we.
func FuzzCleanWindows(f *testing.F) {
	for _, s := range []string{`c:a/../..`, `\\host\share\..`, `//./UNC/a/b/..`, `a\..\c:`, `\a\..\??\x`, `\\?\C:\`, `..\..`, `"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if slashed := strings.ReplaceAll(name, "/", `\`); strings.Contains(slashed, `\??`) || strings.Contains(slashed, `\:`) {
			t.Skip("names no file")
		}
		clean := windows.Clean(name)
		if again := windows.Clean(clean); again != clean {
			t.Errorf("Clean(%q) = %q, cleaned again %q", name, clean, again)
		}
		if windows.IsAbs(name) != windows.IsAbs(clean) {
			t.Errorf("Clean(%q) = %q, which changes whether it is absolute", name, clean)
		}
		windows.Dir(name)
		windows.Base(name)
		windows.Join(name, name)
	})
}
