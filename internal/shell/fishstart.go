package shell

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// startFish reads the start-up files of fish in its order. What fish's own share/config.fish does is part of this
// function, because that file is not in a place that can be relied on.
func startFish(t trace) {
	f := &fish{trace: t, universal: map[string]fishVar{}, funcs: map[string]*fishFunction{}, cwd: t.s.Dir}
	f.scopes = []*fishScope{{vars: map[string]fishVar{}}}
	f.importEnv()
	f.begin()
	if f.s.NoRC {
		return
	}
	f.readUniversal()
	f.setLocale()
	if f.s.Login {
		if _, st := f.e.look("/usr/libexec/path_helper", "", "/"); st.ok() {
			f.pathHelper()
		}
	}
	f.rebuildPath()
	f.readConfD()
	for _, file := range []string{f.sysconf() + "/config.fish", f.config + "/config.fish"} {
		if f.flow != flowExit {
			f.source(file, nil)
		}
	}
	f.recordHidden()
}

// begin sets what fish sets before it reads any file.
func (f *fish) begin() {
	own := func(name string, v fishVar) {
		v.from, v.at = "fish", layer.ShellFile
		f.scopes[0].vars[name] = v
		if v.export {
			f.record(name, v.variable())
		}
	}
	if f.cwd == "" {
		f.cwd = f.e.home()
	}
	own("PWD", fishVar{list: []string{f.cwd}, export: true})
	if _, _, ok := f.lookup("HOME"); !ok {
		own("HOME", fishVar{list: []string{f.e.home()}, export: true})
	}
	if _, _, ok := f.lookup("USER"); !ok {
		v := fishVar{list: []string{f.e.user()}, export: true}
		if f.e.user() == "" {
			v.why = msg.New("the user's name is not known")
		}
		own("USER", v)
	}
	if _, _, ok := f.lookup("PATH"); !ok {
		own("PATH", fishVar{list: []string{"/bin", "/usr/bin"}, export: true, path: true, why: msg.New("the shell's own default")})
	}
	if level, _, _ := f.lookup("SHLVL"); f.s.Interactive {
		n, _ := atoi(level.joined())
		own("SHLVL", fishVar{list: []string{itoa(int64(n + 1))}, export: true, why: level.why})
	}
	own("version", fishVar{list: []string{"3.6"}, why: msg.New("the shell computes it")})
	config, _, ok := f.lookup("XDG_CONFIG_HOME")
	if f.config = f.home() + "/.config/fish"; ok && config.joined() != "" {
		f.config = config.joined() + "/fish"
	}
	f.data = "/usr/share/fish"
	if prefix, ok := strings.CutSuffix(f.e.resolve(f.s.Path), "/bin/fish"); ok && prefix != "" {
		f.data = prefix + "/share/fish"
	}
}

// sysconf is the folder of the system's files: /etc/fish, or below the prefix of an own installation.
func (f *fish) sysconf() string {
	prefix := strings.TrimSuffix(f.data, "/share/fish")
	if prefix != "/usr" && prefix != "" {
		if _, st := f.stat(prefix + "/etc/fish"); st.ok() {
			return prefix + "/etc/fish"
		}
	}
	return "/etc/fish"
}

// readUniversal reads the universal variables, which `set -U` keeps in a file.
func (f *fish) readUniversal() {
	file := f.config + "/fish_variables"
	data, err := f.e.read(file)
	if err != nil {
		if uncertainError(err) {
			f.opaque(msg.New("%s is not recorded on this host", file))
		}
		return
	}
	f.visit(file, Read, msg.Text{})
	f.push(frame{file: file})
	for line := range strings.Lines(string(data)) {
		f.f.line++
		rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "SETUVAR ")
		if !ok {
			continue
		}
		v := fishVar{from: f.at(), at: f.f.env}
		for strings.HasPrefix(rest, "--") {
			var flag string
			flag, rest, _ = strings.Cut(rest, " ")
			v.export = v.export || flag == "--export"
			v.path = v.path || flag == "--path"
		}
		name, text, ok := strings.Cut(rest, ":")
		if !ok || !isName(name) {
			continue
		}
		v.list = []string{}
		if text != `\x1d` { // how fish writes the empty list
			v.list = strings.Split(ansiC(text), "\x1e")
		}
		v.path = v.path || isPathName(name)
		f.universal[name] = v
		f.recordFish(name, -1, fishVar{})
	}
	f.pop()
}

func localeNames() []string {
	return []string{"LANG", "LC_CTYPE", "LC_NUMERIC", "LC_TIME", "LC_COLLATE", "LC_MONETARY", "LC_MESSAGES", "LC_PAPER", "LC_NAME",
		"LC_ADDRESS", "LC_TELEPHONE", "LC_MEASUREMENT", "LC_IDENTIFICATION", "LC_ALL"}
}

// setLocale does what __fish_set_locale does: without any locale variable it reads the files of the system.
func (f *fish) setLocale() {
	for _, name := range localeNames() {
		if _, _, ok := f.lookup(name); ok {
			return
		}
	}
	found := false
	files := []string{strings.TrimSuffix(f.config, "/fish") + "/locale.conf", "/etc/locale.conf", "/etc/env.d/02locale", "/etc/sysconfig/i18n", "/etc/default/locale"}
	for _, file := range files {
		text, st := f.readFile(file)
		if !st.ok() {
			continue
		}
		f.push(frame{file: file})
		for line := range strings.Lines(text) {
			f.f.line++
			name, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			if _, _, set := f.lookup(name); ok && !set && slices.Contains(localeNames(), name) && name != "LC_ALL" {
				f.put(name, 0, fishVar{list: []string{strings.Trim(v, `'"`)}, export: true})
				found = true
			}
		}
		f.pop()
	}
	if !found {
		f.put("LC_CTYPE", 0, fishVar{list: []string{"en_US.UTF-8"}, export: true})
	}
}

