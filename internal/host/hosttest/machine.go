package hosttest

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/shell"
)

// Machine is a machine that a txtar archive describes. The files of the archive are those of the machine (a name that
// begins with "C:" is Windows'); "want" is not. The comment has lines
//
//	platform: OS/ARCH            linux/amd64 if there is none
//	env: KEY=value               of goready
//	dir: FOLDER                  the current folder
//	link: NAME -> TARGET         a symbolic link
//	mode: NAME OCTAL             of a file that is listed; without it 0644, or 0755 if it begins with "#!"
//	folder: NAME OCTAL           a folder and its mode
//	owner: NAME UID              of a file or folder that was named before
//	time: NAME RFC3339           when it was changed, likewise
//	run: ARGS                    of goready
//	shell: FLAGS | TIME | NOISE | ENV
//	                             what the user's shell does when it is run: FLAGS are of -i and -l, after HOME and SHELL
//	                             of goready; TIME may be followed by "killed"; NOISE is what it prints before the
//	                             command, as a Go string without quotes; ENV are the variables that the command sees,
//	                             separated by blanks. Without "| ENV" the shell does not get as far as the command
//
// and remarks that begin with "#".
type Machine struct {
	Host *host.Fixture
	Dir  string
	Runs [][]string
}

// ParseMachine returns the machine that an archive describes.
func ParseMachine(t testing.TB, archive *txtar.Archive) *Machine {
	t.Helper()
	files := map[string]string{}
	for _, f := range archive.Files {
		if f.Name != "want" {
			files[f.Name] = string(f.Data)
		}
	}
	m := &Machine{Host: host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, nil, files)}
	for line := range strings.Lines(string(archive.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case key == "" || strings.HasPrefix(line, "#"):
		case !m.set(key, value):
			t.Fatalf("cannot read the line %q", line)
		}
	}
	return m
}

// set applies one line of the comment.
func (m *Machine) set(key, value string) bool {
	first, second, _ := strings.Cut(value, " ")
	switch key {
	case "platform":
		m.Host.Machine.OS, m.Host.Machine.Arch, _ = strings.Cut(value, "/")
	case "env":
		m.Host.Env = append(m.Host.Env, value)
	case "dir":
		m.Dir = value
	case "run":
		m.Runs = append(m.Runs, strings.Fields(value))
	case "shell":
		return m.shell(value)
	case "link":
		name, target, ok := strings.Cut(value, " -> ")
		m.Host.Add(name, host.File{Link: &target})
		return ok
	case "mode", "folder":
		mode, err := strconv.ParseUint(second, 8, 32)
		if key == "folder" {
			mode |= uint64(fs.ModeDir)
		}
		m.describe(first, func(i *host.Info) { i.Mode = fs.FileMode(mode) })
		return err == nil
	case "owner":
		uid, err := strconv.Atoi(second)
		m.describe(first, func(i *host.Info) { i.UID = uid })
		return err == nil
	case "time":
		at, err := time.Parse(time.RFC3339, second)
		m.describe(first, func(i *host.Info) { i.ModTime = at })
		return err == nil
	default:
		return false
	}
	return true
}

// describe changes what Lstat says of a file.
func (m *Machine) describe(name string, change func(*host.Info)) {
	file := host.File{}
	if old := m.Host.Files[name]; old != nil {
		file = *old
	}
	info := host.Info{Mode: 0o644}
	if file.Info != nil {
		info = *file.Info
	}
	if file.Content != nil {
		info.Size = int64(len(*file.Content))
		if strings.HasPrefix(string(*file.Content), "#!") && file.Info == nil {
			info.Mode = 0o755
		}
	}
	change(&info)
	file.Info = &info
	m.Host.Add(name, file)
}

// shell records a run of the user's shell.
func (m *Machine) shell(value string) bool {
	env := func(key string) string {
		for _, kv := range m.Host.Env {
			if v, ok := strings.CutPrefix(kv, key+"="); ok {
				return v
			}
		}
		return ""
	}
	parts := strings.SplitN(value, "|", 4)
	if len(parts) < 3 {
		return false
	}
	took, killed := strings.CutSuffix(strings.TrimSpace(parts[1]), " killed")
	duration, err := time.ParseDuration(took)
	if err != nil {
		return false
	}
	noise, err := strconv.Unquote(`"` + strings.TrimSpace(parts[2]) + `"`)
	if err != nil {
		return false
	}
	r := &host.RunResult{Stdout: host.Content(noise), Duration: duration, TimedOut: killed}
	if len(parts) == 4 {
		r.Stdout = shell.ProbeOutput(noise, strings.Fields(parts[3]))
	}
	flags := strings.Fields(parts[0])
	command := shell.ProbeOptions{Session: shell.Session{Kind: shell.KindOf(m.Host.Machine, env("SHELL")), Path: env("SHELL"), Dir: env("HOME"),
		Interactive: slices.Contains(flags, "-i"), Login: slices.Contains(flags, "-l")}}.Command()
	m.Host.Runs = append(m.Host.Runs, host.Run{Command: command, Result: r})
	return true
}
