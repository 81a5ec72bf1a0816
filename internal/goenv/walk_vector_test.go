package goenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestWalkVectors runs testdata/walk/*.txtar: a case and the walk wanted. The prediction must equal what is wanted, and
// the real go command must do the same. With GOREADY_UPDATE=1 the wanted walks are written anew.
//
// In the case, {404} is an entry that answers 404, {https:404} the same over TLS, {same} the one before once more,
// {key} the key of a checksum database that can be reached directly, {lostkey} that of one that knows nothing, {db} the
// URL of a database. A line direct=ANSWER says what version control answers, answer=URL=ANSWER what another entry does.
// In the walk, M is the module and DB the database.
func TestWalkVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "walk", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	l := newWalkLab(t)
	l.writeFolder(t, "example.com/m")
	for n, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			v := l.newVector(t, fmt.Sprintf("v%d", n), string(archive.Files[0].Data))
			w := SimulateWalk(l.input(t, v.walkCase))
			if got := v.render(w); got != string(archive.Files[1].Data) {
				t.Errorf("got\n%swant\n%s", got, archive.Files[1].Data)
				if os.Getenv("GOREADY_UPDATE") != "" {
					archive.Files[1].Data = []byte(got)
					if err := os.WriteFile(file, txtar.Format(archive), 0o666); err != nil {
						t.Error(err)
					}
				}
			}
			if w.Blocks {
				l.compareBlocked(t, v.walkCase)
			} else if diff := l.compare(t, v.walkCase); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// compareBlocked checks that the real go command is still waiting after more time than any answer takes.
func (l *walkLab) compareBlocked(t *testing.T, c walkCase) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	got := l.run(ctx, t, c.id, c.module+"@v1.0.0", "GOPROXY="+c.goproxy)
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) || len(got.requests) != 1 {
		t.Errorf("go ended by itself after %q: %s", got.requests, got.output)
	}
}

// walkVector is a case of a file.
type walkVector struct {
	walkCase
	names []string // of placeholders and what they stand for, in turn
}

func (l *walkLab) newVector(t *testing.T, id, text string) walkVector {
	t.Helper()
	v := walkVector{walkCase: walkCase{id: id, vars: map[string]string{}}}
	direct := "404"
	var answers, supported []string
	expand := func(s string) string {
		return regexp.MustCompile(`{[a-z0-9:]+}`).ReplaceAllStringFunc(s, func(p string) string {
			if p == "{same}" {
				return v.names[len(v.names)-2]
			}
			text, a, b := l.placeholder(t, id, strings.Trim(p, "{}"), len(v.names))
			v.names = append(v.names, text, p)
			if a != "" {
				answers, supported = append(answers, text+"="+a), append(supported, text+"="+b)
			}
			return text
		})
	}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		switch value = expand(value); key {
		case "GOPROXY":
			v.goproxy = value
		case "direct":
			direct = value
		case "module":
			v.module = value
		case "lookup":
			v.lookup = value
		case "answer":
			answers = append(answers, value)
		default:
			v.vars[key] = value
		}
	}
	if v.module == "" {
		v.module = direct + "-" + id + ".example.com/m"
	}
	v.names = append(v.names, v.module, "M", "db-"+id+".example.com", "DB")
	v.answers, v.supported = strings.Join(append(answers, "direct="+direct), ","), strings.Join(supported, ",")
	return v
}

// placeholder returns what stands for {name}, and for an entry its answers for modules and the checksum database.
func (l *walkLab) placeholder(t *testing.T, id, name string, n int) (text, answer, supported string) {
	t.Helper()
	switch name {
	case "key":
		_, key := l.newDatabase(t, id, "db")
		return key, "", ""
	case "lostkey":
		_, key := l.newDatabase(t, id, "lost")
		return key, "", ""
	case "db", "lost":
		return l.entryURL(id, n, name), "", ""
	case "files":
		return "file://" + filepath.Join(l.dir, "files", "full"), "ok", "404"
	case "nofiles":
		return "file://" + filepath.Join(l.dir, "files", "none"), "404", "404"
	case "deadproxy":
		return "http://" + walkClosedAddress, "", ""
	case "host:db":
		return "db-" + id + ".example.com", "", ""
	case "host:404": // an https server without its scheme
		return "404-" + id + ".example.com/proxy", "404", "404"
	}
	text = l.entryURL(id, n, name)
	for _, b := range sumDBBehaviours() {
		if b.name == name {
			return text, b.module, b.supported
		}
	}
	_, answer, found := strings.Cut(name, ":")
	if !found {
		answer = name
	}
	return text, answer, answer
}

// render describes a walk, with the placeholders in place of what they stand for.
func (v walkVector) render(w Walk) string {
	var b strings.Builder
	switch {
	case w.Blocks:
		b.WriteString("blocks\n")
	case w.Err != "":
		fmt.Fprintf(&b, "error %s\n", w.Err)
	default:
		fmt.Fprintf(&b, "served by %s\n", w.Served)
	}
	for _, s := range w.Steps {
		fmt.Fprintf(&b, "%s:", s.Entry.Redacted())
		last := WalkOutcome("")
		for _, f := range s.Files {
			if f.Outcome != last {
				fmt.Fprintf(&b, " %s", f.Outcome)
			}
			last = f.Outcome
			fmt.Fprintf(&b, " %s", f.Name)
		}
		if len(s.Files) == 0 {
			fmt.Fprintf(&b, " %s", s.Outcome)
		}
		b.WriteString("\n")
	}
	if w.SumDB.Used {
		fmt.Fprintf(&b, "sumdb %s\n", strings.TrimSpace(w.SumDB.Route.Base+" "+w.SumDB.Err))
	}
	return strings.NewReplacer(v.names...).Replace(b.String())
}
