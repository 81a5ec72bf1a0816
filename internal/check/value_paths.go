package check

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// checkCachePaths judges GOCACHE, GOMODCACHE and the folder for temporary files.
func checkCachePaths(f *facts.Facts) []Finding {
	out := unusableCaches(f)
	out = append(out, sameCaches(f)...)
	out = append(out, cachesInModule(f)...)
	return append(out, temporaryFolders(f)...)
}

// written reports whether somebody wrote the value, and it is neither a default nor computed from another variable.
func (v *seenValue) written() bool { return v.layer != layer.GoDefault && v.layer != layer.GoDerived }

// unusableCaches finds caches that are off or relative, with which go stops.
func unusableCaches(f *facts.Facts) []Finding {
	var out []Finding
	add := func(v seenValue, key, names string, text, cause msg.Text) {
		out = append(out, Finding{Object: v.name, Consumers: concerns(f, v.ids), Message: say("env.cache-paths."+key, names, text),
			Cause: cause, Evidence: []Evidence{v.evidence()}, Steps: v.repair(f, "")})
	}
	for _, v := range seenValues(f, "GOCACHE") {
		if v.value != "off" {
			continue
		}
		if !v.written() {
			for _, cache := range relativeCaches(f, v.ids) {
				add(cache, "relative", "variable value", msg.New("%s is \"%s\", which is no absolute path", cache.name, cache.value),
					msg.New("every build ends with %q", "GOCACHE is not defined and path in $XDG_CACHE_HOME is relative"))
			}
			continue // without a HOME that is another check's
		}
		// A relative value is off to go, which says so in other words.
		if v.value = asWritten(&v); v.value == "off" {
			add(v, "off", "variable", msg.New("%s is off", v.name),
				msg.New("every build ends with %q", "build cache is disabled by GOCACHE=off, but required as of Go 1.12"))
		} else {
			add(v, "relative", "variable value", msg.New("%s is \"%s\", which is no absolute path", v.name, v.value),
				msg.New("every build ends with %q", "build cache is required, but could not be located: GOCACHE is not an absolute path"))
		}
	}
	for _, v := range seenValues(f, "GOMODCACHE") {
		if v.written() && v.value != "" && !f.Platform.IsAbs(v.value) {
			add(v, "relative", "variable value", msg.New("%s is \"%s\", which is no absolute path", v.name, v.value),
				msg.New("every command that needs a module ends with %q", "GOMODCACHE entry is relative; must be absolute path"))
		}
	}
	return out
}

// relativeCaches returns the values of XDG_CACHE_HOME that are why some consumers have no build cache.
func relativeCaches(f *facts.Facts, ids []string) []seenValue {
	if f.Platform.OS == "darwin" || f.Platform.Windows() {
		return nil
	}
	var all []seenValue
	for _, id := range ids {
		if c := consumerOf(f, id); c != nil {
			if cache := fromTrail(c, "XDG_CACHE_HOME"); cache.value != "" && !f.Platform.IsAbs(cache.value) {
				all = append(all, cache)
			}
		}
	}
	return mergeSeen(all)
}

// asWritten returns the value of a variable before go made another one of it.
func asWritten(v *seenValue) string {
	if v.layer != layer.GoEnvFile {
		if value := v.consumer.Env.Get(v.name); value != "" {
			return value
		}
	}
	if v.consumer.User.File != nil {
		if value, _, ok := v.consumer.User.File.Lookup(v.name); ok && value != "" {
			return value
		}
	}
	return v.value
}

// sameCaches finds one folder that is both caches.
func sameCaches(f *facts.Facts) []Finding {
	var all []seenValue
	builds := map[string]Evidence{}
	for _, c := range developers(f) {
		build, ok := decided(f, c, "GOCACHE")
		modules, ok2 := decided(f, c, "GOMODCACHE")
		if ok && ok2 && f.Platform.IsAbs(build.value) && f.Platform.Clean(build.value) == f.Platform.Clean(modules.value) {
			all = append(all, modules)
			builds[modules.from] = build.evidence()
		}
	}
	var out []Finding
	for _, v := range mergeSeen(all) {
		out = append(out, Finding{Severity: Warning, Object: v.name, Consumers: concerns(f, v.ids),
			Message:  say("env.cache-paths.same", "value", msg.New("GOCACHE and GOMODCACHE are the same folder, \"%s\"", v.value)),
			Cause:    msg.New("\"go clean -modcache\" deletes the build cache too, and neither is where other tools look for it"),
			Evidence: []Evidence{v.evidence(), builds[v.from]}, Steps: v.repair(f, "")})
	}
	return out
}

