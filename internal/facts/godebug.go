package facts

import (
	"regexp"
	"slices"
	"strings"

	"github.com/goready/goready/internal/goenv"
)

// maxGODEBUGs is of how many SDKs the keys of GODEBUG are read.
const maxGODEBUGs = 4

// godebug reads the keys of GODEBUG that the toolchains of those consumers know that have a GODEBUG, in their environment
// or in the go.mod of their module.
func (g *gatherer) godebug(p *Project) {
	read := map[string][]string{}
	inModule := func(c *Consumer) bool {
		return slices.ContainsFunc(p.Modules, func(m ProjectModule) bool { return m.File == c.Module.Mod.Name && len(m.Godebug) > 0 })
	}
	for i := range g.f.Consumers {
		c := &g.f.Consumers[i]
		if !c.Known() || !ForDevelopers(c.ID) || c.Env.Get("GODEBUG") == "" && !inModule(c) {
			continue
		}
		sdk := c.Go.SDK
		switch selected := goenv.SelectToolchain(g.f.query(c, &asker{g.h})); {
		case selected.Download || !selected.Unknown.IsZero() || !selected.Err.IsZero():
			continue
		case selected.SDK != nil:
			sdk = *selected.SDK
		}
		keys, known := read[sdk.Root]
		if !known && sdk.Root != "" && len(read) < maxGODEBUGs {
			keys = g.godebugKeys(sdk.Root)
			read[sdk.Root] = keys
		}
		if keys != nil {
			p.GODEBUG[c.ID] = GODEBUGKeys{sdk.Version, keys}
		}
	}
}

// godebugKeys returns the keys that the sources of an SDK know, nil if one of the tables is not there: that of
// internal/godebugs (since Go 1.21), the runtime's own, and those without a table, which are as old as Go 1.21 or
// only in other packages (internal/godebug names undocumented ones with a "#").
func (g *gatherer) godebugKeys(root string) []string {
	src := g.p.Join(root, "src")
	table, ok := g.read(g.p.Join(src, "internal", "godebugs", "table.go"))
	if !ok {
		return nil
	}
	runtime, ok := g.read(g.p.Join(src, "runtime", "runtime1.go"))
	if !ok {
		return nil
	}
	keys := godebugNames(string(table), `\{Name: "([a-z0-9]+)"`)
	vars := godebugNames(string(runtime), `(?m)^\t\{(?:name: )?"([a-z0-9]+)", (?:value: |atomic: )?&debug\.`)
	if len(keys) == 0 || len(vars) == 0 {
		return nil // the sources look different: nothing is known
	}
	keys = slices.Concat(keys, vars, []string{"memprofilerate", "execwait", "gofsystrace", "gofsystracelog", "gofsystracestack", "toolchaintrace",
		"gotoolchainexec", "cmdgonetlimit", "goindex", "multipartfiles", "fuzzdebug", "fuzzseed", "countertrace", "lazymod"})
	slices.Sort(keys)
	return slices.Compact(keys)
}

func godebugNames(source, pattern string) []string {
	var names []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(source, 1000) {
		names = append(names, m[1])
	}
	return names
}

// KnownGODEBUG reports whether a key is one of keys, or one whose name depends on the processor.
func KnownGODEBUG(keys []string, key string) bool {
	return slices.Contains(keys, key) || strings.HasPrefix(key, "cpu.")
}
