package serve

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/goready/goready/internal/proxy"
	"github.com/goready/goready/internal/store"
)

// manual returns the operator's manual.
func manual(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../docs/goreadyd.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestManualOptions: the table of options has all of them, in the same order, with their defaults, and says which are
// fixed.
func TestManualOptions(t *testing.T) {
	var got, want []string
	_, table, _ := strings.Cut(manual(t), "| option | default |")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z.-]+)` \\| (.*?) \\| (.*) \\|$").FindAllStringSubmatch(table, -1) {
		row := m[1] + " = " + m[2]
		if strings.HasSuffix(m[3], " Fixed") {
			row += " fixed"
		}
		got = append(got, row)
	}
	for _, o := range newConfig().options() {
		text, err := o.value.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		row := o.name + " = `" + string(text) + "`"
		if o.from != "" {
			row = o.name + " = " + o.from
		}
		if o.fixed {
			row += " fixed"
		}
		want = append(want, row)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the manual has\n%s\nthe program has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestManualExample: the example is a good file that has every option; those with a fixed default have it.
func TestManualExample(t *testing.T) {
	_, example, _ := strings.Cut(manual(t), "```toml\n")
	example, _, ok := strings.Cut(example, "```\n")
	if !ok {
		t.Fatal("no example in the manual")
	}
	c := newConfig()
	if err := c.decode("docs/goreadyd.md", []byte(example)); err != nil {
		t.Fatal(err)
	}
	defaults := newConfig().options()
	for i, o := range c.options() {
		if !c.given[o.name] {
			t.Errorf("the example lacks %s", o.name)
		}
		got, _ := o.value.MarshalText()
		want, _ := defaults[i].value.MarshalText()
		if o.from == "" && string(got) != string(want) {
			t.Errorf("the example has %s = %q, the default is %q", o.name, got, want)
		}
	}
}

// TestManualFlags: the table of flags has those of all commands.
func TestManualFlags(t *testing.T) {
	text := manual(t)
	for _, cmd := range (Program{}).root().Commands() {
		if cmd.Name() == "help" {
			continue
		}
		if !strings.Contains(text, "| `goreadyd "+cmd.Name()) {
			t.Errorf("the manual lacks the command %s", cmd.Name())
		}
		for _, name := range flagNames(cmd) {
			row := regexp.MustCompile("(?m)^\\| `--" + name + "[ `].*\\b" + cmd.Name() + "\\b")
			if !row.MatchString(text) {
				t.Errorf("the manual lacks --%s of %s", name, cmd.Name())
			}
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `--([a-z-]+)[^|]*\\| ([a-z, ]+) \\|").FindAllStringSubmatch(text, -1) {
		for of := range strings.SplitSeq(m[2], ", ") {
			cmd, _, err := (Program{}).root().Find([]string{of})
			if err != nil || cmd.Flags().Lookup(m[1]) == nil {
				t.Errorf("the manual has a flag --%s of %s", m[1], of)
			}
		}
	}
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	for line := range strings.Lines(cmd.Flags().FlagUsages()) {
		name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "--"), " ")
		names = append(names, name)
	}
	return names
}

// TestManualMetrics: the table of metrics has those of the program, and no others.
func TestManualMetrics(t *testing.T) {
	server, err := proxy.New(proxy.Config{Store: &store.Memory{}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	described := make(chan *prometheus.Desc, 100)
	for _, c := range []prometheus.Collector{server, buildInfo{}, &reloads{}} {
		c.Describe(described)
	}
	close(described)
	var want []string
	for d := range described {
		want = append(want, regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())[1])
	}
	var got []string
	_, table, _ := strings.Cut(manual(t), "| metric | meaning |")
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		names, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		for _, m := range regexp.MustCompile("`(goreadyd_[a-z_]+)`").FindAllStringSubmatch(names, -1) {
			got = append(got, m[1])
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the manual has\n%s\nthe program has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
