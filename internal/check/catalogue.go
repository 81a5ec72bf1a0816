package check

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/facts"
)

// All returns the catalogue, in the order in which results are shown.
func All() []Check {
	return slices.Concat(goChecks(), envChecks(), shellChecks())
}

// Categories returns the categories of checks, in order.
func Categories(checks []Check) []string {
	var out []string
	for i := range checks {
		if c := checks[i].Category(); !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// Select returns those of checks that names (ids or categories, "go.*" is "go") choose, without those that skip
// chooses. No names choose all. unknown is a name that chooses nothing, "" if there is none.
func Select(checks []Check, names, skip []string) (selected []Check, unknown string) {
	for _, name := range slices.Concat(names, skip) {
		if !slices.ContainsFunc(checks, func(c Check) bool { return c.matches(name) }) {
			return nil, name
		}
	}
	for _, c := range checks {
		matches := func(name string) bool { return c.matches(name) }
		if (len(names) == 0 || slices.ContainsFunc(names, matches)) && !slices.ContainsFunc(skip, matches) {
			selected = append(selected, c)
		}
	}
	return selected, ""
}

func (c *Check) matches(name string) bool {
	return name == c.ID || strings.TrimSuffix(name, ".*") == c.Category()
}

// Wanted returns what must be gathered for checks.
func Wanted(checks []Check) (sections []facts.Section) {
	for _, c := range checks {
		for _, s := range c.Facts {
			if !slices.Contains(sections, s) {
				sections = append(sections, s)
			}
		}
	}
	return sections
}

// Variables returns the variables that checks resolve for the consumers.
func Variables() []string {
	return []string{"GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GOFLAGS", "GOTOOLCHAIN", "GOROOT", "GOPATH",
		"GOBIN", "GOMODCACHE", "GOCACHE", "GO111MODULE", "GOOS", "GOARCH", "CGO_ENABLED", "CC", "GOTMPDIR", "GOWORK", "GOENV", "GODEBUG", "GOAUTH", "GOVCS", "GOEXPERIMENT"}
}
