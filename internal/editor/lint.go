package editor

import (
	"slices"
	"strings"
	"unicode"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Lint returns what in the settings has no effect, is retired, has the wrong type or the wrong scope, in the order of
// the files. It does not repeat s.Problems.
func (s *Settings) Lint(m Model) []Problem {
	l := linter{s: s, m: m}
	for _, src := range append([]*source{s.application, s.user, s.remote, s.workspace}, s.folder...) {
		if src != nil && src.root != nil {
			for _, f := range src.root.Fields {
				l.topLevel(src, f)
			}
		}
	}
	for folder := range max(1, len(s.folder)) {
		if len(s.folder) == 0 {
			folder = -1
		}
		l.proxy(folder)
	}
	return l.problems
}

type linter struct {
	s        *Settings
	m        Model
	problems []Problem
}

// maxLint bounds the problems that are reported for one window.
const maxLint = 200

func (l *linter) add(sev Severity, pos Position, key string, text, instead msg.Text) {
	if len(l.problems) < maxLint {
		l.problems = append(l.problems, Problem{Pos: pos, Severity: sev, Key: key, Text: text, Instead: instead})
	}
}

// topLevel checks one member of a settings file.
func (l *linter) topLevel(src *source, f Field) {
	switch {
	case len(l.problems) >= maxLint:
	case f.Key == "go" && f.Value.Kind == Object:
		for _, inner := range f.Value.Fields {
			inner.Key = "go." + inner.Key
			l.topLevel(src, inner)
		}
	case strings.HasPrefix(f.Key, "gopls."):
		l.add(NoEffect, f.Pos, f.Key, msg.New("gopls refuses it, its options must be inside the object gopls"),
			msg.New(`"gopls": {"%s": …}`, strings.TrimPrefix(f.Key, "gopls.")))
	case strings.HasPrefix(f.Key, "go."), f.Key == "gopls", strings.HasPrefix(f.Key, "http."), strings.HasPrefix(f.Key, "terminal.integrated."),
		f.Key == "application.shellEnvironmentResolutionTimeout":
		l.setting(src, f)
	}
}

func (l *linter) setting(src *source, f Field) {
	info, known := lookupSetting(f.Key)
	if !known {
		if strings.HasPrefix(f.Key, "go.") && !registeredPrefix(f.Key) {
			l.unknownSetting(f)
			return
		}
		info = settingInfo{name: f.Key, scope: l.s.scopeOf(f.Key)}
	}
	if why := l.s.refuse(src, f.Key, info.scope); !why.IsZero() {
		l.add(NoEffect, f.Pos, f.Key, why, msg.Text{})
		return
	}
	if info.deprecated != "" {
		l.add(Advice, f.Pos, f.Key, msg.New("%s is deprecated", f.Key), msg.New("%s", info.deprecated))
	}
	if info.types != "" && !hasType(info.types, f.Value.Kind) {
		l.add(NoEffect, f.Pos, f.Key, msg.New("%s must be of type %s, not %s", f.Key, strings.ReplaceAll(info.types, "|", " or "), f.Value.Kind.String()), msg.Text{})
		return
	}
	l.value(f)
}

func hasType(types string, k Kind) bool {
	return slices.Contains(strings.Split(types, "|"), k.String())
}

// registeredPrefix reports whether a dotted key is a member of an object setting, as "go.toolsEnvVars.GOPROXY" is.
func registeredPrefix(key string) bool {
	for i := strings.LastIndexByte(key, '.'); i > 0; i = strings.LastIndexByte(key[:i], '.') {
		if info, ok := lookupSetting(key[:i]); ok {
			return strings.Contains(info.types, "object")
		}
	}
	return false
}

func (l *linter) unknownSetting(f Field) {
	for _, r := range retiredSettings() {
		if f.Key == r.name || strings.HasSuffix(r.name, ".*") && strings.HasPrefix(f.Key, r.name[:len(r.name)-1]) {
			l.add(NoEffect, f.Pos, f.Key, r.text(f.Key), r.better())
			return
		}
	}
	instead := msg.Text{}
	if near := nearest(f.Key, settingNames("go.")); near != "" {
		instead = msg.New("%s", near)
	}
	l.add(NoEffect, f.Pos, f.Key, msg.New("the Go extension has no setting %s", f.Key), instead)
}

// settingNames returns the known settings with a prefix.
func settingNames(prefix string) []string {
	var names []string
	for line := range strings.Lines(knownSettings) {
		if name, _, ok := strings.Cut(line, "\t"); ok && strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names
}

// value checks the value of a setting of the right type.
func (l *linter) value(f Field) {
	switch f.Key {
	case "go.toolsEnvVars":
		l.toolsEnvVars(f.Value)
	case "go.testEnvVars":
		l.envObject(f.Key, f.Value)
		for _, v := range f.Value.Fields {
			if strings.Contains(v.Value.Text, "${env:") {
				l.add(NoEffect, v.Pos, f.Key+"."+v.Key, msg.New("${env:X} is not replaced in go.testEnvVars"), msg.New("go.toolsEnvVars"))
			}
		}
	case "terminal.integrated.env.linux", "terminal.integrated.env.osx", "terminal.integrated.env.windows":
		l.envObject(f.Key, f.Value)
	case "gopls":
		l.gopls(f.Value)
	case "go.languageServerFlags":
		l.goplsFlags(f.Value)
	case "go.alternateTools":
		l.alternateTools(f.Value)
	case "go.goroot":
		l.goroot(f)
	case "go.lintTool":
		l.lintTool(f)
	case "go.toolsManagement.checkForUpdates":
		l.enum(f, "proxy", "local", "off")
	case "go.useLanguageServer":
		if f.Value.False() {
			l.add(Advice, f.Pos, f.Key, msg.New("without gopls most features of the extension are off"), msg.Text{})
		}
	case "go.delveConfig":
		l.delveConfig(f)
	}
}

func (l *linter) enum(f Field, values ...string) {
	if v, _ := f.Value.Str(); !slices.Contains(values, v) {
		l.add(NoEffect, f.Pos, f.Key, msg.New("%s knows the values %s", f.Key, strings.Join(values, ", ")), msg.Text{})
	}
}

func (l *linter) toolsEnvVars(n *Node) {
	l.envObject("go.toolsEnvVars", n)
	for _, f := range n.Fields {
		key := "go.toolsEnvVars." + f.Key
		switch {
		case f.Value.Kind == Null:
			l.add(Broken, f.Pos, key, msg.New("null does not remove the variable, its value becomes the text null"), msg.Text{})
		case f.Value.Kind != String:
			l.add(Broken, f.Pos, key, msg.New("the value is a %s; tools get the text %s, and debugging fails", f.Value.Kind.String(), f.Value.Env()), msg.New("put the value in quotes"))
		case f.Key == "GOROOT":
			l.add(Advice, f.Pos, key, msg.New("the extension runs the go of this GOROOT, but gopls runs the first go on PATH"), msg.New("go.goroot"))
		case f.Key == "PATH":
			l.add(Advice, f.Pos, key, msg.New("the extension does not look for go and its tools in this PATH, only the tools themselves do"), msg.New("go.alternateTools"))
		}
	}
}

// envObject checks the values of an object of variables.
func (l *linter) envObject(key string, n *Node) {
	for _, f := range n.Fields {
		l.envValue(key+"."+f.Key, f)
	}
}

func (l *linter) envValue(key string, f Field) {
	if strings.TrimSpace(f.Key) != f.Key || strings.Contains(f.Key, "=") {
		l.add(NoEffect, f.Pos, key, msg.New("the name of the variable has a blank or an equals sign in it"), msg.Text{})
	}
	if text, ok := f.Value.Str(); ok && goVariable(f.Key) {
		if why := oddText(text); !why.IsZero() {
			l.add(Broken, f.Pos, key, why, msg.Text{})
		}
	}
}

// goVariable reports whether a variable is one that Go reads and whose value cannot hold blanks at its ends or
// full-width characters.
func goVariable(name string) bool {
	up := strings.ToUpper(name)
	return strings.HasPrefix(name, "GO") || up == "HTTP_PROXY" || up == "HTTPS_PROXY" || up == "NO_PROXY" || up == "ALL_PROXY"
}

// oddText says what is odd about the characters of a value: what input methods and copying from web pages leave.
func oddText(v string) msg.Text {
	if strings.TrimSpace(v) != v {
		return msg.New("the value begins or ends with a blank")
	}
	for _, r := range v {
		switch {
		case 0xFF01 <= r && r <= 0xFF5E, r == '、', r == '。':
			return msg.New("the value has the full-width character %s in it", string(r))
		case 0x2018 <= r && r <= 0x201F:
			return msg.New("the value has the typographic quote %s in it", string(r))
		case r == 0xA0, r == 0x3000, 0x2000 <= r && r <= 0x200F, r == 0xFEFF, r == 0x2028, r == 0x2029:
			return msg.New("the value has the invisible character U+%04X in it", int(r))
		case unicode.IsControl(r):
			return msg.New("the value has a control character in it")
		}
	}
	return msg.Text{}
}

// gopls checks the options of gopls. Only what follows the last dot of a name counts there.
func (l *linter) gopls(n *Node) {
	seen := map[string]string{}
	for _, f := range n.Fields {
		name, key := goplsOption(f.Key), "gopls."+f.Key
		if first, ok := seen[name]; ok {
			l.add(Broken, f.Pos, key, msg.New("gopls takes %s and %s for the same option", first, f.Key), msg.Text{})
		}
		seen[name] = f.Key
		l.goplsOption(f, name, key)
	}
}

func (l *linter) goplsOption(f Field, name, key string) {
	if name == "env" {
		if f.Value.Kind != Object {
			l.add(Broken, f.Pos, key, msg.New("gopls ignores env, it must be an object of strings"), msg.Text{})
			return
		}
		l.envObject(key, f.Value)
		_, bad := goplsEnvMembers(Member{Key: f.Key, Value: f.Value, Pos: f.Pos, Trail: []Origin{{Layer: layer.GoplsEnv, Pos: f.Pos, Value: f.Value, Applied: true}}})
		l.problems = append(l.problems, bad...)
		return
	}
	if slices.Contains(goplsOptions(), name) {
		return
	}
	for _, r := range retiredGopls() {
		if r.name == name {
			l.add(NoEffect, f.Pos, key, msg.New("gopls does not take the option %s any more", name), r.better())
			return
		}
	}
	if f.Value.Kind == Object && slices.Contains([]string{"build", "ui", "formatting", "completion", "diagnostic", "documentation", "navigation", "inlayhint"}, name) {
		l.add(NoEffect, f.Pos, key, msg.New("gopls does not look into the object %s", f.Key), msg.New(`"gopls": {"%s.…": …}`, f.Key))
		return
	}
	instead := msg.Text{}
	if near := nearest(name, goplsOptions()); near != "" {
		instead = msg.New("%s", near)
	}
	l.add(NoEffect, f.Pos, key, msg.New("gopls has no option %s", name), instead)
}

// goplsFlags checks go.languageServerFlags: with a flag it does not know, gopls prints its usage and ends.
func (l *linter) goplsFlags(n *Node) {
	for _, e := range n.Elems {
		text, ok := e.Str()
		if !ok || !strings.HasPrefix(text, "-") || text == "-" || text == "--" {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(text[1:], "-"), "=")
		if slices.Contains(l.m.GoplsFlags, name) {
			continue
		}
		instead := msg.Text{}
		if name == "mod" || name == "modfile" || name == "tags" {
			instead = msg.New(`"gopls": {"build.buildFlags": ["%s"]}`, text)
		}
		l.add(Broken, e.Pos, "go.languageServerFlags", msg.New("gopls has no flag -%s and does not start", name), instead)
	}
}

func (l *linter) alternateTools(n *Node) {
	for _, f := range n.Fields {
		key := "go.alternateTools." + f.Key
		text, ok := f.Value.Str()
		switch {
		case slices.Contains(retiredTools(), f.Key):
			l.add(NoEffect, f.Pos, key, msg.New("the extension does not use the tool %s any more", f.Key), msg.Text{})
		case !ok:
			l.add(NoEffect, f.Pos, key, msg.New("%s must be of type %s, not %s", key, "string", f.Value.Kind.String()), msg.Text{})
		case strings.Contains(text, "${"), strings.HasPrefix(text, "~"):
		case l.s.platform().IsAbs(text) && !l.s.isProgram(text):
			l.add(NoEffect, f.Pos, key, msg.New("%s is no program; the extension says nothing and searches for %s as usual", text, f.Key), msg.Text{})
		}
	}
}

func (s *Settings) isProgram(path string) bool {
	info, err := host.Stat(s.h, path)
	return err != nil && !isAbsent(err) || err == nil && (host.IsExecutable(info) || s.platform().Windows() && info.Mode.IsRegular())
}

func (l *linter) goroot(f Field) {
	text, ok := f.Value.Str()
	if !ok || text == "" || strings.Contains(text, "${") || strings.HasPrefix(text, "~") {
		return
	}
	info, err := host.Stat(l.s.h, text)
	if err != nil && isAbsent(err) || err == nil && !info.Mode.IsDir() {
		l.add(NoEffect, f.Pos, f.Key, msg.New("go.goroot is ignored, it is not a directory"), msg.Text{})
	}
}

func (l *linter) lintTool(f Field) {
	v, ok := f.Value.Str()
	switch {
	case !ok:
	case !slices.Contains(l.m.LintTools, v):
		l.enum(f, l.m.LintTools...)
	case v == "golint":
		l.add(Advice, f.Pos, f.Key, msg.New("golint is frozen and deprecated"), msg.New("staticcheck"))
	}
}

func (l *linter) delveConfig(f Field) {
	for _, a := range f.Value.Fields {
		switch {
		case a.Key == "debugAdapter" && a.Value.Text == "legacy":
			l.add(Advice, a.Pos, "go.delveConfig.debugAdapter", msg.New("the legacy debug adapter is deprecated"), msg.New("dlv-dap"))
		case a.Key == "apiVersion", a.Key == "dlvLoadConfig", a.Key == "useApiV1":
			l.add(NoEffect, a.Pos, "go.delveConfig."+a.Key, msg.New("dlv-dap ignores %s", a.Key), msg.Text{})
		}
	}
}

// proxy checks what the setting http.proxy does to Go tools.
func (l *linter) proxy(folder int) {
	st := l.s.Lookup("http.proxy", -1)
	v, _ := st.Value.Str()
	if v == "" {
		return
	}
	pos := winner(st).Pos
	if scheme, _, ok := strings.Cut(v, "://"); ok && (strings.HasPrefix(scheme, "socks4") || scheme == "socks") {
		l.add(Broken, pos, "http.proxy", msg.New("Go does not know proxies of the kind %s and talks HTTP to them", scheme), msg.New("socks5://"))
	}
	no := l.s.Lookup("http.noProxy", -1)
	if len(no.Value.Strings()) == 0 {
		return
	}
	for _, mb := range l.s.Object("go.toolsEnvVars", folder) {
		if strings.EqualFold(mb.Key, "NO_PROXY") && mb.Value != nil {
			return
		}
	}
	l.add(Advice, winner(no).Pos, "http.noProxy", msg.New("the Go extension hands http.proxy to Go tools, but not http.noProxy"), msg.New(`"go.toolsEnvVars": {"NO_PROXY": "%s"}`, strings.Join(no.Value.Strings(), ",")))
}

// LintExtensions returns extensions that conflict with the Go extension.
func LintExtensions(h host.Host, v Variant) []Problem {
	var problems []Problem
	add := func(e Extension, text, instead msg.Text) {
		problems = append(problems, Problem{Pos: Position{File: e.Path}, Severity: Broken, Key: e.ID, Text: text, Instead: instead})
	}
	for _, id := range []string{"ms-vscode.go", "lukehoban.go"} {
		if e, ok := FindExtension(h, v, id); ok {
			add(e, msg.New("the extension %s is retired and conflicts with golang.go", id), msg.New("golang.go"))
		}
	}
	if e, ok := FindExtension(h, v, "golang.go-nightly"); ok {
		if _, both := FindExtension(h, v, "golang.go"); both {
			add(e, msg.New("golang.go and golang.go-nightly are both installed; only one may be enabled"), msg.Text{})
		}
	}
	return problems
}
