package team

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/goready/goready/internal/goenv"
)

// The texts that some values must match. The published schema has the same.
const (
	goPattern   = `^[1-9][0-9]*(\.(0|[1-9][0-9]*)){1,2}((rc|beta)[1-9][0-9]*)?$`
	envPattern  = `^[A-Za-z_][A-Za-z0-9_]*$`
	toolPattern = `^[^@\s]+@[^@\s]+$`
	idPattern   = `^[a-z]+\.[a-z0-9-]+$`
	skipPattern = `^[a-z]+(\.[a-z0-9-]+|\.\*)?$`
)

// Decode reads the contents of the file name. ids are those of the checks that exist. Every error is an [*Error].
func Decode(name string, data []byte, ids []string) (*File, error) {
	if len(data) > MaxSize {
		return nil, &Error{File: name, Text: fmt.Sprintf("larger than %d bytes", MaxSize)}
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if line := tooDeep(data); line > 0 {
		return nil, &Error{File: name, Line: line, Text: "nested too deeply"}
	}
	if err := toml.Unmarshal(data, &map[string]any{}); err != nil {
		return nil, syntaxError(name, err)
	}
	lines, err := walk(name, data)
	if err != nil {
		return nil, err
	}
	f := &File{Name: name}
	if err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(f); err != nil {
		return nil, syntaxError(name, err)
	}
	for i := range f.Doctor.Known {
		f.Doctor.Known[i].Line = lines.of("doctor", "known", fmt.Sprint(i))
	}
	v := validation{name: name, lines: lines, ids: ids}
	v.file(f)
	if v.err != nil {
		return nil, v.err
	}
	return f, nil
}

// maxDepth is how deep values may be nested: the parser calls itself for each level.
const maxDepth = 200

// tooDeep returns the number of a line with more than maxDepth brackets open, not counting what closes them: with the
// few levels this file needs, no reader of it gets near. 0 means that there is none.
func tooDeep(data []byte) int {
	depth, n := 0, 0
	for line := range bytes.Lines(data) {
		n++
		for _, c := range line {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(0, depth-1)
			}
		}
		if depth > maxDepth {
			return n
		}
	}
	return 0
}

func syntaxError(name string, err error) *Error {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok && len(strict.Errors) > 0 {
		err = &strict.Errors[0]
	}
	e := &Error{File: name, Text: strings.TrimPrefix(err.Error(), "toml: ")}
	if d, ok := errors.AsType[*toml.DecodeError](err); ok {
		e.Line, _ = d.Position()
	}
	return e
}

// validation finds the first value that cannot be meant.
type validation struct {
	name  string
	lines places
	ids   []string
	err   *Error
}

func (v *validation) file(f *File) {
	v.match(f.Go, goPattern, "a Go version such as 1.26 or 1.26.8", "go")
	for _, scope := range []struct {
		name string
		env  map[string]string
	}{{"user", f.Env.User}, {"session", f.Env.Session}, {"service", f.Env.Service}, {"machine", f.Env.Machine}, {"project", f.Env.Project}} {
		for key, value := range scope.env {
			if !matches(envPattern, key) {
				v.fail(nil, fmt.Sprintf("%q is not the name of a variable", key), "env", scope.name, key)
			}
			if strings.ContainsAny(value, "\x00\r\n") {
				v.fail(nil, fmt.Sprintf("the value of %s has a line break", key), "env", scope.name, key)
			}
		}
	}
	for key, value := range f.Tools {
		v.match(value, toolPattern, "a package and a version, PACKAGE@VERSION", "tools", key)
		if value == "" {
			v.fail(nil, "tools."+key+" is empty", "tools", key)
		}
	}
	for i, file := range f.CA.Files {
		if file == "" {
			v.fail(nil, "ca.files has an empty name", "ca", "files", fmt.Sprint(i))
		}
	}
	v.doctor(&f.Doctor)
}

func (v *validation) doctor(d *Doctor) {
	v.oneOf(d.FailOn, []string{"error", "warning", "never"}, "doctor", "fail-on")
	v.oneOf(d.Severity, []string{"error", "warning", "info"}, "doctor", "severity")
	categories := v.categories()
	for i, name := range d.Skip {
		if id := strings.TrimSuffix(name, ".*"); !slices.Contains(v.ids, name) && !slices.Contains(categories, id) {
			v.fail(slices.Concat(v.ids, categories), fmt.Sprintf("no check or category %q", name), "doctor", "skip", fmt.Sprint(i))
		}
	}
	for i, k := range d.Known {
		at := []string{"doctor", "known", fmt.Sprint(i)}
		switch {
		case k.ID == "":
			v.fail(nil, "doctor.known without an id", at...)
		case !slices.Contains(v.ids, k.ID):
			v.fail(v.ids, fmt.Sprintf("no check %q", k.ID), append(at, "id")...)
		}
	}
}

func (v *validation) categories() []string {
	var out []string
	for _, id := range v.ids {
		if category, _, _ := strings.Cut(id, "."); !slices.Contains(out, category) {
			out = append(out, category)
		}
	}
	return out
}

func (v *validation) match(value, pattern, want string, path ...string) {
	if value != "" && !matches(pattern, value) {
		v.fail(nil, fmt.Sprintf("%s: %q is not %s", strings.Join(path, "."), value, want), path...)
	}
	if value == "" && len(path) == 1 && v.lines.has(path...) {
		v.fail(nil, path[0]+" is empty", path...)
	}
}

func (v *validation) oneOf(value string, allowed []string, path ...string) {
	if v.lines.has(path...) && !slices.Contains(allowed, value) {
		v.fail(allowed, fmt.Sprintf("%s: unknown value %q, want %s", strings.Join(path, "."), value, strings.Join(allowed, ", ")), path...)
	}
}

// fail keeps the error that is nearest to the beginning of the file: maps have no order.
func (v *validation) fail(candidates []string, text string, path ...string) {
	e := &Error{File: v.name, Line: v.lines.of(path...), Text: text}
	if v.err != nil && v.err.Line <= e.Line {
		return
	}
	if word := quoted(text); word != "" {
		e.Near = goenv.Nearest(word, candidates)
	}
	v.err = e
}

// quoted returns what stands in quotes in a sentence.
func quoted(text string) string {
	_, rest, _ := strings.Cut(text, `"`)
	word, _, _ := strings.Cut(rest, `"`)
	return word
}

func matches(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }

// validDay reports whether text is a day.
func validDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}