// cachesInModule finds caches inside the module of the workspace, in a folder that "./..." does not pass over.
func cachesInModule(f *facts.Facts) []Finding {
	var out []Finding
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
		for _, v := range seenValues(f, name) {
			mod := v.consumer.Module.Mod.Name
			if mod == "" || !v.written() || !f.Platform.IsAbs(v.value) {
				continue
			}
			rel, ok := below(f, f.Platform.Dir(mod), v.value)
			if !ok || passedOver(f, rel) {
				continue
			}
			out = append(out, Finding{Severity: Warning, Object: name, Consumers: concerns(f, v.ids),
				Message:  say("env.cache-paths.in-module", "variable value module", msg.New("%s is \"%s\", inside the module of %s", name, v.value, mod)),
				Cause:    msg.New("the pattern ./..., gopls and git take what is cached for a part of the project"),
				Evidence: []Evidence{v.evidence(), {Path: mod}}, Steps: v.repair(f, "")})
		}
	}
	return out
}

// below returns name relative to the folder dir, with separators of the machine, if it is below it.
func below(f *facts.Facts, dir, name string) (rel string, ok bool) {
	name, sep := f.Platform.Clean(name), f.Platform.Separator()
	return strings.CutPrefix(name, strings.TrimSuffix(dir, sep)+sep)
}

// passedOver reports whether the pattern ./... passes over a folder, because of its name or that of a folder above it.
// also are names that are passed over besides.
func passedOver(f *facts.Facts, rel string, also ...string) bool {
	for part := range strings.SplitSeq(rel, f.Platform.Separator()) {
		if strings.HasPrefix(part, ".") || strings.HasPrefix(part, "_") || part == "testdata" || slices.Contains(also, part) {
			return true
		}
	}
	return false
}

// temporaryFolders finds GOTMPDIR, or else TMPDIR, where there is no folder.
func temporaryFolders(f *facts.Facts) []Finding {
	var all []seenValue
	for _, c := range developers(f) {
		v, ok := decided(f, c, "GOTMPDIR")
		if !ok || v.value == "" {
			if v, ok = temporaryVariable(f, c); !ok {
				continue
			}
		}
		all = append(all, v)
	}
	var out []Finding
	for _, v := range mergeSeen(all) {
		name := v.value
		if !f.Platform.IsAbs(name) {
			name = f.Platform.Join(v.consumer.Dir, name)
		}
		place, known := f.Project.Places[name]
		finding := Finding{Object: v.name, Consumers: concerns(f, v.ids), Evidence: []Evidence{v.evidence()},
			Cause: msg.New("every build ends with %q", "creating work dir")}
		switch {
		case strings.HasPrefix(v.value, "~") && !place.Folder:
			finding.Message = say("env.cache-paths.tilde", "variable value", msg.New("%s is \"%s\", and the ~ is not expanded", v.name, v.value))
			finding.Steps = v.repair(f, f.Home+v.value[1:])
			if f.Home == "" || v.value != "~" && !strings.HasPrefix(v.value[1:], f.Platform.Separator()) {
				finding.Steps = v.repair(f, "")
			}
		case !known || place.Unknown:
			continue
		case place.Absent && !f.Platform.IsAbs(v.value):
			finding.Message = say("env.cache-paths.relative", "variable value", msg.New("%s is \"%s\", which is no absolute path", v.name, v.value))
			finding.Steps = v.repair(f, "")
		case place.Absent:
			finding.Message = say("env.cache-paths.no-folder", "variable value", msg.New("%s is \"%s\", and there is no such folder", v.name, v.value))
			finding.Steps = v.repair(f, "")
			if _, own := below(f, f.Home, name); own && f.Home != "" {
				finding.Steps = []Step{{Text: msg.New("make the folder"), Command: makeFolder(f, name)}}
			}
		case !place.Folder:
			finding.Message = say("env.cache-paths.no-folder", "variable value", msg.New("%s is \"%s\", and that is no folder", v.name, v.value))
			finding.Steps = v.repair(f, "")
		case !f.Platform.IsAbs(v.value):
			finding.Severity = Warning
			finding.Message = say("env.cache-paths.relative", "variable value", msg.New("%s is \"%s\", which is no absolute path", v.name, v.value))
			finding.Cause = msg.New("in every other folder go looks for another one, and builds end with %q", "creating work dir")
			finding.Steps = v.repair(f, name)
		default:
			continue
		}
		out = append(out, finding)
	}
	return out
}

