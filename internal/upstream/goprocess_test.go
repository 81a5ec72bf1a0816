//go:build unix

package upstream

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/testreq"
)

// script returns a program that is a shell script.
func script(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

// newFakeGo returns a GoCommand whose go command is a shell script.
func newFakeGo(t *testing.T, text string, config GoCommandConfig) *GoCommand {
	t.Helper()
	config.Go = script(t, text)
	config.Dir = filepath.Join(t.TempDir(), "direct")
	config.Env = append(config.Env, "PATH="+os.Getenv("PATH"))
	g, err := NewGoCommand(config)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// fifo makes a named pipe. All that have it open for writing are gone when reading it ends.
func fifo(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o666); err != nil {
		testreq.Missing(t, "named pipes: "+err.Error())
	}
	return name
}

const listed = `echo '{"Path":"example.com/m","Versions":["v1.0.0"]}'`

func TestGoCommandKillsGroup(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config GoCommandConfig
		want   string
	}{
		{"given_up", GoCommandConfig{}, "unavailable+canceled"},
		{"too_slow", GoCommandConfig{Timeout: 2 * time.Second}, "unavailable+deadline"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pipe := fifo(t)
			// The command has children and grandchildren, and does not listen.
			g := newFakeGo(t, `trap '' TERM INT HUP
exec 3>`+pipe+`
(sleep 1000 & sleep 1000) &
echo ready >&3
sleep 1000
`, tt.config)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				f, err := os.Open(pipe)
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Close()
				r := bufio.NewReader(f)
				if line, err := r.ReadString('\n'); line != "ready\n" {
					t.Errorf("%q, %v", line, err)
				}
				if tt.name == "given_up" {
					cancel()
				}
				io.Copy(io.Discard, r)
			}()
			_, err := g.Versions(ctx, "example.com/m")
			wantKind(t, err, tt.want)
			<-ended // nobody has the pipe any more
			if left := files(t, g.dirs.tmp); len(left) > 0 {
				t.Errorf("temporary files: %v", left)
			}
		})
	}
}