func (f *fish) pathHelper() {
	v, _, _ := f.lookup("PATH")
	list, ok := f.e.pathHelper(v.joined())
	if v.list = strings.Split(list, ":"); !ok {
		v.why = msg.New("the folders of /etc/paths are not recorded on this host")
	}
	f.put("PATH", 0, fishVar{list: v.list, why: v.why, export: true, path: true})
}

// readConfD reads the files of the conf.d folders. Of files of the same name only the first is read.
func (f *fish) readConfD() {
	dirs := []string{f.config + "/conf.d", f.sysconf() + "/conf.d", f.home() + "/.local/share/fish/vendor_conf.d"}
	if xdg, _, ok := f.lookup("XDG_DATA_DIRS"); ok {
		for d := range strings.SplitSeq(strings.Join(xdg.list, ":"), ":") {
			dirs = append(dirs, strings.TrimRight(d, "/")+"/fish/vendor_conf.d")
		}
	}
	dirs = append(dirs, f.data+"/vendor_conf.d")
	seen := map[string]bool{}
	for _, dir := range dirs {
		entries, err := f.e.readDir(dir)
		if err != nil && uncertainError(err) {
			f.forget(msg.New("the directory %s is not recorded on this host", dir))
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name, ".fish") || strings.HasPrefix(e.Name, ".") || seen[e.Name] || f.flow == flowExit {
				continue
			}
			seen[e.Name] = true
			if info, st := f.stat(dir + "/" + e.Name); st.ok() && info.Mode.IsRegular() {
				f.source(dir+"/"+e.Name, nil)
			}
		}
	}
}

// recordHidden records, at the end, the global variables that were assigned but never exported.
func (f *fish) recordHidden() {
	for _, name := range f.order {
		if v, scope, ok := f.lookup(name); ok && scope <= 0 && v.hidden && v.from != "" {
			f.env.Add(name, layer.Set{Layer: v.at, From: v.from, Value: v.joined(), Skipped: msg.New("assigned but not exported")})
			v.hidden = false
			if scope == 0 {
				f.scopes[0].vars[name] = v
			}
		}
	}
}

// rebuildPath puts fish_user_paths before PATH, as __fish_reconstruct_path does when that variable changes.
func (f *fish) rebuildPath() {
	user, _, ok := f.lookup("fish_user_paths")
	if f.rebuilds++; !ok && len(f.added) == 0 || f.rebuilds > 5_000 {
		return
	}
	old, _, _ := f.lookup("PATH")
	list := slices.Clone(old.list)
	for _, a := range f.added {
		if i := slices.Index(list, a); i >= 0 {
			list = slices.Delete(list, i, i+1)
		}
	}
	f.added = nil
	paths := uniqueStrings(strings.Split(strings.Join(user.list, ":"), ":"))
	if len(user.list) == 0 {
		paths = nil
	}
	for _, p := range slices.Backward(paths) {
		if i := slices.Index(list, p); i >= 0 {
			list = slices.Delete(list, i, i+1)
		} else {
			f.added = append(f.added, p)
		}
		list = slices.Insert(list, 0, p)
	}
	why := old.why
	if why.IsZero() {
		why = user.why
	}
	if !slices.Equal(list, old.list) || !why.IsZero() {
		f.put("PATH", 0, fishVar{list: list, why: why, export: true, path: true, from: user.from, at: user.at})
	}
}

func uniqueStrings(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// addPath is the function fish_add_path.
func (f *fish) addPath(args []value) {
	scope, name, atEnd, move := "", "fish_user_paths", false, false
	for len(args) > 0 && strings.HasPrefix(args[0].s, "-") {
		flag := args[0].s
		args = args[1:]
		switch flag {
		case "--":
		case "--global", "--universal":
			scope = map[string]string{"--global": "g", "--universal": "U"}[flag]
		case "--path":
			name = "PATH"
		case "--append":
			atEnd = true
		case "--move":
			move = true
		default:
			for _, c := range strings.TrimLeft(flag, "-") {
				switch c {
				case 'g', 'U':
					scope = string(c)
				case 'P':
					name = "PATH"
				case 'a':
					atEnd = true
				case 'm':
					move = true
				case 'n':
					f.status = success
					return
				}
			}
		}
	}
	if _, _, ok := f.lookup("fish_user_paths"); !ok && scope == "" {
		scope = "U"
	}
	if name == "PATH" {
		scope = "g"
	}
	f.insertPaths(name, scope, args, atEnd, move)
}

func (f *fish) insertPaths(name, scope string, args []value, atEnd, move bool) {
	old, _, _ := f.lookup(name)
	v := old
	v.list = slices.Clone(old.list)
	var added []string
	for _, a := range args {
		dir := f.e.o.Host.Platform().Clean(abs(f.cwd, a.s))
		info, st := f.stat(dir)
		if !a.known() || !st.known() {
			v.why = a.why
			if v.why.IsZero() {
				v.why = st.why
			}
		} else if !st.ok() || !info.Mode.IsDir() || slices.Contains(added, dir) {
			continue
		}
		if i := slices.Index(v.list, dir); i >= 0 {
			if !move {
				continue
			}
			v.list = slices.Delete(v.list, i, i+1)
		}
		added = append(added, dir)
	}
	if f.status = statusOf(len(added) > 0); len(added) == 0 {
		return
	}
	if atEnd {
		v.list = append(v.list, added...)
	} else {
		v.list = append(added, v.list...)
	}
	v.path = v.path || isPathName(name)
	v.export = old.export
	f.put(name, f.scopeOf(scope, name), v)
}
