package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// TestDoctorText: what people see, in the widths and languages they have.
func TestDoctorText(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  []string
		args []string
	}{
		{"text", nil, nil},
		{"text_verbose", nil, []string{"-v"}},
		{"text_quiet", nil, []string{"-q", "--severity", "info"}},
		{"text_chinese", nil, []string{"--lang", "zh-CN", "-v"}},
		{"text_ascii", []string{"LC_ALL=C"}, []string{"-v"}},
		{"text_colour", []string{"CLICOLOR_FORCE=1"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := runMadeUp(t, madeUpMachine(tt.env...), append([]string{"doctor"}, tt.args...)...)
			if r.stderr != "" {
				t.Error(r.stderr)
			}
			if tt.name != "text_colour" {
				harmless(t, r.stdout)
			}
			if tt.name == "text_ascii" && strings.ContainsFunc(r.stdout, func(r rune) bool { return r > 0x7e }) {
				t.Error("not only ASCII")
			}
			golden(t, tt.name, r.stdout)
		})
	}
	forced := runMadeUp(t, madeUpMachine("CLICOLOR_FORCE=1", "NO_COLOR=1"), "doctor").stdout
	if forced != runMadeUp(t, madeUpMachine(), "doctor").stdout {
		t.Error("NO_COLOR does not win over CLICOLOR_FORCE")
	}
}

// chineseFinding is one with long sentences in Chinese.
func chineseFinding() check.Finding {
	return check.Finding{Severity: check.Error, Object: "GOPROXY",
		Message: check.Message{Text: msg.New("%s", "变量 GOPROXY 的值“https://proxy.example.com|direct”中使用了竖线分隔符，因此任何错误（包括 404 以外的错误）都会继续查询下一项，私有模块的路径会被发送到公共代理。")},
		Cause:   msg.New("%s", "执行 go get git.example.com/team/lib 时，go 命令先询问公共代理；代理返回 502，go 命令随后直接访问代码仓库，耗时超过三十秒。"),
		Evidence: []check.Evidence{{Path: "/home/ana/.config/go/env", Line: 12, Text: "GOPROXY=https://proxy.example.com|direct # 由公司的初始化脚本写入，请勿修改"},
			{Path: "/home/ana/很长的目录名/又一个很长的目录名/settings.json", Line: 3, Text: `"go.toolsEnvVars": {"GOPROXY": "https://proxy.example.com|direct"}`}},
		Consumers: []string{"current", "shell-login", "shell-interactive", "vscode-terminal", "vscode-go", "vscode-gopls", "vscode-install", "vscode-test", "vscode-debug"},
		Steps: []check.Step{{Text: msg.New("%s", "改用逗号分隔，只在 404 和 410 时才查询下一项"), Command: `go env -w GOPROXY="https://proxy.example.com,direct"`},
			{Command: "printf x > /home/ana/.config/go/env\nprintf '%s' \"/home/ana/go\""}}}
}

