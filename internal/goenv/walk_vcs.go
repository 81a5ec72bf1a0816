package goenv

import "github.com/goready/goready/internal/msg"

// VCSDecision says how the go command reaches the version control of a module.
type VCSDecision struct {
	// System is git, hg, svn, bzr or fossil where the module path tells; "" where a go-import page decides.
	System string
	// Root is the module path of the repository, and Repo its URL without what only a server could tell; "" as System.
	Root string
	Repo string
	// Discovery is the page that is asked for go-import tags; "" if the module path tells enough.
	Discovery string
	// Allowed are the systems that GOVCS allows for this module, and Rule the rule that says so.
	Allowed []string
	Rule    string
	// Private is the pattern of GOPRIVATE that makes the module private to GOVCS.
	Private PatternMatch
	// Insecure is the pattern of GOINSECURE that allows plain http and certificates that are not trusted.
	Insecure PatternMatch
	// HTTPProxy is the way of Go's own requests. Git and the others follow rules of their own.
	HTTPProxy ProxyDecision
	Why       msg.Text
	// Err is, in Go's own words, why version control is not asked at all.
	Err string
}

// DecideVCS says how the go command would fetch in.Module under "direct".
func DecideVCS(in WalkInput) VCSDecision { return VCSDecision{} }
