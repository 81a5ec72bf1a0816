package editor

import (
	"strings"
	"unicode/utf8"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// maxEnvFile bounds the values of one env file together: each may be twice as long as the one before.
const maxEnvFile = 16 << 20

// EnvLine is an assignment in an env file.
type EnvLine struct {
	Key   string
	Text  Text // the value after expansion
	Line  int
	Taken bool // false: a later line sets the same key
}

// EnvFile is a parsed env file.
type EnvFile struct {
	Name  string
	Lines []EnvLine
	// Ignored are the numbers of lines that are no comment and no assignment; the extension skips them silently.
	Ignored []int
}

// ParseEnvFile reads an env file (launch.json envFile, go.testEnvFile) the way the Go extension does
// (utils/envUtils.ts parseEnvFile): KEY=value with an optional "export "; one quote is removed from each end of a
// value; \n becomes a line break inside double quotes; ${X} is an earlier key of the file, else a variable of env, else
// empty; \$ is a dollar. A "#" inside a line does not start a comment.
func ParseEnvFile(name string, data []byte, env *layer.Env) EnvFile {
	file := EnvFile{Name: name}
	text := strings.TrimPrefix(validUTF8(data), "\uFEFF")
	local := map[string]Text{}
	last := map[string]int{}
	budget := maxEnvFile
	for n := 1; ; n++ {
		line, rest, more := strings.Cut(text, "\n")
		key, value, ok := envAssignment(line)
		if ok {
			t := expandEnvValue(unquoteEnv(value), local, env)
			if budget -= len(t.Value); budget < 0 {
				t = Text{Unknown: msg.New("the text becomes too long")}
			}
			if i, again := last[key]; again {
				file.Lines[i].Taken = false
			}
			last[key] = len(file.Lines)
			local[key] = t
			file.Lines = append(file.Lines, EnvLine{Key: key, Text: t, Line: n, Taken: true})
		} else if t := trimJS(line); t != "" && t[0] != '#' && len(file.Ignored) < maxProblems {
			file.Ignored = append(file.Ignored, n)
		}
		if !more {
			return file
		}
		text = rest
	}
}

// envAssignment matches ^\s*(export\s+)?([\w.-]+)\s*=\s*(.*)?\s*$ where the dot does not match a line terminator, so
// that a carriage return can only be part of the white space around the value.
func envAssignment(line string) (key, value string, ok bool) {
	s := strings.TrimLeftFunc(line, isSpaceJS)
	if rest, cut := strings.CutPrefix(s, "export"); cut {
		if name := strings.TrimLeftFunc(rest, isSpaceJS); name != rest {
			if key, value, ok = envKeyValue(name); ok {
				return key, value, true
			}
		}
	}
	return envKeyValue(s)
}

func envKeyValue(s string) (key, value string, ok bool) {
	i := strings.IndexFunc(s, func(r rune) bool { return !isWordJS(r) && r != '.' && r != '-' })
	if i <= 0 {
		return "", "", false
	}
	key, s = s[:i], strings.TrimLeftFunc(s[i:], isSpaceJS)
	if s == "" || s[0] != '=' {
		return "", "", false
	}
	value = strings.TrimLeftFunc(s[1:], isSpaceJS)
	if j := strings.IndexAny(value, "\r\u2028\u2029"); j >= 0 {
		if trimJS(value[j:]) != "" {
			return "", "", false
		}
		value = value[:j]
	}
	return key, value, true
}

// isWordJS reports whether JavaScript's \w matches r.
func isWordJS(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_'
}

func unquoteEnv(v string) string {
	if v == "" {
		return v
	}
	if v[0] == '"' && v[len(v)-1] == '"' {
		v = strings.ReplaceAll(v, `\n`, "\n")
	}
	if v[0] == '\'' || v[0] == '"' {
		v = v[1:]
	}
	if n := len(v); n > 0 && (v[n-1] == '\'' || v[n-1] == '"') {
		v = v[:n-1]
	}
	return v
}

// expandEnvValue is substituteEnvVars. One reference that is no plain name keeps all of the value from being expanded.
func expandEnvValue(value string, local map[string]Text, env *layer.Env) Text {
	var b strings.Builder
	var unknown msg.Text
	invalid := false
	for i := 0; i < len(value); {
		name, end, plain, ok := envReference(value, i)
		if !ok {
			end = max(end, i+1)
			b.WriteString(value[i:end])
			i = end
			continue
		}
		switch {
		case i > 0 && value[i-1] == '\\':
			b.WriteString(value[i:end])
		case !plain:
			invalid = true
			b.WriteString(value[i:end])
		default:
			t := envValue(name, local, env)
			b.WriteString(t.Value)
			if !t.Unknown.IsZero() {
				unknown = t.Unknown
			}
		}
		if b.Len() > maxExpanded {
			return Text{Value: value, Unknown: msg.New("the text becomes too long")}
		}
		i = end
	}
	if !invalid {
		value = b.String()
	} else {
		unknown = msg.Text{}
	}
	return Text{Value: strings.ReplaceAll(value, `\$`, "$"), Unknown: unknown}
}

func envValue(name string, local map[string]Text, env *layer.Env) Text {
	if t, ok := local[name]; ok && (t.Value != "" || !t.Unknown.IsZero()) {
		return t
	}
	v, _, unknown := env.Lookup(name)
	if !unknown.IsZero() {
		unknown = msg.New("%s is unknown: %s", name, unknown)
	}
	return Text{Value: v, Unknown: unknown}
}

// envReference matches \${([a-zA-Z]\w*)?([^}\w].*)?} at i. plain: there is a name and nothing but a name. If there is
// no match at i and none before a later offset either, that is end.
func envReference(s string, i int) (name string, end int, plain, ok bool) {
	if !strings.HasPrefix(s[i:], "${") {
		return "", 0, false, false
	}
	j := i + 2
	for j < len(s) && isWordJS(rune(s[j])) && (j > i+2 || !isDigit(s[j]) && s[j] != '_') {
		j++
	}
	name = s[i+2 : j]
	if j < len(s) && s[j] == '}' {
		return name, j + 1, name != "", true
	}
	if j >= len(s) || isWordJS(rune(s[j])) {
		return "", 0, false, false
	}
	// Anything up to the last brace of the line.
	_, w := utf8.DecodeRuneInString(s[j:])
	lineEnd := len(s)
	if k := strings.IndexAny(s[j+w:], "\n\r\u2028\u2029"); k >= 0 {
		lineEnd = j + w + k
	}
	k := strings.LastIndexByte(s[j+w:lineEnd], '}')
	if k < 0 {
		return "", lineEnd, false, false
	}
	return name, j + w + k + 1, false, true
}
