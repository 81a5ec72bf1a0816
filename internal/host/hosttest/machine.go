package hosttest

import (
	"encoding/binary"
	"io/fs"
	"maps"
	"path/filepath"
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
//	owner: NAME UID              of a file or folder that was named before, and of what is below it without an owner of its own
//	time: NAME RFC3339           when it was changed, likewise
//	binary: NAME FORMAT/ARCH     a program: elf, pe or macho (with "+" between several architectures)
//	size: NAME BYTES             of a program that was named before
//	result: PATH ARGS => OUTPUT  what a program prints that is run without an environment
//	unreadable: NAME             a file that the user may not read
//	process: PID PPID UID EXE    that runs; the user's processes have the UID of the owner of the home folder
//	process-env: PID KEY=value   of a process that was named before
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

	owners map[string]int
}

// Archives calls f in a subtest for each archive that matches pattern. There must be one.
func Archives(t *testing.T, pattern string, f func(t *testing.T, file string, archive *txtar.Archive)) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives %s: %v", pattern, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f(t, file, archive)
		})
	}
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
	m := &Machine{Host: host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, nil, files), owners: map[string]int{}}
	for line := range strings.Lines(string(archive.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case key == "" || strings.HasPrefix(line, "#"):
		case !m.set(key, value):
			t.Fatalf("cannot read the line %q", line)
		}
	}
	m.inherit()
	return m
}

// inherit gives the owner of a folder to all below it that has none of its own, folders that only the names of files
// show too.
func (m *Machine) inherit() {
	for _, name := range slices.Sorted(maps.Keys(m.Host.Files)) {
		for ; strings.Contains(name, "/"); name = name[:strings.LastIndex(name, "/")] {
			if uid, ok := m.inherited(name); ok {
				m.own(name, uid)
			}
		}
	}
}

// inherited returns the owner of the nearest folder above name that has one, unless name has one itself.
func (m *Machine) inherited(name string) (uid int, ok bool) {
	for above := name; strings.Contains(above, "/"); above = above[:strings.LastIndex(above, "/")] {
		if uid, ok = m.owners[above]; ok {
			return uid, above != name
		}
	}
	return 0, false
}

func (m *Machine) own(name string, uid int) {
	mode := fs.FileMode(0)
	if m.Host.Files[name] == nil {
		mode = fs.ModeDir | 0o755
	}
	if file := m.Host.Files[name]; file != nil && file.Link != nil {
		return
	}
	m.describe(name, func(i *host.Info) {
		i.UID = uid
		if mode != 0 {
			i.Mode = mode
		}
	})
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
		m.owners[first] = uid
		m.describe(first, func(i *host.Info) { i.UID = uid })
		return err == nil
	case "time":
		at, err := time.Parse(time.RFC3339, second)
		m.describe(first, func(i *host.Info) { i.ModTime = at })
		return err == nil
	case "binary":
		blank := max(0, strings.LastIndexByte(value, ' ')) // the name may have some
		format, arch, _ := strings.Cut(strings.TrimSpace(value[blank:]), "/")
		head := host.Content(BinaryHead(format, strings.Split(arch, "+")...))
		m.Host.Add(value[:blank], host.File{Head: &head, Info: &host.Info{Mode: 0o755, Size: 15 << 20}})
		return len(head) > 0
	case "size":
		size, err := strconv.ParseInt(second, 10, 64)
		m.describe(first, func(i *host.Info) { i.Size = size })
		return err == nil
	case "result":
		command, output, ok := strings.Cut(value, " => ")
		words := strings.Fields(command)
		if !ok || len(words) == 0 {
			return false
		}
		m.Host.Runs = append(m.Host.Runs, host.Run{Command: host.Command{Path: words[0], Args: words[1:]},
			Result: &host.RunResult{Stdout: host.Content(output + "\n")}})
	case "unreadable":
		denied := &host.Failure{Kind: host.Denied}
		m.Host.Add(value, host.File{Info: &host.Info{}, ContentErr: denied, EntriesErr: denied})
	case "process", "process-env":
		return m.process(key, first, second)
	default:
		return false
	}
	return true
}

// BinaryHead returns the first bytes of a program of a format for architectures, nil if it knows no such thing.
func BinaryHead(format string, arch ...string) []byte {
	numbers := map[string]map[string]uint32{
		"elf":   {"386": 3, "arm": 40, "amd64": 62, "arm64": 183},
		"pe":    {"386": 0x14c, "amd64": 0x8664, "arm64": 0xaa64},
		"macho": {"amd64": 0x01000007, "arm64": 0x0100000c},
	}[format]
	for _, a := range arch {
		if numbers[a] == 0 {
			return nil
		}
	}
	head := make([]byte, 256)
	switch {
	case format == "elf":
		copy(head, "\x7fELF\x02\x01\x01")
		binary.LittleEndian.PutUint16(head[18:], uint16(numbers[arch[0]]))
		binary.LittleEndian.PutUint64(head[32:], 64) // one segment, of 8 MiB
		binary.LittleEndian.PutUint16(head[54:], 56)
		binary.LittleEndian.PutUint16(head[56:], 1)
		binary.LittleEndian.PutUint64(head[64+32:], 8<<20)
	case format == "pe":
		copy(head, "MZ")
		binary.LittleEndian.PutUint32(head[0x3c:], 0x80)
		copy(head[0x80:], "PE\x00\x00")
		binary.LittleEndian.PutUint16(head[0x84:], uint16(numbers[arch[0]]))
	case len(arch) == 1:
		binary.LittleEndian.PutUint32(head, 0xfeedfacf)
		binary.LittleEndian.PutUint32(head[4:], numbers[arch[0]])
	default:
		binary.BigEndian.PutUint32(head, 0xcafebabe)
		binary.BigEndian.PutUint32(head[4:], uint32(len(arch)))
		for i, a := range arch {
			binary.BigEndian.PutUint32(head[8+20*i:], numbers[a])
		}
	}
	return head
}

// process applies a line about a running process.
func (m *Machine) process(key, id, rest string) bool {
	pid, err := strconv.Atoi(id)
	if err != nil {
		return false
	}
	list := &m.Host.Procs.List
	if key == "process-env" {
		for i := range *list {
			if p := &(*list)[i]; p.PID == pid {
				p.Env = append(p.Env, rest)
				return true
			}
		}
		return false
	}
	fields := strings.Fields(rest)
	if len(fields) != 3 {
		return false
	}
	ppid, err1 := strconv.Atoi(fields[0])
	uid, err2 := strconv.Atoi(fields[1])
	exe := fields[2]
	*list = append(*list, host.RecordedProcess{Process: host.Process{PID: pid, PPID: ppid, UID: uid, Exe: exe, Name: exe[strings.LastIndex(exe, "/")+1:]}})
	return err1 == nil && err2 == nil
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
