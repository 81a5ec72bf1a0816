package sysenv

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// systemUnitDirs returns the search path of system units, best first (src/basic/path-lookup.c, lookup_paths_init).
func systemUnitDirs() []string {
	return []string{
		"/etc/systemd/system.control",
		"/run/systemd/system.control",
		"/run/systemd/transient",
		"/run/systemd/generator.early",
		"/etc/systemd/system",
		"/etc/systemd/system.attached",
		"/run/systemd/system",
		"/run/systemd/system.attached",
		"/run/systemd/generator",
		"/usr/local/lib/systemd/system",
		"/usr/lib/systemd/system",
		"/lib/systemd/system",
		"/run/systemd/generator.late",
	}
}

// userUnitDirs returns the search path of u's units, best first.
func userUnitDirs(u User, config, data string) []string {
	run := "/run/user/" + strconv.Itoa(u.UID) + "/systemd"
	return []string{
		config + "/systemd/user.control",
		run + "/user.control",
		run + "/transient",
		run + "/generator.early",
		config + "/systemd/user",
		"/etc/xdg/systemd/user",
		"/etc/systemd/user",
		run + "/user",
		"/run/systemd/user",
		run + "/generator",
		data + "/systemd/user",
		"/usr/local/share/systemd/user",
		"/usr/share/systemd/user",
		"/usr/local/lib/systemd/user",
		"/usr/lib/systemd/user",
		"/lib/systemd/user",
		run + "/generator.late",
	}
}

// vendorDir reports whether packages, not people, write to a folder of units.
func vendorDir(dir string) bool {
	return strings.HasPrefix(dir, "/usr/lib/") || strings.HasPrefix(dir, "/lib/") || strings.HasPrefix(dir, "/usr/share/")
}

// unitIndex is what the folders of a search path contain.
type unitIndex struct {
	// files maps the name of a unit to where it is first found; a link inside the search path to the name it is an
	// alias of.
	files map[string]unitFile
	// dropins has the folders name.d, in the order of the search path.
	dropins map[string][]string
	// aliases maps a name to the names that are links to it.
	aliases  map[string][]string
	problems []Problem
}

type unitFile struct {
	path  string
	alias string // not "": the file is a link to the unit of this name
}

// index lists the search path once.
func (m *Manager) index() *unitIndex {
	if m.units != nil {
		return m.units
	}
	x := &unitIndex{files: map[string]unitFile{}, dropins: map[string][]string{}, aliases: map[string][]string{}}
	m.units = x
	listed := m.list(x)
	for _, dir := range m.dirs {
		for _, e := range listed[dir] {
			m.indexEntry(x, dir, e)
		}
	}
	for name, f := range x.files {
		if f.alias != "" && f.alias != name {
			x.aliases[f.alias] = append(x.aliases[f.alias], name)
		}
	}
	for _, names := range x.aliases {
		slices.Sort(names)
	}
	return x
}

// list lists the folders of the search path and leaves in it those that exist, without those that are links to another
// one: with a merged /usr, /lib is /usr/lib, and Debian has a link /etc/xdg/systemd/user to /etc/systemd/user.
func (m *Manager) list(x *unitIndex) map[string][]host.Entry {
	listed := map[string][]host.Entry{}
	var dirs []string
	for _, dir := range m.dirs {
		entries, err := m.h.ReadDir(dir)
		if err != nil {
			if why := unread(dir, err); !why.IsZero() {
				x.problems = append(x.problems, Problem{File: dir, Why: why})
			}
			continue
		}
		if real, err := host.EvalSymlinks(m.h, dir); err == nil && slices.Contains(m.dirs, real) {
			dir = real
		}
		if listed[dir] == nil {
			dirs = append(dirs, dir)
			listed[dir] = append([]host.Entry{}, entries...)
		}
	}
	m.searched, m.dirs = m.dirs, dirs
	return listed
}

func (m *Manager) indexEntry(x *unitIndex, dir string, e host.Entry) {
	path := dir + "/" + e.Name
	if strings.HasSuffix(e.Name, ".d") {
		x.dropins[e.Name] = append(x.dropins[e.Name], path)
		return
	}
	if _, ok := x.files[e.Name]; ok || !strings.HasSuffix(e.Name, ".service") {
		return
	}
	switch e.Type {
	case 0:
		x.files[e.Name] = unitFile{path: path}
	case fs.ModeSymlink:
		x.files[e.Name] = unitFile{path: path, alias: m.aliasOf(dir, path)}
	}
}

// aliasOf returns the name of the unit in the search path that a link points to, or "" if it points elsewhere.
func (m *Manager) aliasOf(dir, path string) string {
	target, err := m.h.ReadLink(path)
	if err != nil {
		return ""
	}
	p := m.h.Platform()
	if !p.IsAbs(target) {
		target = dir + "/" + target
	}
	target = p.Clean(target)
	for _, d := range m.searched {
		if strings.HasPrefix(target, d+"/") {
			return p.Base(target)
		}
	}
	return ""
}

