package goenv

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goready/goready/internal/msg"
)

// VCSDecision says how the go command reaches the version control of a module.
type VCSDecision struct {
	// System is git, hg, svn, bzr or fossil where the module path tells; "" where a go-import page decides.
	System string
	// Root is the module path of the repository, and Repo its URL; both are "" where System is. Where a server has to be
	// asked which scheme it speaks, Repo has none.
	Root string
	Repo string
	// Discovery is the page that is asked for go-import tags; "" if the module path tells enough.
	Discovery string
	// Allowed are the systems that GOVCS allows for this module, and Rule the rule that allows or forbids System, as
	// written; where System is "", the first rule that applies to the module.
	Allowed []string
	Rule    string
	// Private is the pattern of GOPRIVATE that makes the module private to GOVCS.
	Private PatternMatch
	// Insecure is the pattern of GOINSECURE that allows plain http and certificates that are not trusted.
	Insecure PatternMatch
	// HTTPProxy is the way of Go's own request for Discovery. Git and the others follow rules of their own.
	HTTPProxy ProxyDecision
	Why       msg.Text
	// Err is, in Go's own words, why version control is not asked at all.
	Err string
}

// DecideVCS says how the go command would fetch in.Module under "direct": cmd/go/internal/vcs.RepoRootForImportPath.
func DecideVCS(in WalkInput) VCSDecision {
	var d VCSDecision
	if p, ok := MatchPattern(in.GOINSECURE, in.Module); ok {
		d.Insecure = PatternMatch{"GOINSECURE", p}
	}
	rules, rulesErr := parseGOVCS(in.GOVCS)
	repo, known, err := vcsFromPath(in.Module)
	d.System, d.Root, d.Repo = repo.system, repo.root, repo.repo
	root := d.Root
	if !known {
		root = in.Module // the page may name a shorter one
	}
	if p, ok := MatchPattern(in.GOPRIVATE, root); ok {
		d.Private = PatternMatch{"GOPRIVATE", p}
	}
	private := d.Private != PatternMatch{}
	d.Allowed, d.Rule = rules.allowed(root, private)
	switch {
	case err != nil:
		d.Err = err.Error()
	case known && rulesErr != nil:
		d.Err = rulesErr.Error()
	case known && !slices.Contains(d.Allowed, d.System):
		what := map[bool]string{true: "private", false: "public"}[private]
		d.Err = fmt.Sprintf("GOVCS disallows using %s for %s %s; see 'go help vcs'", d.System, what, d.Root)
	case !known:
		d.discover(in)
	}
	if known {
		d.Why = msg.New("the module path names a %s repository", d.System)
	}
	return d
}

// discover fills in the request for the go-import page: cmd/go/internal/vcs.urlForImportPath.
func (d *VCSDecision) discover(in WalkInput) {
	server, path, _ := strings.Cut(in.Module, "/")
	if !strings.Contains(server, ".") {
		d.Err = fmt.Sprintf("unrecognized import path %q: import path does not begin with hostname", in.Module)
		return
	}
	d.Discovery = "https://" + server + "/" + path + "?go-get=1"
	d.HTTPProxy = in.Proxy.Decide(d.Discovery)
	d.Why = msg.New("a page of %s names the repository", server)
}

// vcsRepo is a repository that a module path names by itself.
type vcsRepo struct{ system, root, repo string }

// vcsFromPath applies the table cmd/go/internal/vcs.vcsPaths: the hosts that Go knows, and paths with a suffix such as
// ".git". An error is a path that such a host cannot have.
func vcsFromPath(module string) (r vcsRepo, known bool, err error) {
	elements := strings.Split(module, "/")
	host := elements[0]
	switch {
	case host == "example.net":
		return r, false, errors.New("no modules on example.net")
	case module == "rsc.io":
		return r, false, errors.New("rsc.io is not a module")
	case host == "github.com" || host == "bitbucket.org":
		return vcsOnHost(elements, host, "git", 3, plainVCSElement)
	case strings.HasPrefix(module+"/", "hub.jazz.net/git/"):
		if len(elements) > 2 && strings.ContainsFunc(elements[2], func(c rune) bool { return (c < 'a' || 'z' < c) && (c < '0' || '9' < c) }) {
			return r, false, fmt.Errorf("invalid hub.jazz.net/git import path %q", module)
		}
		return vcsOnHost(elements, "hub.jazz.net/git", "git", 4, plainVCSElement)
	case host == "git.apache.org":
		return vcsOnHost(elements, host, "git", 2, func(s string) bool { return strings.HasSuffix(s, ".git") && plainVCSElement(s) })
	case host == "git.openstack.org":
		return vcsOnHost(elements, host, "git", 3, plainVCSElement)
	case host == "chiselapp.com":
		if len(elements) != 5 || elements[1] != "user" || elements[3] != "repository" {
			return r, false, fmt.Errorf("invalid chiselapp.com import path %q", module)
		}
		return vcsOnHost(elements, host, "fossil", 5, plainVCSElement)
	}
	return vcsFromSuffix(elements)
}

// vcsOnHost makes a repository of the first n elements of a path on a known host.
func vcsOnHost(elements []string, host, system string, n int, valid func(string) bool) (r vcsRepo, known bool, err error) {
	module := strings.Join(elements, "/")
	if len(elements) < n || slices.ContainsFunc(elements[1:], func(e string) bool { return !plainVCSElement(e) }) || !valid(elements[n-1]) {
		return r, false, fmt.Errorf("invalid %s import path %q", host, module)
	}
	root := strings.Join(elements[:n], "/")
	if host == "github.com" || host == "bitbucket.org" || host == "hub.jazz.net/git" {
		for _, suffix := range []string{".bzr", ".fossil", ".git", ".hg", ".svn"} {
			if strings.HasSuffix(root, suffix) {
				return r, false, fmt.Errorf("invalid version control suffix in %s/ path", host)
			}
		}
	}
	return vcsRepo{system, root, "https://" + root}, true, nil
}

// plainVCSElement reports whether s is made of word characters, dots and dashes, as Go's table wants.
func plainVCSElement(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("_.-", c))
	})
}

// vcsFromSuffix finds the last element that ends in the name of a system, as the general entry of Go's table does.
func vcsFromSuffix(elements []string) (r vcsRepo, known bool, err error) {
	odd := func(e string) bool { return !plainVCSElement(strings.TrimPrefix(e, "~")) }
	if !strings.Contains(elements[0], ".") || slices.ContainsFunc(elements[1:], odd) {
		return r, false, nil
	}
	for i := len(elements) - 1; i >= 1; i-- {
		e := strings.TrimPrefix(elements[i], "~")
		dot := strings.LastIndexByte(e, '.')
		if dot > 0 && slices.Contains(allVCS(), e[dot+1:]) {
			root := strings.Join(elements[:i+1], "/")
			return vcsRepo{e[dot+1:], root, strings.TrimSuffix(root, e[dot:])}, true, nil
		}
	}
	return r, false, nil
}

func allVCS() []string { return []string{"git", "hg", "svn", "bzr", "fossil"} }
