package sysenv

import (
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// WindowsEnv returns a new environment: the variables of the registry as Windows gives them to a program started from
// the desktop: the machine's, the user's over them, PATH joined, %NAME% expanded in values of type REG_EXPAND_SZ, those
// after the others. What Windows itself sets for a session (SystemRoot, USERPROFILE, …) is taken from the environment
// that goready was given.
func WindowsEnv(h host.Host) (*layer.Env, []Problem) {
	env := &layer.Env{FoldCase: true}
	for _, kv := range h.Environ() {
		if key, value, ok := strings.Cut(kv, "="); ok && isSessionVariable(key) {
			env.Add(key, layer.Set{Layer: layer.OSEnv, From: "Windows", Value: value, Why: msg.New("Windows sets it for every session")})
		}
	}
	problems := addRegistry(h, env, host.RegistryMachine, layer.WindowsMachine)
	return env, append(problems, addRegistry(h, env, host.RegistryUser, layer.WindowsUser)...)
}

// isSessionVariable reports whether Windows makes the variable up at logon (userenv, CreateEnvironmentBlock).
func isSessionVariable(name string) bool {
	switch strings.ToUpper(name) {
	case "ALLUSERSPROFILE", "APPDATA", "COMMONPROGRAMFILES", "COMMONPROGRAMFILES(X86)", "COMMONPROGRAMW6432",
		"COMPUTERNAME", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "LOGONSERVER", "PROGRAMDATA", "PROGRAMFILES",
		"PROGRAMFILES(X86)", "PROGRAMW6432", "PUBLIC", "SYSTEMDRIVE", "SYSTEMROOT", "USERDOMAIN",
		"USERDOMAIN_ROAMINGPROFILE", "USERNAME", "USERPROFILE":
		return true
	}
	return false
}

type registryValue struct {
	key, typ, value string
}

// parseRegistry parses the pseudo file of a registry key; see [host.RegistryUser].
func parseRegistry(data []byte) []registryValue {
	var values []registryValue
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		key, rest, _ := strings.Cut(line, "=")
		typ, value, ok := strings.Cut(rest, ":")
		if ok && key != "" {
			values = append(values, registryValue{key, typ, strings.ReplaceAll(value, "\u2028", "\n")})
		}
	}
	return values
}

// addRegistry adds the variables of one key: first the plain ones, then those that are expanded.
func addRegistry(h host.Host, env *layer.Env, file string, id layer.ID) []Problem {
	name := strings.TrimPrefix(file, host.RegistryPrefix)
	data, found, why := read(h, file)
	if !found {
		if why.IsZero() {
			return nil
		}
		opaque(env, id, name, why)
		return []Problem{{File: name, Why: why}}
	}
	values := parseRegistry(data)
	budget := 16 * maxValue
	for _, typ := range []string{"REG_SZ", "REG_EXPAND_SZ"} {
		for _, v := range values {
			if v.typ == typ {
				addRegistryValue(env, name, id, v, &budget)
			}
		}
	}
	return registryProblems(name, values)
}

func addRegistryValue(env *layer.Env, name string, id layer.ID, v registryValue, budget *int) {
	s := layer.Set{Layer: id, From: name + `\` + v.key, Value: v.value}
	if v.typ == "REG_EXPAND_SZ" {
		s.Value, s.Unknown = expandPercent(env, v.value)
	}
	if before, ok, _ := env.Lookup(v.key); ok && id == layer.WindowsUser && strings.EqualFold(v.key, "PATH") {
		s.Value = strings.TrimSuffix(before, ";") + ";" + s.Value
		s.Why = msg.New("the PATH of the user follows that of the machine")
	}
	if *budget -= len(s.Value); *budget < 0 {
		s.Value, s.Unknown = v.value, msg.New("the value grows too large when its variables are expanded")
	}
	env.Add(v.key, s)
}

// expandPercent replaces %NAME% by the variable; an unset one stays as it is written.
func expandPercent(env *layer.Env, s string) (string, msg.Text) {
	var out strings.Builder
	var unknown msg.Text
	for out.Len() < maxValue {
		start := strings.IndexByte(s, '%')
		if start < 0 {
			break
		}
		end := strings.IndexByte(s[start+1:], '%')
		if end < 0 {
			break
		}
		name := s[start+1 : start+1+end]
		value, ok, why := env.Lookup(name)
		if !why.IsZero() {
			unknown = dependsOn(name, why)
		}
		out.WriteString(s[:start])
		if !ok || name == "" {
			// The second sign may begin the next name.
			out.WriteString(s[start : start+1+end])
			s = s[start+1+end:]
			continue
		}
		out.WriteString(value)
		s = s[start+end+2:]
	}
	out.WriteString(s)
	return out.String(), unknown
}

// registryProblems names values that Windows does not use as they are most likely meant.
func registryProblems(name string, values []registryValue) []Problem {
	var problems []Problem
	for _, v := range values {
		switch {
		case v.typ == "REG_OTHER":
			problems = append(problems, Problem{File: name, Key: v.key, Why: msg.New("the value is not text, so Windows leaves it out")})
		case v.typ == "REG_SZ" && percentName(v.value) != "":
			problems = append(problems, Problem{File: name, Key: v.key, Why: msg.New("%s is not expanded, because the value has the type %s", percentName(v.value), v.typ)})
		case v.typ != "REG_EXPAND_SZ" && findVariable(v.value) != "":
			problems = append(problems, Problem{File: name, Key: v.key, Why: msg.New("%s is not expanded in this file", findVariable(v.value))})
		}
	}
	return problems
}

// percentName returns the first "%NAME%" in s, or "".
func percentName(s string) string {
	_, after, _ := strings.Cut(s, "%")
	name, _, ok := strings.Cut(after, "%")
	if !ok || name == "" || strings.ContainsAny(name, " ;") {
		return ""
	}
	return "%" + name + "%"
}
