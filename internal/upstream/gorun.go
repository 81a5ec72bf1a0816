package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/module"
)

// Why a command is stopped.
var (
	errCommandSlow = fmt.Errorf("the go command took too long: %w", context.DeadlineExceeded)
	errCommandBig  = errors.New("too much disk space")
	errOutputBig   = errors.New("too much output")
)

// goModule is what "go list -m -json" and "go mod download -json" print, as far as it is of use.
type goModule struct {
	Version  string
	Versions []string
	Error    json.RawMessage // a string, or an object with one
}

// message returns why the command has no answer, "" if it has one.
func (m *goModule) message() string {
	var text string
	var object struct{ Err string }
	if json.Unmarshal(m.Error, &text) == nil {
		return text
	}
	_ = json.Unmarshal(m.Error, &object) // no error is no message
	return object.Err
}

// run runs the go command once, and makes a module or an error of what it prints.
func (g *GoCommand) run(ctx context.Context, path string, args []string) (*goModule, error) {
	dir, err := os.MkdirTemp(g.dirs.tmp, "run-")
	if err != nil {
		return nil, unclear(g.dirs.hide(err.Error()))
	}
	defer os.RemoveAll(dir)
	limited, stop := context.WithTimeoutCause(ctx, g.config.Timeout, errCommandSlow)
	defer stop()
	err = g.execute(limited, path, dir, args)
	said := readTranscript(dir)
	g.dirs.touch(said.clones(g.dirs.vcs), g.config.Now())
	if err := stopped(ctx, limited, err, path); err != nil {
		return nil, err
	}
	out, readErr := readStart(filepath.Join(dir, stdoutName), MaxList+1)
	if readErr != nil {
		return nil, unclear(g.dirs.hide(readErr.Error()))
	}
	var m goModule
	switch {
	case len(out) > MaxList:
		return nil, stopped(ctx, limited, errOutputBig, path)
	case json.Unmarshal(out, &m) != nil:
		text := said.complaint()
		if text == "" && err != nil {
			text = err.Error()
		}
		return nil, classify(g.dirs.hide(text), "")
	case m.message() != "":
		return nil, classify(g.dirs.hide(m.message()), g.dirs.hide(said.pings()))
	case err != nil:
		return nil, unclear(g.dirs.hide(err.Error()))
	}
	return &m, nil
}

// stopped returns why a command was stopped by us, given the error it ended with; nil if it was not.
func stopped(ctx, limited context.Context, err error, path string) error {
	switch {
	case ctx.Err() != nil:
		return unavailable(directName, ctx.Err())
	case errors.Is(err, errCommandBig):
		return refuse(directName, ErrTooLarge, "fetching %s takes %v", path, err)
	case errors.Is(err, errOutputBig):
		return refuse(directName, ErrTooLarge, "%v about %s", err, path)
	case limited.Err() != nil:
		return unavailable(directName, context.Cause(limited))
	}
	return nil
}

// Names of files in the folder of a command. The command writes to files, not to pipes, for who it leaves behind could
// keep those open.
const (
	stdoutName = "stdout"
	stderrName = "stderr"
)

// execute runs the command in a folder of its own, as the leader of a process group that is gone when it returns.
func (g *GoCommand) execute(ctx context.Context, path, dir string, args []string) error {
	work, tmp := filepath.Join(dir, "work"), filepath.Join(dir, "tmp")
	if err := errors.Join(os.Mkdir(work, 0o700), os.Mkdir(tmp, 0o700)); err != nil {
		return err
	}
	stdout, err := os.Create(filepath.Join(dir, stdoutName))
	if err != nil {
		return err
	}
	defer stdout.Close()
	stderr, err := os.Create(filepath.Join(dir, stderrName))
	if err != nil {
		return err
	}
	defer stderr.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, g.config.Go, args...)
	cmd.Dir, cmd.Env = work, g.environ(path, tmp)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	isolate(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	var watching sync.WaitGroup
	watching.Go(func() { g.watch(ctx, dir, args[len(args)-1], cancel) })
	err = cmd.Wait()
	finishGroup(cmd.Process.Pid)
	cancel(nil)
	watching.Wait()
	if cause := context.Cause(ctx); errors.Is(cause, errCommandBig) || errors.Is(cause, errOutputBig) {
		return cause
	}
	return err
}

// watch stops a command whose files become too big, and removes the clone then.
func (g *GoCommand) watch(ctx context.Context, dir, arg string, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	path, version, _ := strings.Cut(arg, "@")
	extracted := g.dirs.extracted(module.Version{Path: path, Version: version})
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if info, err := os.Stat(filepath.Join(dir, stdoutName)); err == nil && info.Size() > MaxList {
			cancel(errOutputBig)
			return
		}
		size := treeSize(dir)
		if extracted != "" {
			size += treeSize(extracted)
		}
		clones := readTranscript(dir).clones(g.dirs.vcs)
		for _, c := range clones {
			size += treeSize(c)
		}
		if size <= g.config.MaxTemp {
			continue
		}
		cancel(fmt.Errorf("%w: %d bytes, of which %d are allowed", errCommandBig, size, g.config.MaxTemp))
		for _, c := range clones {
			if err := g.dirs.drop(c, dir); err != nil {
				g.config.Log.Warn("clone not removed, though it is too big", "module", path, "error", err)
			}
		}
		return
	}
}