// find follows aliases from a name to a unit's file, its real name and all names it goes by. An instance without a
// file of its own uses its template's.
func (x *unitIndex) find(n unitName) (path string, real unitName, names []string, ok bool) {
	for range 40 { // links to links, as deep as file systems allow
		names = append(names, n.id)
		f, found := x.files[n.id]
		if !found && n.isInstance() {
			f, found = x.files[n.template()]
		}
		if !found {
			return "", n, nil, false
		}
		if n.isInstance() && f.alias == n.template() {
			f = x.files[n.template()]
		}
		if f.alias == "" || f.alias == n.id {
			return f.path, n, x.withAliases(n, names), f.path != ""
		}
		next, valid := parseUnitName(f.alias)
		if !valid {
			return "", n, nil, false
		}
		if next.isTemplate() && n.isInstance() {
			next, _ = parseUnitName(next.withInstance(n.instance))
		}
		n = next
	}
	return "", n, nil, false
}

// withAliases returns the real name first, then every other name of the unit.
func (x *unitIndex) withAliases(n unitName, asked []string) []string {
	names := []string{n.id}
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range append(asked, x.aliases[n.id]...) {
		add(name)
	}
	if n.isInstance() {
		for _, template := range x.aliases[n.template()] {
			if t, ok := parseUnitName(template); ok && t.isTemplate() {
				add(t.withInstance(n.instance))
			}
		}
	}
	return names
}

// dropinFiles returns the drop-ins of a unit in the order in which they are read (src/shared/dropin.c,
// unit_file_find_dropin_paths).
func (m *Manager) dropinFiles(names []string) (files []string, problems []Problem) {
	x := m.index()
	var dirs []string
	for _, name := range names {
		n, ok := parseUnitName(name)
		if !ok {
			continue
		}
		candidates := dropinNames(n, 0)
		for _, base := range m.dirs {
			for _, c := range candidates {
				if d := base + "/" + c; slices.Contains(x.dropins[c], d) {
					dirs = append(dirs, d)
				}
			}
		}
	}
	for _, base := range m.dirs {
		if d := base + "/service.d"; slices.Contains(x.dropins["service.d"], d) {
			dirs = append(dirs, d)
		}
	}
	return confFiles(m.h, dirs, ".conf")
}

// dropinNames returns the names of the folders of drop-ins for one name, the most special first: foo-bar@i.service.d,
// foo-bar@.service.d, foo-.service.d, foo-@i.service.d, foo-@.service.d (unit_file_find_dirs, which drops the "@" of a
// template when it shortens the prefix).
func dropinNames(n unitName, depth int) []string {
	names := []string{n.id + ".d"}
	if n.isInstance() {
		t, ok := parseUnitName(n.template())
		if ok {
			names = append(names, dropinNames(t, depth)...)
		}
	}
	prefix, ok := shorterPrefix(n.prefix)
	if !ok || depth > 100 {
		return names
	}
	shorter := prefix + n.suffix
	if n.isInstance() {
		shorter = prefix + "@" + n.instance + n.suffix
	}
	if s, ok := parseUnitName(shorter); ok {
		names = append(names, dropinNames(s, depth+1)...)
	}
	return names
}

// shorterPrefix cuts a prefix after its last dash that is not its end: "foo-bar" and "foo-bar-" give "foo-".
func shorterPrefix(prefix string) (string, bool) {
	prefix = strings.TrimSuffix(prefix, "-")
	i := strings.LastIndexByte(prefix, '-')
	if i <= 0 {
		return "", false
	}
	return prefix[:i+1], true
}

// Units returns the names of all services in the manager's search path, sorted. Templates are not included.
func (m *Manager) Units() []string {
	var names []string
	for name := range m.index().files {
		if n, ok := parseUnitName(name); ok && !n.isTemplate() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// UnitsMentioning returns the names of services whose unit or drop-ins, in the folders where administrators and users
// write (not in /usr/lib), contain one of the words; sorted. Templates are not included.
func (m *Manager) UnitsMentioning(words ...string) []string {
	x := m.index()
	found := map[string]bool{}
	for name, f := range x.files {
		if f.alias == "" && !vendorDir(f.path) && m.mentions(f.path, words) {
			found[name] = true
		}
	}
	for name, dirs := range x.dropins {
		unit := strings.TrimSuffix(name, ".d")
		if _, ok := x.files[unit]; !ok {
			continue
		}
		files, _ := confFiles(m.h, slices.DeleteFunc(slices.Clone(dirs), vendorDir), ".conf")
		for _, f := range files {
			found[unit] = found[unit] || m.mentions(f, words)
		}
	}
	var names []string
	for name, yes := range found {
		if n, ok := parseUnitName(name); yes && ok && !n.isTemplate() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (m *Manager) mentions(file string, words []string) bool {
	data, _, _ := read(m.h, file)
	for _, w := range words {
		if strings.Contains(string(data), w) {
			return true
		}
	}
	return false
}

// masked reports whether a unit's file is a mask: empty, or a link to /dev/null.
func masked(h host.Host, path string) bool {
	info, err := host.Stat(h, path)
	return err == nil && (info.Mode.IsRegular() && info.Size == 0 || info.Mode&fs.ModeCharDevice != 0)
}

// errNoUnit is returned for a unit that is not in the search path, if all of that could be listed.
func (x *unitIndex) notFound(name string) error {
	if len(x.problems) > 0 {
		return &fs.PathError{Op: "find unit", Path: name, Err: unreadableError{x.problems[0].Why}}
	}
	return &fs.PathError{Op: "find unit", Path: name, Err: fs.ErrNotExist}
}

// unreadableError is the error for what cannot be told because of something unreadable.
type unreadableError struct{ why msg.Text }

func (e unreadableError) Error() string { return e.why.String() }
func (e unreadableError) Unwrap() error { return host.ErrUnknown }