// temporaryVariable returns the variable that names the system's folder for temporary files.
func temporaryVariable(f *facts.Facts, c *facts.Consumer) (seenValue, bool) {
	names := []string{"TMPDIR"}
	if f.Platform.Windows() {
		names = []string{"TMP", "TEMP"}
	}
	for _, name := range names {
		if value, ok, unknown := c.Env.Lookup(name); !unknown.IsZero() {
			return seenValue{}, false
		} else if ok && value != "" {
			return fromTrail(c, name), true
		}
	}
	return seenValue{}, false
}

func makeFolder(f *facts.Facts, name string) string {
	if f.Platform.Windows() {
		return "New-Item -ItemType Directory -Force " + quote(f, name)
	}
	return "mkdir -p " + quote(f, name)
}

// oddFolder is a folder whose name programs stumble over, and the variables that name it or something below it.
type oddFolder struct {
	key, folder string
	severity    Severity
	variables   []string
	seen        seenValue
}

// checkSpecialChars finds names of folders that C compilers, and on Windows others, are known to stumble over.
func checkSpecialChars(f *facts.Facts) []Finding {
	var odd []oddFolder
	for _, name := range []string{"GOPATH", "GOMODCACHE", "GOROOT", "GOCACHE", "GOTMPDIR"} { // the roots first
		for _, v := range seenValues(f, name) {
			odd = addOdd(f, odd, v)
		}
	}
	if f.Platform.Windows() {
		for _, c := range developers(f) {
			if v, ok := temporaryVariable(f, c); ok {
				odd = addOdd(f, odd, v)
			}
		}
	}
	var out []Finding
	for i := range odd {
		out = append(out, odd[i].finding(f))
	}
	return append(out, blankCompiler(f)...)
}

// addOdd adds what is odd about a value to the list. Several variables below the same folder are one entry.
func addOdd(f *facts.Facts, odd []oddFolder, v seenValue) []oddFolder {
	key, severity := oddName(f, &v)
	if key == "" {
		return odd
	}
	folder := v.value
	if _, ok := below(f, f.Home, v.value); ok && key != "long" && f.Home != "" {
		if home := (seenValue{name: v.name, value: f.Home, consumer: v.consumer}); oddKey(f, &home) == key {
			folder = f.Home
		}
	}
	for i := range odd {
		if odd[i].key == key && f.Platform.Within(odd[i].folder, folder) {
			if !strings.Contains(" "+strings.Join(odd[i].variables, " ")+" ", " "+v.name+" ") {
				odd[i].variables = append(odd[i].variables, v.name)
			}
			return odd
		}
	}
	return append(odd, oddFolder{key, folder, severity, []string{v.name}, v})
}

// oddName says what is odd about the value of a variable that names a folder: "shell" characters, "letters" outside
// ASCII, "blanks", too "long"; "" if nothing is known to fail because of it.
func oddName(f *facts.Facts, v *seenValue) (key string, severity Severity) {
	key = oddKey(f, v)
	switch key {
	case "blanks":
		return key, Info
	case "letters", "shell":
		if !usesC(f, v.consumer) {
			if key == "shell" {
				return "", ""
			}
			return key, Info
		}
	}
	return key, Warning
}

func oddKey(f *facts.Facts, v *seenValue) string {
	if !f.Platform.Windows() {
		// go/build refuses these characters in ${SRCDIR} of a #cgo line; blanks and other letters are no problem.
		if (v.name == "GOMODCACHE" || v.name == "GOPATH") && strings.ContainsAny(v.value, "\"'`&#;()[]{}*?<>|\\") {
			return "shell"
		}
		return ""
	}
	// A name has to leave room for what is made in the folder, within the 260 characters that C compilers and git know.
	room := map[string]int{"GOMODCACHE": 150, "GOCACHE": 75, "GOTMPDIR": 80, "TMP": 80, "TEMP": 80, "GOROOT": 130}[v.name]
	switch {
	case strings.ContainsFunc(v.value, func(c rune) bool { return c > 0x7f }):
		return "letters"
	case room > 0 && len(v.value)+room > 260:
		return "long"
	case v.name != "GOROOT" && strings.Contains(v.value, " "):
		return "blanks" // C:\Program Files\Go is where Go's own installer puts it
	}
	return ""
}

// usesC reports whether a consumer's go command compiles C: cgo is on, and it found a C compiler.
func usesC(f *facts.Facts, c *facts.Consumer) bool {
	v, ok := decided(f, c, "CGO_ENABLED")
	return ok && v.value == "1"
}

