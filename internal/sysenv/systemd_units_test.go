//go:build systemd

package sysenv

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/systemdtest"
)

// unitSet is a set of generated services that each write their environment to a file.
type unitSet struct {
	files        []systemdtest.File
	names        []string // to start
	noRuntimeDir bool
	show         map[string]string // what to print of a unit whose prediction is wrong
}

func (s *unitSet) add(unit string, files ...systemdtest.File) {
	s.files = append(s.files, files...)
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "-- %s -> %s --\n%s\n", f.Name, f.Link, f.Content)
	}
	if s.show == nil {
		s.show = map[string]string{}
	}
	s.show[unit] += b.String()
}

// start starts the services with a command, and those that wrote nothing once more: where hundreds start at once on a busy
// machine, PAM gives up on some. Those that cannot start make systemctl fail.
func (s *unitSet) start(t *testing.T, c *systemdtest.Container, out string, command ...string) {
	t.Helper()
	_, _ = c.Try(nil, slices.Concat(command, s.names)...)
	wrote := c.ReadDir(t, out)
	silent := slices.DeleteFunc(slices.Clone(s.names), func(name string) bool { return wrote[name] != nil })
	if len(silent) > 0 {
		_, _ = c.Try(nil, slices.Concat(command, silent)...)
	}
}

// compare compares the files that the services wrote with the predictions.
func (s *unitSet) compare(t *testing.T, observed map[string][]byte, predicted map[string][]string, notes map[string][]string) {
	started := 0
	for _, name := range s.names {
		// A unit started by an alias writes under its real name, which %n gives.
		out, ran := observed[name]
		if real, isAlias := strings.CutPrefix(name, "alias-"); isAlias && !ran {
			out, ran = observed[real]
		}
		context := func() string { return s.show[name] + "notes: " + strings.Join(notes[name], "\n") }
		switch env := predicted[name]; {
		case ran && env == nil:
			t.Errorf("%s: it starts, but was predicted not to\n%s", name, context())
		case !ran && env != nil:
			t.Errorf("%s: it does not start, but was predicted to\n%s", name, context())
		case ran:
			started++
			text := string(out)
			if s.noRuntimeDir { // pam_systemd sets it for a PAM session
				text = strings.Replace(text, "\x00XDG_RUNTIME_DIR=", "\x00INVOCATION_ID=", 1)
			}
			same(t, name, text, "\x00", env, context)
		}
	}
	t.Logf("%d services, of which %d started", len(s.names), started)
	if started < len(s.names)/2 {
		t.Errorf("too few services started")
	}
}

// execLines is the end of each unit. %n is the name of the unit.
func execLines(out string) string {
	return "Type=oneshot\nStandardOutput=truncate:" + out + "/%n\nExecStart=/usr/bin/env -0\n"
}

// systemUnits returns generated system services.
func systemUnits(g generator) *unitSet {
	s := &unitSet{noRuntimeDir: true}
	for i := range 230 {
		g.unit(s, i, "/var/tmp/out", []string{"/etc/systemd/system/", "/run/systemd/system/", "/usr/lib/systemd/system/", "/usr/local/lib/systemd/system/"},
			[]string{"", "", "User=alice\n", "User=root\n", "User=1000\n", "User=nobody\n", "DynamicUser=yes\n", "User=bob\nPAMName=su\n", "User=alice\nPAMName=sudo\n", "PAMName=su\n", "User=daemon\n", "SetLoginEnvironment=yes\n", "DynamicUser=1\nUser=dyn%j\n"}, 0)
	}
	return s
}

// userUnits returns generated services of alice.
func userUnits(g generator) *unitSet {
	s := &unitSet{}
	for i := range 80 {
		g.unit(s, i, "/home/alice/out", []string{"/etc/systemd/user/", "/home/alice/.config/systemd/user/", "/usr/lib/systemd/user/", "/usr/share/systemd/user/", "/home/alice/.local/share/systemd/user/"}, []string{""}, 1000)
	}
	return s
}

