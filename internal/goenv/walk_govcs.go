package goenv

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// vcsRule is a rule of GOVCS: which systems modules that match pattern may use.
type vcsRule struct {
	pattern string
	systems []string
	text    string
}

// vcsRules are the rules of GOVCS in order; the first that matches a module counts.
type vcsRules []vcsRule

// parseGOVCS reads the value of GOVCS as cmd/go/internal/vcs.parseGOVCS does, with its errors, and adds the rules that
// Go applies after those of the user.
func parseGOVCS(value string) (vcsRules, error) {
	rules, err := parseVCSRules(value)
	if err != nil {
		return nil, err
	}
	return append(rules,
		vcsRule{"private", []string{"all"}, "private:all"},
		vcsRule{"public", []string{"git", "hg"}, "public:git|hg"},
	), nil
}

func parseVCSRules(value string) (vcsRules, error) {
	value = strings.TrimSpace(value)
	if value == "" {
		return nil, nil
	}
	var rules vcsRules
	seen := map[string]string{}
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		rule, err := parseVCSRule(item)
		if err != nil {
			return nil, err
		}
		if old := seen[rule.pattern]; old != "" {
			return nil, fmt.Errorf("unreachable pattern in GOVCS: %q after %q", item, old)
		}
		seen[rule.pattern] = item
		if slices.Contains(rule.systems, "") {
			return nil, fmt.Errorf("empty VCS name in GOVCS: %q", item)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parseVCSRule(item string) (vcsRule, error) {
	if item == "" {
		return vcsRule{}, errors.New("empty entry in GOVCS")
	}
	pattern, list, found := strings.Cut(item, ":")
	pattern, list = strings.TrimSpace(pattern), strings.TrimSpace(list)
	switch {
	case !found:
		return vcsRule{}, fmt.Errorf("malformed entry in GOVCS (missing colon): %q", item)
	case pattern == "":
		return vcsRule{}, fmt.Errorf("empty pattern in GOVCS: %q", item)
	case list == "":
		return vcsRule{}, fmt.Errorf("empty VCS list in GOVCS: %q", item)
	case pattern == "." || pattern == ".." || strings.HasPrefix(pattern, "./") || strings.HasPrefix(pattern, "../"):
		return vcsRule{}, fmt.Errorf("relative pattern not allowed in GOVCS: %q", pattern)
	}
	systems := strings.Split(list, "|")
	for i, s := range systems {
		systems[i] = strings.TrimSpace(s)
	}
	return vcsRule{pattern, systems, item}, nil
}

// allowed returns the systems that the rules allow for a repository, and the rule that decides.
func (rules vcsRules) allowed(root string, private bool) (systems []string, rule string) {
	for _, r := range rules {
		if !r.matches(root, private) {
			continue
		}
		if slices.Contains(r.systems, "all") {
			return allVCS(), r.text
		}
		for _, s := range allVCS() {
			if slices.Contains(r.systems, s) {
				systems = append(systems, s)
			}
		}
		return systems, r.text
	}
	return nil, ""
}

func (r vcsRule) matches(root string, private bool) bool {
	switch r.pattern {
	case "private":
		return private
	case "public":
		return !private
	}
	_, ok := MatchPattern(r.pattern, root)
	return ok
}