func (o *oddFolder) finding(f *facts.Facts) Finding {
	variables := strings.Join(o.variables, ", ")
	finding := Finding{Severity: o.severity, Object: o.folder, Evidence: []Evidence{o.seen.evidence()}}
	plain := map[string]string{"GOPATH": `C:\go-work`, "GOMODCACHE": `C:\go-work\pkg\mod`, "GOCACHE": `C:\go-cache`, "GOTMPDIR": `C:\go-tmp`}
	finding.Steps = []Step{{Text: msg.New("make the folder for temporary files, which Go does not make itself"), Command: makeFolder(f, plain["GOTMPDIR"])},
		{Text: msg.New("give Go folders with short plain names"), Command: `go env -w GOPATH=C:\go-work GOCACHE=C:\go-cache GOTMPDIR=C:\go-tmp`}}
	switch o.key {
	case "shell":
		finding.Message = say("env.special-chars.shell", "folder variables", msg.New("\"%s\" (%s) has a character that cgo refuses", o.folder, variables))
		finding.Cause = msg.New("packages with C code that name their own folder fail: %q", "malformed #cgo argument")
		finding.Steps = o.plainFolder(f)
	case "letters":
		finding.Message = say("env.special-chars.letters", "folder variables", msg.New("\"%s\" (%s) has letters outside ASCII", o.folder, variables))
		finding.Cause = msg.New("gcc of MinGW, and with it cgo, may not find files in it: it knows the letters of the system's code page only")
	case "blanks":
		finding.Message = say("env.special-chars.blanks", "folder variables", msg.New("\"%s\" (%s) has blanks", o.folder, variables))
		finding.Cause = msg.New("go itself does not mind; scripts, make and gomobile often do")
	case "long":
		finding.Message = say("env.special-chars.long", "folder variables", msg.New("\"%s\" (%s) leaves too little of the 260 characters that names may have", o.folder, variables))
		finding.Cause = msg.New("C compilers and git fail for files deep inside, although go itself can read them")
	}
	if o.key != "shell" && o.seen.written() && o.folder == o.seen.value {
		finding.Steps = []Step{{Text: msg.New("move the folder to one with a short plain name, and change %s to name that (%s)", o.seen.name, o.seen.from)}}
		if folder := plain[o.seen.name]; folder != "" {
			finding.Steps = o.seen.repair(f, folder)
			if o.seen.name == "GOTMPDIR" {
				finding.Steps = append([]Step{{Text: msg.New("make the folder"), Command: makeFolder(f, folder)}}, finding.Steps...)
			}
		}
	}
	return finding
}

// plainFolder says how to give the variable a folder of the user's without odd characters: the default, or one that has
// to be chosen because the home folder has such characters too.
func (o *oddFolder) plainFolder(f *facts.Facts) []Step {
	usual := map[string]string{"GOPATH": f.Platform.Join(f.Home, "go"), "GOMODCACHE": f.Platform.Join(f.Home, "go", "pkg", "mod")}[o.seen.name]
	home := seenValue{name: o.seen.name, value: usual, consumer: o.seen.consumer}
	if f.Home != "" && usual != o.seen.value && oddKey(f, &home) == "" && o.seen.written() {
		return o.seen.repair(f, usual)
	}
	return []Step{{Text: msg.New("choose a folder of your own with a plain name, which other users cannot write, and name it with \"go env -w %s=FOLDER\"", o.seen.name)}}
}

// blankName reports whether a value of CC is the name of a program with blanks. first is what go takes for the program.
func blankName(f *facts.Facts, value string) (first string, ok bool) {
	if f.Project == nil {
		return "", false
	}
	first, _, blank := strings.Cut(value, " ")
	whole, known := f.Project.Places[value]
	return first, blank && known && !whole.Absent && !whole.Folder && !whole.Unknown && f.Project.Places[first].Absent
}

// blankCompiler finds CC whose value is the name of a program with blanks, which go takes for a program and arguments.
func blankCompiler(f *facts.Facts) []Finding {
	var out []Finding
	for _, v := range seenValues(f, "CC") {
		first, blank := blankName(f, v.value)
		if !blank {
			continue
		}
		steps := v.repair(f, "\""+v.value+"\"")
		if v.layer == layer.GoEnvFile {
			steps = append(v.repair(f, ""), alternatives(steps)...) // CC does not belong there
		}
		out = append(out, Finding{Object: v.name, Consumers: concerns(f, v.ids),
			Message:  say("env.special-chars.compiler", "variable value", msg.New("%s is \"%s\", and go takes what follows the blank for arguments", v.name, v.value)),
			Cause:    msg.New("cgo fails: C compiler \"%s\" not found", first),
			Evidence: []Evidence{v.evidence()}, Steps: steps})
	}
	return out
}
