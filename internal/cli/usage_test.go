package cli

import (
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
)

// TestUsage: what is asked wrongly is said, with its exit status.
func TestUsage(t *testing.T) {
	linux := host.Platform{OS: "linux", Arch: "amd64"}
	tests := []struct {
		name, args string
		status     Status
		want       string // in what goes to stderr
	}{
		{"negative_limit", "doctor --timeout -5s", Usage, "--timeout: -5s is no time limit"},
		{"nothing_left", "doctor --skip go,env,shell", Usage, "--skip leaves no check to run"},
		{"nothing_left_of_one", "doctor env.goflags --skip env.goflags", Usage, "--skip leaves no check to run"},
		{"absent_consumer", "doctor --consumer vscode-gopls", Incomplete, "there is no consumer vscode-gopls: no VS Code was found"},
		{"one_of_two_absent", "doctor --consumer vscode-gopls,current --fail-on never", OK, "there is no consumer vscode-gopls"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := host.FromFiles(linux, []string{"HOME=/home/u", "PATH=/usr/bin", "SHELL=/bin/sh"}, map[string]string{"/home/u/app/go.mod": "module example.com/app\n"})
			var stdout, stderr strings.Builder
			status := Main(t.Context(), Program{Host: h, Args: strings.Fields(tt.args), Dir: func() (string, error) { return "/home/u/app", nil },
				Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr})
			if Status(status) != tt.status || !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("status %d, stderr %q; want %d, %q", status, stderr.String(), tt.status, tt.want)
			}
		})
	}
}

// TestLanguageOfLocale: Chinese is for terminals that can show it.
func TestLanguageOfLocale(t *testing.T) {
	for locale, want := range map[string]string{"zh_CN.UTF-8": "zh-CN", "zh_CN.utf8": "zh-CN", "zh_CN": "zh-CN", "zh_CN.GBK": "en", "zh_CN.gb18030@x": "en", "de_DE.UTF-8": "en", "": "en"} {
		h := host.FromFiles(host.Platform{OS: "linux"}, []string{"LANG=" + locale}, nil)
		l, err := (&app{Program: Program{Host: h}, own: h}).language()
		if err != nil || string(l) != want {
			t.Errorf("%q: %s, %v; want %s", locale, l, err, want)
		}
	}
}
