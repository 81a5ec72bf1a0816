package editor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

func testScope(folder int) Scope {
	s := window(map[string]string{
		"/w/x.code-workspace": `{"folders": [{"path": "a"}, {"path": "b", "name": "Bee"}], "settings": {"my.str": "v", "my.obj": {"a": 1}, "my.num": 5}}`,
	}, LoadInput{WorkspaceFile: "/w/x.code-workspace"})
	env := layer.FromList([]string{"HOME=/home/u", "X=x", "E=", "REF=${env:X}", "SELF=${env:SELF}", "P=${env:Q}", "Q=${env:P}"}, layer.OSEnv, "x", false)
	env.Add("U", layer.Set{Unknown: msg.New("only running the shell can tell")})
	c := s.scope(env, folder)
	return c
}

func TestSubstituteVSCode(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		unknown  bool
		folder   int
	}{
		{"plain", "plain", false, 0},
		{"${env:X}/${env:NO}/${env:E}", "x//", false, 0},
		{"${env:X:default}", "x", false, 0},
		{"${env:REF}", "x", false, 0},
		{"${env:SELF}", "${env:SELF}", false, 0},
		{"${env:P}", "", true, 0},
		{"${env:}", "${env:}", true, 0},
		{"a${env:U}b", "ab", true, 0},
		{"${workspaceFolder}/x", "/w/a/x", false, 0},
		{"${workspaceFolder}", "/w/b", false, 1},
		{"${workspaceFolder}", "${workspaceFolder}", true, -1},
		{"${workspaceFolder:Bee}", "/w/b", false, 0},
		{"${workspaceFolder:None}", "${workspaceFolder:None}", true, 0},
		{"${workspaceFolderBasename}${workspaceRootFolderName:Bee}", "ab", false, 0},
		{"${userHome}", "/home/u", false, 0},
		{"${pathSeparator}${/}", "//", false, 0},
		{"${config:my.str}${config:my.num}", "v5", false, 0},
		{"${config:my.obj}", "${config:my.obj}", true, 0},
		{"${config:none}", "${config:none}", true, 0},
		{"${file}", "${file}", true, 0},
		{"${fileDirname}/x", "${fileDirname}/x", true, 0},
		{"${command:pick}", "${command:pick}", true, 0},
		{"${input:x}", "${input:x}", true, 0},
		{"${nonsense}", "${nonsense}", false, 0},
		{"${localEnv:X}", "${localEnv:X}", false, 0},
		{"$X ${X", "$X ${X", false, 0},
		{"${a${env:X}}", "${a${env:X}}", false, 0},
		{"${env:\nX}", "${env:\nX}", false, 0},
	} {
		got := testScope(tt.folder).VSCode(tt.in)
		if got.Unknown.IsZero() == tt.unknown || got.Value != tt.want && !tt.unknown {
			t.Errorf("VSCode(%q) = %q, %q, want %q, unknown %v", tt.in, got.Value, got.Unknown, tt.want, tt.unknown)
		}
	}
}

func TestSubstituteExtension(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		unknown  bool
	}{
		{"${env:X}${env: X }${env:NO}", "xx", false},
		{"${env:}${env:X}", "${env:}x", false},
		{"${env:REF}", "${env:X}", false},
		{"${env:X", "${env:X", false},
		{"${env:${env:X}}", "}", false},
		{"${env:U}", "${env:U}", true},
		{"~", "/home/u", false},
		{"~/a/../b/", "/home/u/b/", false},
		{"~x", "/home/u/x", false},
		{"a~", "a~", false},
		{"  ", "  ", false},
		{"${workspaceFolder}:${workspaceRoot}:${workspaceFolderBasename}", "/w/a:/w/a:a", false},
		{"${userHome}${file}", "${userHome}${file}", false},
	} {
		got := testScope(0).Extension(tt.in)
		if got.Value != tt.want || got.Unknown.IsZero() == tt.unknown {
			t.Errorf("Extension(%q) = %q, %q, want %q, unknown %v", tt.in, got.Value, got.Unknown, tt.want, tt.unknown)
		}
	}
}

func TestSubstituteHome(t *testing.T) {
	s := Load(host.FromFiles(host.Platform{OS: "linux"}, nil, nil), LoadInput{})
	if got := s.scope(&layer.Env{}, -1).Extension("~/x"); got.Unknown.IsZero() {
		t.Errorf("~ without a home is %q", got.Value)
	}
	s = Load(host.FromFiles(host.Platform{OS: "linux"}, nil, nil), LoadInput{Home: "/passwd"})
	if got := s.scope(&layer.Env{}, -1).Extension("~/x"); got.Value != "/passwd/x" {
		t.Errorf("~ = %q", got.Value)
	}
}

func TestSubstituteBounded(t *testing.T) {
	var list []string
	list = append(list, "V0="+strings.Repeat("x", 100))
	for i := range 40 {
		from := fmt.Sprintf("${env:V%d}", i)
		list = append(list, fmt.Sprintf("V%d=%s%s", i+1, from, from))
	}
	s := window(nil, LoadInput{})
	c := s.scope(layer.FromList(list, layer.OSEnv, "x", false), -1)
	for _, in := range []string{"${env:V40}", strings.Repeat("${env:V0}", 100_000), strings.Repeat("${", 1<<20), strings.Repeat("${\n", 1<<18)} {
		if got := c.VSCode(in); len(got.Value) > 8*maxExpanded+len(in) {
			t.Errorf("%d bytes", len(got.Value))
		}
		if got := c.Extension(in); len(got.Value) > 8*maxExpanded+len(in) {
			t.Errorf("%d bytes", len(got.Value))
		}
	}
}

func FuzzSubstitute(f *testing.F) {
	for _, s := range []string{"${env:X}", "${workspaceFolder:A}", "${a${b}}", "~", "${env:REF}${config:my.str}", "${", "${env:${}}"} {
		f.Add(s)
	}
	c := testScope(0)
	d := DevContainer{Workspace: "/workspaces/x"}
	f.Fuzz(func(t *testing.T, in string) {
		c.VSCode(in)
		c.Extension(in)
		d.Substitute(c.Platform, in, c.Env, c.Env, "/w")
		if !strings.ContainsAny(in, "$~") {
			if got := c.VSCode(in); got.Value != in || !got.Unknown.IsZero() {
				t.Errorf("VSCode(%q) = %q", in, got.Value)
			}
			if got := c.Extension(in); got.Value != in || !got.Unknown.IsZero() {
				t.Errorf("Extension(%q) = %q", in, got.Value)
			}
		}
	})
}