// A child that the command leaves behind does not outlive it, nor is it waited for.
func TestGoCommandLeavesNobody(t *testing.T) {
	pipe := fifo(t)
	g := newFakeGo(t, "exec 3>"+pipe+"\nsleep 1000 &\n"+listed+"\n", GoCommandConfig{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, err := os.ReadFile(pipe); err != nil {
			t.Error(err)
		}
	}()
	if _, err := g.Versions(t.Context(), "example.com/m"); err != nil {
		t.Error(err)
	}
	<-ended
}

func TestGoCommandEnvironment(t *testing.T) {
	seen := filepath.Join(t.TempDir(), "env")
	g := newFakeGo(t, "env > "+seen+"\nread x && exit 1\npwd >> "+seen+"\nls -A >> "+seen+"\n"+listed, GoCommandConfig{
		Env: []string{"GOFLAGS=-mod=mod", "GOPROXY=https://evil.example.com", "GOPRIVATE=x", "GOOGLE_APPLICATION_CREDENTIALS=/g", "GIT_DIR=/x",
			"GIT_TRACE_CURL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=a.b", "GIT_CONFIG_VALUE_0=c", "SSH_ASKPASS=/x", "LC_ALL=de_DE.UTF-8",
			"HTTPS_PROXY=http://127.0.0.1:1", "GIT_TERMINAL_PROMPT=1"},
		GOINSECURE: "insecure.example.com", GOAUTH: "off",
	})
	for path, protocols := range map[string]string{"example.com/m": "https:ssh", "insecure.example.com/m": "https:ssh:http:git"} {
		if _, err := g.Versions(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(seen)
		if err != nil {
			t.Fatal(err)
		}
		env := strings.Split(string(data), "\n")
		has := func(line string) bool { return strings.Contains("\n"+string(data), "\n"+line+"\n") }
		for _, line := range []string{
			"GO111MODULE=on", "GOFLAGS=-modcacherw", "GOWORK=off", "GOENV=off", "GOPROXY=direct", "GOSUMDB=off", "GOTOOLCHAIN=local",
			"GOVCS=*:git|hg", "GOINSECURE=insecure.example.com", "GOAUTH=off", "GIT_TERMINAL_PROMPT=0", "GCM_INTERACTIVE=never",
			"GIT_ASKPASS=", "SSH_ASKPASS=", "LC_ALL=C", "GIT_ALLOW_PROTOCOL=" + protocols, "HTTPS_PROXY=http://127.0.0.1:1",
			"GOMODCACHE=" + g.dirs.mod, "HOME=" + g.dirs.sub("home"), "GOOGLE_APPLICATION_CREDENTIALS=/g",
			"GIT_CONFIG_COUNT=3", "GIT_CONFIG_KEY_0=a.b", "GIT_CONFIG_KEY_1=gc.autoDetach", "GIT_CONFIG_VALUE_2=false",
		} {
			if !has(line) {
				t.Errorf("%s: no %s in\n%s", path, line, strings.Join(env, "\n"))
			}
		}
		for _, name := range []string{"\nGOPRIVATE=", "\nGIT_DIR=", "\nGIT_TRACE", "evil"} {
			if strings.Contains("\n"+string(data), name) {
				t.Errorf("%s: %q in\n%s", path, name, data)
			}
		}
		if !strings.Contains(string(data), "GIT_SSH_COMMAND=ssh -o BatchMode=yes") {
			t.Errorf("ssh may ask:\n%s", data)
		}
		if work := env[len(env)-2]; !strings.HasPrefix(work, g.dirs.tmp) {
			t.Errorf("runs in %q, which is not empty or no folder of its own", work)
		}
	}
}

func TestGoCommandMaxConcurrent(t *testing.T) {
	dir := t.TempDir()
	g := newFakeGo(t, `mkdir `+dir+`/$$
ls `+dir+` | wc -l >> `+dir+`.log
sleep 0.05
rmdir `+dir+`/$$
`+listed, GoCommandConfig{MaxConcurrent: 2})
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if _, err := g.Versions(t.Context(), "example.com/m"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	data, err := os.ReadFile(dir + ".log")
	if err != nil || len(strings.Fields(string(data))) != 10 {
		t.Fatalf("%q, %v", data, err)
	}
	for _, n := range strings.Fields(string(data)) {
		if n != "1" && n != "2" {
			t.Errorf("%s commands at once", n)
		}
	}
	// Who waits for too long is told so, and the host is not blamed.
	g = newFakeGo(t, "exec sleep 1000", GoCommandConfig{MaxConcurrent: 1, Timeout: 100 * time.Millisecond})
	g.slots <- struct{}{}
	_, err = g.Versions(t.Context(), "example.com/m")
	wantKind(t, err, "unavailable+deadline")
	if h := g.host("example.com/m").report(); h.Errors != 0 {
		t.Errorf("health %+v", h)
	}
}

func TestGoCommandMaxTemp(t *testing.T) {
	const hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for _, tt := range []struct{ name, script string }{
		{"temporary_file", "head -c 2000000 /dev/zero > $TMPDIR/big\n"},
		{"folder", "head -c 2000000 /dev/zero > big\n"},
		{"clone", `vcs=$GOMODCACHE/cache/vcs/` + hash + `
mkdir -p $vcs/objects
echo "# $vcs for git3 https://example.com/m" >&2
echo git3:https://example.com/m > $vcs.info
head -c 2000000 /dev/zero > $vcs/objects/big
`},
		{"extracted", "d=$GOMODCACHE/example.com/m@v1.0.0\nmkdir -p $d\nhead -c 2000000 /dev/zero > $d/big\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newFakeGo(t, tt.script+"exec sleep 1000\n", GoCommandConfig{MaxTemp: 1_000_000})
			_, err := g.Open(t.Context(), module.Version{Path: "example.com/m", Version: "v1.0.0"}, Zip)
			if wantKind(t, err, "too_large"); !strings.Contains(err.Error(), "too much disk space") {
				t.Error(err)
			}
			if size := treeSize(g.config.Dir); size > 100_000 {
				t.Errorf("%d bytes are left", size)
			}
			if h := g.host("example.com/m").report(); h.Errors != 0 {
				t.Errorf("health %+v", h)
			}
		})
	}
}

func TestGoCommandOutput(t *testing.T) {
	for _, tt := range []struct{ name, script, want string }{
		{"too_much", "head -c 20000000 /dev/zero; exec sleep 1000", "too_large"},
		{"too_much_at_the_end", "head -c 20000000 /dev/zero", "too_large"},
		{"too_much_stderr", "head -c 20000000 /dev/zero >&2; " + listed, "ok"},
		{"nonsense", "echo nonsense", "unavailable"},
		{"nothing", "exit 0", "unavailable"},
		{"fails_silently", "exit 7", "unavailable"},
		{"fails", "echo 'go: example.com/m@v1: 404 Not Found' >&2; exit 1", "not_exist"},
		{"fails_with_noise", "echo '# get https://example.com/m?go-get=1: 404 Not Found' >&2; echo 'go: something else' >&2; exit 1", "unavailable"},
		{"answers_and_fails", listed + "; exit 1", "unavailable"},
		{"error_object", `echo '{"Error":{"Err":"example.com/m@v1: invalid version: unknown revision v1"}}'`, "not_exist"},
		{"error_string", `echo '{"Error":"example.com/m@v1: invalid version: unknown revision v1"}'; exit 1`, "not_exist"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newFakeGo(t, tt.script, GoCommandConfig{})
			_, err := g.Versions(t.Context(), "example.com/m")
			wantKind(t, err, tt.want)
		})
	}
	g := newFakeGo(t, "", GoCommandConfig{})
	g.config.Go += ".gone"
	_, err := g.Versions(t.Context(), "example.com/m")
	wantKind(t, err, "unavailable")
}

// One host that is down is left alone, the others are not.
func TestGoCommandBreaker(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	g := newFakeGo(t, `echo "$*" >> `+log+`
case "$*" in
*down.example.com*) echo '{"Error":{"Err":"down.example.com/m: dial tcp 192.0.2.1:443: connect: connection refused"}}';;
*) `+listed+`;;
esac`, GoCommandConfig{})
	for range 10 {
		_, err := g.Versions(t.Context(), "down.example.com/m")
		wantKind(t, err, "unavailable")
	}
	if _, err := g.Versions(t.Context(), "up.example.com/m"); err != nil {
		t.Error(err)
	}
	data, err := os.ReadFile(log)
	if n := strings.Count(string(data), "down.example.com"); n != breakFailures || err != nil {
		t.Errorf("asked %d times: %v", n, err)
	}
	if h := g.Health(); !h.Up || h.Requests != breakFailures+1 || h.Errors != breakFailures {
		t.Errorf("health %+v", h)
	}
	// There may be very many hosts.
	for i := range maxHosts + 10 {
		g.host(fmt.Sprintf("h%d.example.com/m", i))
	}
	if len(g.hosts) > maxHosts || g.hosts["down.example.com"] == nil {
		t.Errorf("%d hosts; the one that is down: %v", len(g.hosts), g.hosts["down.example.com"])
	}
}
