package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/explain"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/host"
)

// TestRecorded compares what goready predicts with what was recorded in a real editor, on a machine made of the files
// of each configuration. It needs neither the editor nor the shells.
func TestRecorded(t *testing.T) {
	agreed := 0
	all := configs(t)
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			if rec := readRecord(t, c.name); c.compare(t, rec.concrete(), c.foresee(t, rec)) {
				agreed++
			}
		})
	}
	t.Logf("predicted equals recorded in %d of %d configurations", agreed, len(all))
}

// goDefaults are what the go.env of the replayed machine says.
var goDefaults = map[string]string{
	"GOPROXY":     "https://proxy.example.com,direct",
	"GOSUMDB":     "sum.golang.org",
	"GOTOOLCHAIN": "auto",
}

// concrete returns the record with the values of goDefaults in the place of goDefault.
func (r *record) concrete() *record {
	c := *r
	c.Consumers = map[string]seen{}
	for id, s := range r.Consumers {
		c.Consumers[id] = seen{Env: s.Env, Go: maps.Clone(s.Go), Others: s.Others}
		for name, value := range s.Go {
			if value == goDefault {
				c.Consumers[id].Go[name] = goDefaults[name]
			}
		}
	}
	return &c
}

// foresee asks goready about the replayed machine.
func (c *config) foresee(t *testing.T, rec *record) predictions {
	t.Helper()
	const home = "/home/gopher"
	files := debian()
	files[home+"/.local/share/code-server/extensions/extensions.json"] = "[]" // code-server is installed
	for _, f := range c.files {
		files[home+"/"+f.name] = f.data
	}
	shell := c.shell
	if !strings.HasPrefix(shell, "/") {
		shell = "/usr/bin/" + shell
	}
	h := host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, c.serverEnv(home, "/tmp", shell, "/opt/node/bin:/usr/bin:/bin"), files)
	f, err := facts.Gather(t.Context(), h, facts.Options{
		Workspace:  home + "/" + c.open,
		Consumers:  slices.Sorted(maps.Keys(rec.Consumers)),
		EditorFrom: "terminal",
		Variables:  c.vars,
	})
	if err != nil {
		t.Fatal(err)
	}
	all := predictions{}
	for _, v := range explain.Variables(f, c.vars) {
		for _, d := range v.Consumers {
			all.add(d.Consumer, v.Name, prediction{string(d.State), d.Value, d.Reason.String()})
		}
	}
	return all
}

// debian returns what a configuration meets of a Debian machine: its programs, and stand-ins for its start-up files
// that do to the environment what the real ones do.
func debian() map[string]string {
	files := map[string]string{
		"/etc/passwd":                             "root:x:0:0:root:/home/gopher:/bin/bash\n",
		"/etc/profile":                            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nexport PATH\n",
		"/etc/bash.bashrc":                        "[ -z \"$PS1\" ] && return\nshopt -s checkwinsize\n",
		"/etc/zsh/zshenv":                         "",
		"/etc/zsh/zshrc":                          "",
		"/usr/local/go/VERSION":                   "go1.26.8\n",
		"/usr/local/go/bin/go":                    "#!",
		"/usr/local/go/pkg/tool/linux_amd64/link": "#!",
	}
	var env strings.Builder
	for name, value := range goDefaults {
		env.WriteString(name + "=" + value + "\n")
	}
	files["/usr/local/go/go.env"] = env.String()
	for _, name := range []string{"bash", "zsh", "fish", "dash", "sh", "cp"} {
		files["/bin/"+name] = "#!"
		files["/usr/bin/"+name] = "#!"
	}
	return files
}