// TestWidths prints on terminals of several widths, on which lines end at the edge.
func TestWidths(t *testing.T) {
	c := &check.Check{ID: "env.goproxy-syntax", Severity: check.Error, Title: msg.New("%s", "GOPROXY 的写法正确")}
	english := &check.Check{ID: "env.gobin", Severity: check.Warning, Title: msg.New("GOBIN is on PATH")}
	results := []check.Result{{Check: c, State: check.StateError, Finding: chineseFinding()},
		{Check: english, State: check.StateWarning, Finding: check.Finding{Severity: check.Warning, Message: check.Message{
			Text: msg.New("GOBIN is %q, which %s does not have on PATH: programs that go install writes are not found there", "/home/ana/bin", "vscode-gopls")},
			Evidence: []check.Evidence{{Path: "/home/ana/.profile", Line: 9, Text: "export GOBIN=$HOME/bin PATH=$PATH:/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games:/snap/bin # set by the installer"}},
			Steps:    []check.Step{{Text: msg.New("add it to PATH in %s, before the line that starts with %q, and log in again", "/home/ana/.profile", "case")}}}},
		{Check: &check.Check{ID: "go.version-age", Title: msg.New("%s", "Go 版本仍受支持，并且不是一年以前发布的版本，也不是预发布版本")}, State: check.StateOK}}
	f := &facts.Facts{Home: "/home/ana", Platform: host.Platform{OS: "linux"}, Now: time.Now()}
	for _, tt := range []struct {
		name  string
		width int
		lang  msg.Lang
	}{{"width_40", 40, msg.English}, {"width_80_chinese", 80, msg.Chinese}, {"width_200", 200, msg.English}} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			s := style{w: &out, lang: tt.lang, home: f.Home, sep: "/", width: tt.width, cuts: true}
			d := &diagnosis{wishes: &wishes{}, facts: f, results: results, report: check.NewReport("", f, 0, results), threshold: check.Info}
			for _, r := range d.worstFirst() {
				s.finding(r, nil, false, true)
				s.printf("\n")
			}
			s.rest(results)
			s.summary(d)
			golden(t, tt.name, out.String())
			for line := range strings.Lines(out.String()) {
				line = strings.TrimSuffix(line, "\n")
				fields := strings.Fields(line)
				if columns(line) > tt.width && len(fields) > 1 && !strings.Contains(line, "go env -w") && !strings.Contains(line, "printf") {
					t.Errorf("%d columns: %s", columns(line), line)
				}
			}
		})
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 10, ""},
		{"one two three", 7, "one two|three"},
		{"one  two\nthree", 40, "one two three"},
		{"averyveryverylongword x", 10, "averyveryverylongword|x"},
		{"环境变量很长", 5, "环境|变量|很长"},
		{"环境变量", 8, "环境变量"},
		{"设为空。然后", 6, "设为|空。然|后"},
		{"见（附录）说明", 5, "见|（附|录）|说明"},
		{"变量 GOPROXY 的值", 12, "变量 GOPROXY|的值"},
		{"变量GOPROXY的值", 11, "变量GOPROXY|的值"},
		{"a e\u0301e\u0301 b", 4, "a e\u0301e\u0301|b"},
	} {
		if got := strings.Join(wrap(tt.text, tt.width, tt.width), "|"); got != tt.want {
			t.Errorf("wrap(%q, %d) = %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

// FuzzWrap: nothing but blanks is lost, and a line that is too long cannot be broken.
func FuzzWrap(f *testing.F) {
	f.Add("环境变量 GOPROXY 的值（很长）", 7)
	f.Fuzz(func(t *testing.T, text string, width int) {
		if width < 1 || width > 1000 {
			return
		}
		squeeze := func(s string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(s) }
		lines := wrap(text, width, width)
		if squeeze(strings.Join(lines, "")) != squeeze(text) {
			t.Errorf("wrap(%q) = %q", text, lines)
		}
		for _, line := range lines {
			if unit, rest := nextUnit(line); columns(line) > width && rest != "" && unit != " " {
				t.Errorf("the line %q has %d columns and can be broken", line, columns(line))
			}
		}
	})
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int
		want  string
	}{{"abcdef", 6, "abcdef"}, {"abcdefg", 6, "abcde…"}, {"环境变量", 6, "环境…"}, {"环境变量", 7, "环境变…"}, {"", 3, ""}} {
		if got := cut(tt.text, tt.limit, "…"); got != tt.want || columns(got) > tt.limit {
			t.Errorf("cut(%q, %d) = %q, want %q", tt.text, tt.limit, got, tt.want)
		}
	}
}

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain 环境 é": "plain 环境 é", "a\tb": "a b", "\x1b[31m": `\x1b[31m`, "a\u202eb\u2066": `a\u202eb\u2066`, "\u0085\u009b": `\u0085\u009b`,
		"a\nb\r": `a\nb\r`, "\xff": `\xff`, "\U000e0001": `\U000e0001`, "\u2028": `\u2028`, "\ufeff": `\ufeff`,
	} {
		if got := visible(text); got != want {
			t.Errorf("visible(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestCommand: a shell expands ~ only where nothing quotes it.
func TestCommand(t *testing.T) {
	s := style{home: "/home/ana", sep: "/"}
	for command, want := range map[string]string{
		"rm -r /home/ana/go/bin":                     "rm -r ~/go/bin",
		`export PATH="/home/ana/go/bin:$PATH"`:       `export PATH="/home/ana/go/bin:$PATH"`,
		"go env -w GOBIN=/home/ana/bin /home/anabel": "go env -w GOBIN=/home/ana/bin /home/anabel",
		"rm 环境\x1b[2J":                               `rm 环境\x1b[2J`,
	} {
		if got := s.command(command); got != want {
			t.Errorf("command(%q) = %q, want %q", command, got, want)
		}
	}
}
