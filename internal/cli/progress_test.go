package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goready/goready/internal/host"
)

// slowHost is a machine whose programs take a minute, or until the context ends.
type slowHost struct{ host.Host }

func (slowHost) Run(ctx context.Context, _ host.Command) (host.Result, error) {
	<-ctx.Done()
	return host.Result{}, ctx.Err()
}

// runSlow starts a program that takes some time, and returns what is seen on stderr meanwhile.
func runSlow(t *testing.T, a *app, program string, takes time.Duration, terminal bool) string {
	t.Helper()
	var stderr bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		stderr.Reset()
		a.Stderr = &stderr
		h, p, err := a.progress(slowHost{madeUpMachine()})
		if err != nil {
			t.Fatal(err)
		}
		if terminal {
			p.stop()
			p.frames, p.quit, p.done = []string{"/", "-"}, make(chan struct{}), make(chan struct{})
			go p.show()
		}
		ctx, cancel := context.WithTimeout(t.Context(), takes)
		defer cancel()
		if program == "" {
			<-ctx.Done()
		} else if _, err := h.Run(ctx, host.Command{Path: program}); err == nil {
			t.Error("the program did not run")
		}
		p.stop()
		if len(p.running) != 0 {
			t.Errorf("still running: %v", p.running)
		}
	})
	return stderr.String()
}

func TestProgress(t *testing.T) {
	for _, tt := range []struct {
		name, program, lang string
		takes               time.Duration
		quiet               bool
		want                string
	}{
		{"fast", "/usr/bin/zsh", "", 2900 * time.Millisecond, false, ""},
		{"shell", "/usr/bin/zsh", "", 10 * time.Second, false, "goready: slow: waiting for the user's shell, /usr/bin/zsh (at most 7 s more)\n"},
		{"shell_chinese", "/usr/bin/zsh", "zh-CN", 10 * time.Second, false, "goready: 较慢：正在等待 用户的 shell（/usr/bin/zsh）（最多还需 7 秒）\n"},
		{"windows", `C:\Windows\powershell.exe`, "", 10 * time.Second, false, "goready: slow: waiting for the user's shell, C:\\Windows\\powershell.exe (at most 7 s more)\n"},
		{"program", "/usr/lib/go/pkg/tool/compile", "", 5 * time.Second, false, "goready: slow: waiting for /usr/lib/go/pkg/tool/compile (at most 2 s more)\n"},
		{"files", "", "", time.Minute, false, "goready: slow: waiting for the files of this machine\n"},
		{"quiet", "/usr/bin/zsh", "", time.Minute, true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := &app{Program: Program{Host: madeUpMachine()}, quiet: tt.quiet, lang: tt.lang}
			if got := runSlow(t, a, tt.program, tt.takes, false); got != tt.want {
				t.Errorf("stderr %q, want %q", got, tt.want)
			}
		})
	}
}

// TestSpinner: it appears after 300 ms and leaves nothing behind.
func TestSpinner(t *testing.T) {
	a := &app{Program: Program{Host: madeUpMachine()}}
	for takes, want := range map[time.Duration]string{
		290 * time.Millisecond: "",
		350 * time.Millisecond: "\r/ \r\x1b[K",
		550 * time.Millisecond: "\r/ \r- \r/ \r\x1b[K",
	} {
		if got := runSlow(t, a, "/usr/bin/zsh", takes, true); got != want {
			t.Errorf("after %s: %q, want %q", takes, got, want)
		}
	}
	got := runSlow(t, a, "/usr/bin/zsh", 10*time.Second, true)
	if strings.Count(got, "slow:") != 1 || !strings.Contains(got, "\r\x1b[Kgoready: slow:") || !strings.HasSuffix(got, "\r\x1b[K") {
		t.Errorf("%q", got)
	}
}