// environ returns the environment of a command about a module.
func (g *GoCommand) environ(path, tmp string) []string {
	env := slices.DeleteFunc(slices.Clone(g.config.Env), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return misleads(strings.ToUpper(name))
	})
	has := func(name string) bool {
		return slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
	}
	protocols := append([]string{"https", "ssh"}, g.config.Protocols...)
	if module.MatchPrefixPatterns(g.config.GOINSECURE, path) {
		protocols = append(protocols, "http", "git")
	}
	if !has("HOME") {
		env = append(env, "HOME="+g.dirs.sub("home"))
	}
	if !has("GIT_SSH_COMMAND") && !has("GIT_SSH") {
		env = append(env, "GIT_SSH_COMMAND=ssh -o BatchMode=yes -o ControlMaster=no -o ControlPath=none -o ConnectTimeout=15 -o ServerAliveInterval=15")
	}
	if !has("GIT_HTTP_LOW_SPEED_LIMIT") && !has("GIT_HTTP_LOW_SPEED_TIME") {
		env = append(env, "GIT_HTTP_LOW_SPEED_LIMIT=100", "GIT_HTTP_LOW_SPEED_TIME=60")
	}
	if g.config.GOAUTH != "" {
		env = append(env, "GOAUTH="+g.config.GOAUTH)
	}
	env = append(env,
		"GO111MODULE=on", "GOENV=off", "GOWORK=off", "GOFLAGS=-modcacherw", "GOTOOLCHAIN=local", "GOPROXY=direct", "GOSUMDB=off",
		"GOVCS="+g.config.GOVCS, "GOINSECURE="+g.config.GOINSECURE,
		"GOPATH="+g.dirs.sub("gopath"), "GOMODCACHE="+g.dirs.mod, "GOCACHE="+g.dirs.sub("cache"),
		"GOTMPDIR="+tmp, "TMPDIR="+tmp, "TMP="+tmp, "TEMP="+tmp,
		// Nobody is there to answer a question: who asks one is to fail.
		"GIT_TERMINAL_PROMPT=0", "GCM_INTERACTIVE=never", "GIT_ASKPASS=", "SSH_ASKPASS=", "SSH_ASKPASS_REQUIRE=never", "HGPLAIN=1",
		"GIT_ALLOW_PROTOCOL="+strings.Join(protocols, ":"),
		"LC_ALL=C", "LANGUAGE=", // the messages are read
	)
	// Housekeeping in the background would leave the process group.
	return addGitConfig(env, "gc.autoDetach=false", "maintenance.autoDetach=false")
}

// misleads reports whether a variable, its name in capitals, is a setting of the go command, or makes git use another
// repository or write what it does where somebody reads it.
func misleads(name string) bool {
	switch name {
	case "GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
		"GIT_NAMESPACE", "GIT_CEILING_DIRECTORIES", "GIT_SHALLOW_FILE", "GIT_PREFIX", "GIT_CURL_VERBOSE", "GIT_REDACT_COOKIES":
		return true
	}
	return strings.HasPrefix(name, "GIT_TRACE") || strings.HasPrefix(name, "GO") && !strings.HasPrefix(name, "GOOGLE_")
}

// addGitConfig adds settings of git to those that the environment has already.
func addGitConfig(env []string, settings ...string) []string {
	n := 0
	for _, kv := range env {
		if value, ok := strings.CutPrefix(kv, "GIT_CONFIG_COUNT="); ok {
			n, _ = strconv.Atoi(value) // git refuses what is no number; then there are none
		}
	}
	n = max(n, 0)
	for i, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", n+i, key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", n+i, value))
	}
	return append(env, fmt.Sprintf("GIT_CONFIG_COUNT=%d", n+len(settings)))
}

// transcript is what the go command writes to stderr. With -x it writes what it does, and so which clones it uses; with
// -v also what git says when it is tried which protocol a repository can be reached by.
type transcript string

// readTranscript returns the transcript of a command until now. What is beyond the first MiB is not of interest.
func readTranscript(dir string) transcript {
	text, _ := readStart(filepath.Join(dir, stderrName), 1<<20) // without it, the error has no text
	return transcript(text)
}

// readStart returns at most the first n bytes of a file.
func readStart(name string, n int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, n))
}

// clones returns the clones that the command has used until now, all of them in the folder vcs.
func (t transcript) clones(vcs string) []string {
	var list []string
	const hashLen = 64
	for rest := string(t); ; {
		i := strings.Index(rest, vcs+string(filepath.Separator))
		if i < 0 {
			return list
		}
		rest = rest[i+len(vcs)+1:]
		name := rest[:min(len(rest), hashLen)]
		if len(name) == hashLen && strings.Trim(name, "0123456789abcdef") == "" && !slices.Contains(list, filepath.Join(vcs, name)) {
			list = append(list, filepath.Join(vcs, name))
		}
	}
}

// complaint returns what the command itself says.
func (t transcript) complaint() string {
	return t.lines("go: ", "go list: ", "go mod download: ", "fatal error: ")
}

// pings returns what git says.
func (t transcript) pings() string {
	return t.lines("fatal: ", "error: ", "remote: ", "ERROR: ", "ssh: ", "git@", "Host key ", "abort: ")
}

// lines returns the lines that begin with one of the prefixes, each once.
func (t transcript) lines(prefixes ...string) string {
	var list []string
	for line := range strings.Lines(string(t)) {
		line = strings.TrimSpace(line)
		begins := func(prefix string) bool { return strings.HasPrefix(line, prefix) }
		if slices.ContainsFunc(prefixes, begins) && !slices.Contains(list, line) {
			list = append(list, line)
		}
	}
	return strings.Join(list, "\n")
}
