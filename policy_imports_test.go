package goready_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// importRule says what the packages in, except some, may import.
type importRule struct {
	in, except []string
	own        []string // the only own packages allowed; nil allows all
	not        []string // forbidden, own or not
	why        string
}

func (r importRule) applies(dir string) bool { return matches(r.in, dir) && !matches(r.except, dir) }

func (r importRule) forbids(dir, p string) bool {
	if matches(r.not, p) {
		return true
	}
	return r.own != nil && ownPackage(p) && !matches(r.own, p) && p != dir
}

func importViolations(m *module) []string {
	var out []string
	for _, f := range m.files {
		for _, spec := range f.Imports {
			p := imported(spec)
			if !f.test && !testPackage(f.dir) && testPackage(p) && ownPackage(p) {
				out = append(out, m.at(spec, "imports %s: only tests may", p))
			}
			if f.test || testPackage(f.dir) {
				continue
			}
			for _, r := range imports {
				if r.applies(f.dir) && r.forbids(f.dir, p) {
					out = append(out, m.at(spec, "imports %s: %s", p, r.why))
				}
			}
		}
	}
	return out
}

// closureViolations follows the own imports of the mains: what is linked through a third package counts too.
func closureViolations(m *module) []string {
	var out []string
	for _, half := range []struct {
		main string
		not  []string
	}{
		{"cmd/goready", serverHalf},
		{"cmd/goreadyd", list("internal/cli", "internal/check", "internal/explain", "internal/facts", "internal/plan")},
	} {
		for p, chain := range closure(m, half.main) {
			if matches(half.not, p) {
				out = append(out, fmt.Sprintf("%s links %s: %s", half.main, p, strings.Join(chain, " -> ")))
			}
		}
	}
	slices.Sort(out)
	return out
}

// closure returns the own packages linked into the program in dir, each with a shortest chain of imports.
func closure(m *module, dir string) map[string][]string {
	chains := map[string][]string{dir: {dir}}
	for queue := []string{dir}; len(queue) > 0; queue = queue[1:] {
		for _, f := range m.files {
			if f.dir != queue[0] || f.test {
				continue
			}
			for _, spec := range f.Imports {
				p := imported(spec)
				if _, seen := chains[p]; seen || !ownPackage(p) {
					continue
				}
				chains[p] = append(slices.Clone(chains[queue[0]]), p)
				queue = append(queue, p)
			}
		}
	}
	return chains
}

// nameViolations finds packages whose name says nothing.
func nameViolations(m *module) []string {
	vague := list("util", "utils", "common", "types", "models", "errors", "manager", "helpers", "misc", "base")
	var out []string
	dirs, files := m.packages()
	for _, dir := range dirs {
		if slices.Contains(vague, path.Base(dir)) {
			out = append(out, dir+": the name of the package says nothing about what it provides")
		}
		for _, f := range files[dir] {
			if n := f.Name.Name; slices.Contains(vague, n) && n != path.Base(dir) {
				out = append(out, m.at(f.Name, "the name of package %s says nothing about what it provides", n))
			}
		}
	}
	return out
}

// goModViolations compares the requirements of go.mod with the imports of all files, whatever system they are for.
func goModViolations(m *module) []string {
	if m.gomod == nil {
		return nil
	}
	var out []string
	used := map[string]bool{}
	for _, f := range m.files {
		for _, spec := range f.Imports {
			p := imported(spec)
			if ownPackage(p) || !strings.Contains(strings.SplitN(p, "/", 2)[0], ".") {
				continue
			}
			mod := requirement(m, p)
			if mod == "" {
				out = append(out, m.at(spec, "imports %s, which no module in go.mod provides", p))
			}
			used[mod] = true
		}
	}
	for _, r := range m.gomod.Require {
		switch {
		case used[r.Mod.Path] && r.Indirect:
			out = append(out, fmt.Sprintf("go.mod:%d: %s is imported, but marked indirect: run go mod tidy", r.Syntax.Start.Line, r.Mod.Path))
		case !used[r.Mod.Path] && !r.Indirect:
			out = append(out, fmt.Sprintf("go.mod:%d: %s is required, but no package imports it", r.Syntax.Start.Line, r.Mod.Path))
		}
	}
	return out
}

// requirement returns the required module with the longest path that could provide the package p.
func requirement(m *module, p string) string {
	best := ""
	for _, r := range m.gomod.Require {
		if mod := r.Mod.Path; (p == mod || strings.HasPrefix(p, mod+"/")) && len(mod) > len(best) {
			best = mod
		}
	}
	return best
}
