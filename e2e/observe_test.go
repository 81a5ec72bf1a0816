//go:build e2e && linux

package e2e

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// goTool is the go command that answers for the environments seen.
type goTool struct {
	path string
	root string
	vars map[string]string // every variable of go env, in an empty environment
}

func findGo(t *testing.T) *goTool {
	t.Helper()
	path, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	g := &goTool{path: path}
	g.vars = g.env(t, t.TempDir(), map[string]string{"HOME": "/nonexistent"})
	g.root = g.vars["GOROOT"]
	return g
}

// env asks go env in exactly the environment given.
func (g *goTool) env(t *testing.T, dir string, env map[string]string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), g.path, "env", "-json")
	cmd.Dir = dir
	cmd.Env = []string{}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go env: %v", err)
	}
	vars := map[string]string{}
	if err := json.Unmarshal(out, &vars); err != nil {
		t.Fatal(err)
	}
	return vars
}

// observe turns the probe's report into a record.
func (s *stage) observe(t *testing.T, g *goTool, r *report) *record {
	t.Helper()
	rec := &record{Editor: codeServer + ", VS Code " + r.VSCode, Consumers: map[string]seen{}}
	for id, env := range r.consumers() {
		rec.Consumers[id] = s.look(t, g, env)
	}
	var all []folderSettings
	if err := json.Unmarshal(s.scrub(r.Settings), &all); err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		maps.DeleteFunc(f.Values, func(_ string, v map[string]any) bool { return !anyScope(v) })
		if len(f.Values) > 0 {
			rec.Settings = append(rec.Settings, f)
		}
	}
	return rec
}

// anyScope removes what every setting has, and says whether some scope holds this one.
func anyScope(v map[string]any) bool {
	delete(v, "key")
	delete(v, "defaultValue")
	delete(v, "globalValue") // what globalLocalValue and globalRemoteValue make together
	return slices.ContainsFunc(slices.Collect(maps.Keys(v)), func(k string) bool { return k != "effective" })
}

func (s *stage) look(t *testing.T, g *goTool, env map[string]string) seen {
	t.Helper()
	out := seen{Env: map[string]string{}, Go: map[string]string{}}
	var others []string
	answers := g.env(t, s.folder(), env)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if name == "PATH" || slices.Contains(s.vars, name) {
			out.Env[name] = string(s.scrub([]byte(env[name])))
		} else if name != "VSCODE_L10N_BUNDLE_LOCATION" { // set by another extension, some time after its start
			others = append(others, name)
		}
	}
	for _, name := range s.vars {
		if _, ok := g.vars[name]; ok {
			out.Go[name] = string(s.scrub([]byte(answers[name])))
		}
	}
	out.Others = strings.Join(others, " ")
	return out
}

// folder is the working directory of most things the editor starts.
func (s *stage) folder() string {
	if strings.HasSuffix(s.open, ".code-workspace") {
		return filepath.Join(filepath.Dir(s.open), "one")
	}
	return s.open
}

// save writes the record for good.
func (r *record) save(t *testing.T, name string) {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "\t")
	if err := enc.Encode(r); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(recordFile(name), buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// portable returns the record with goDefault in the place of the values in defaults.
func (r *record) portable(defaults map[string]string) *record {
	p := *r
	p.Consumers = map[string]seen{}
	for id, s := range r.Consumers {
		p.Consumers[id] = seen{Env: withDefaults(s.Env, defaults), Go: withDefaults(s.Go, defaults), Others: s.Others}
	}
	return &p
}

func withDefaults(vars, defaults map[string]string) map[string]string {
	out := maps.Clone(vars)
	for name, value := range vars {
		if value != "" && value == defaults[name] {
			out[name] = goDefault
		}
	}
	return out
}