// unit adds one service to s.
func (g generator) unit(s *unitSet, i int, out string, dirs, users []string, uid int) {
	dir := dirs[g.IntN(len(dirs))]
	base := fmt.Sprintf("%s-%s%d", g.pick("gr", "gr-foo", "gr-foo-bar", "grx"), g.pick("a", "b"), i)
	name, file := base+".service", base+".service"
	var files []systemdtest.File
	if g.IntN(5) == 0 {
		file = base + "@.service"
		name = base + "@" + g.pick("x", "a-b", `a\x2db`, "1", "A_b.c") + ".service"
	}
	envFiles := func() string {
		f, line := g.environmentFile(i)
		files = append(files, f...)
		return line
	}
	body := "[Unit]\nDescription=x\n[Service]\n" + users[g.IntN(len(users))] + execLines(out)
	body += g.serviceLines(4, envFiles)
	if g.IntN(12) == 0 {
		body += "[Install]\nEnvironment=NOT=1\n[Service]\n" + g.serviceLines(2, envFiles)
	}
	files = append(files, systemdtest.File{Name: dir + file, Content: body, UID: homeOf(dir, uid)})
	if g.IntN(8) == 0 { // a better or worse folder has the same unit
		other := dirs[g.IntN(len(dirs))]
		files = append(files, systemdtest.File{Name: other + file, Content: "[Service]\n" + execLines(out) + g.serviceLines(2, envFiles), UID: homeOf(other, uid)})
	}
	for range g.IntN(3) {
		d := dirs[g.IntN(len(dirs))]
		folder := g.pick(name, file, file, "gr-.service", "gr-foo-.service", strings.TrimRight(base, "0123456789")+"-.service")
		if strings.HasPrefix(folder, "gr-.") || strings.HasPrefix(folder, "gr-foo-.") {
			// Those are for many units: give them something that shows, and nothing that fails.
			files = append(files, systemdtest.File{Name: d + folder + ".d/" + g.pick("10", "20", "30") + ".conf", Content: fmt.Sprintf("[Service]\nEnvironment=COMMON=%d-%%p\n", i), UID: homeOf(d, uid)})
			continue
		}
		f := systemdtest.File{Name: d + folder + ".d/" + g.confName(), Content: "[Service]\n" + g.serviceLines(2, envFiles), UID: homeOf(d, uid)}
		if g.IntN(10) == 0 {
			f.Content, f.Link = "", "/dev/null"
		}
		files = append(files, f)
	}
	if g.IntN(8) == 0 && name == file {
		alias := "alias-" + name
		d := dirs[0]
		files = append(files, systemdtest.File{Name: d + alias, Link: g.pick(dir+file, "../"+name, name), UID: homeOf(d, uid)})
		if files[len(files)-1].Link != dir+file {
			files[len(files)-1].Link = d + file
		}
		files = append(files, systemdtest.File{Name: d + alias + ".d/alias.conf", Content: "[Service]\nEnvironment=BY_ALIAS=%n\n", UID: homeOf(d, uid)})
		s.add(name, files...)
		s.show[alias] = s.show[name]
		s.names = append(s.names, alias)
		return
	}
	if g.IntN(30) == 0 {
		files = append(files, systemdtest.File{Name: dirs[0] + file, Link: "/dev/null", UID: homeOf(dirs[0], uid)})
	}
	s.add(name, files...)
	s.names = append(s.names, name)
}

func homeOf(dir string, uid int) int {
	if strings.HasPrefix(dir, "/home/") {
		return uid
	}
	return 0
}

// environmentFile returns files for EnvironmentFile= and the line that names them.
func (g generator) environmentFile(i int) ([]systemdtest.File, string) {
	name := fmt.Sprintf("/etc/envfiles/%d-%d", i, g.IntN(1000000))
	minus := g.pick("", "", "-")
	switch g.IntN(10) {
	case 0:
		return nil, "EnvironmentFile=" + g.pick("-", "-", "") + "/etc/envfiles/absent-%i\n"
	case 1:
		return nil, "EnvironmentFile=" + g.pick("relative", "-relative", "-", "/etc/envfiles/none-*", "-/etc/envfiles/none-*") + "\n"
	case 2:
		files := []systemdtest.File{{Name: name + "/b.env", Content: g.envFile()}, {Name: name + "/a.env", Content: g.envFile()}, {Name: name + "/.hidden.env", Content: "HIDDEN=1\n"}, {Name: name + "/c.txt", Content: "NOT=1\n"}}
		return files, "EnvironmentFile=" + minus + name + "/" + g.pick("*.env", "?.env", "[ab].env", "[!a].env", "*") + "\n"
	case 3:
		return []systemdtest.File{{Name: name, Content: g.envFile() + "BAD=\xff\n"}}, "EnvironmentFile=" + minus + name + "\n"
	}
	return []systemdtest.File{{Name: name, Content: g.envFile()}}, "EnvironmentFile=" + minus + name + "\n"
}
