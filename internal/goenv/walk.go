package goenv

import (
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// WalkInput is what decides where the go command gets a module from. All values are resolved: what `go env` prints.
type WalkInput struct {
	Platform host.Platform
	Module   string
	// Version is a version, or a query such as "latest" or "master"; "" is "latest".
	Version string

	GOPROXY    string
	GONOPROXY  string // after it took over GOPRIVATE
	GONOSUMDB  string // after it took over GOPRIVATE
	GOPRIVATE  string // decides for GOVCS what is private
	GOINSECURE string
	GOSUMDB    string
	GOVCS      string
	GOAUTH     string

	// Proxy is the HTTP proxy configuration of the process environment of the go command.
	Proxy HTTPProxyConfig
	// Answers says what the entries answer. Without any, the walk says what each class of answer would lead to.
	Answers Answers
	// SumDBAnswers says what the entries answer when asked whether they carry the checksum database ("supported"). Where
	// it says nothing, Answers counts: an entry that has the module is thought to carry the database, one that fails
	// fails here too.
	SumDBAnswers Answers
	// SumDBLookup is the answer of the checksum database itself, at whatever place it is asked; zero is ok.
	SumDBLookup Answer
}

// WalkOutcome is what becomes of a walk at one of its entries.
type WalkOutcome string

// The outcomes.
const (
	WalkServed  WalkOutcome = "served"  // the entry gives the file, or what Go takes for it
	WalkNext    WalkOutcome = "next"    // the entry fails and the next one is asked
	WalkStop    WalkOutcome = "stop"    // the entry fails and the walk ends with an error
	WalkSkipped WalkOutcome = "skipped" // the entry is not asked: it does not apply, or the walk ended before it
	WalkBlocks  WalkOutcome = "blocks"  // the go command waits there for ever
	WalkUnknown WalkOutcome = "unknown" // it depends on an answer that was not given
)

// WalkFile is what became of the request for one file at one entry.
type WalkFile struct {
	Name    string // ".info", ".mod", ".zip", "@v/list" or, for the checksum database, "supported"
	Outcome WalkOutcome
	Why     msg.Text
	Err     string // Go's own words, if the entry fails
}

// WalkStep is one entry of the list and what became of the walk there.
type WalkStep struct {
	Entry ProxyEntry
	Asked bool // something is sent to it
	// Answer is what it is said to answer; zero if that was not given or does not matter.
	Answer Answer
	// Outcome, Why and Err are those of the first file that the entry is asked for. Files has all of them: they differ
	// where an entry fails for one file and is taken for another.
	Outcome WalkOutcome
	Why     msg.Text
	Err     string
	Files   []WalkFile
	// Requests are the URLs that Go asks for, in order, passwords masked. An https URL that answers 4xx is there twice:
	// Go repeats the request after it asked GOAUTH for credentials.
	Requests []string
	// HTTPProxy says how the requests travel; zero for files and entries that send nothing.
	HTTPProxy ProxyDecision
}

// PatternMatch is the pattern of a variable that a module matches. The zero PatternMatch is no match.
type PatternMatch struct {
	Variable string
	Pattern  string
}

// IsZero reports whether m is no match.
func (m PatternMatch) IsZero() bool { return m == PatternMatch{} }

// Walk is what the go command does to get a module that is in no cache.
type Walk struct {
	Steps []WalkStep
	// Served is the entry that the module comes from ([ProxyEntry.Redacted]; "direct" for version control); "" if it
	// fails, blocks, or depends on answers not given. If its files come from different entries (see [WalkStep.Files]),
	// it is that of the last file.
	Served string
	// Err is the error that the go command ends with, in Go's own words (never translated), without its prefix
	// "go: module@version: "; "" if it does not fail. Where Go adds what this program cannot know, such as the address
	// that a name resolves to, only the known part is given.
	Err string
	// Blocks: the go command never ends, because a server accepts the connection and does not answer.
	Blocks bool
	// Depends: the end depends on answers that were not given.
	Depends bool
	// Private is the pattern of GONOPROXY that sends the module to version control.
	Private PatternMatch
	SumDB   SumDBDecision
	// VCS is how version control would be reached; nil if no entry leads there.
	VCS *VCSDecision
	// Unused are the names in Answers that are no entry of the list.
	Unused []string
}

// SimulateWalk says which entries of GOPROXY the go command asks for a module, in which order, and how that ends. It
// follows `go mod download module@version` with an empty module cache and no go.sum, which asks for the same files in
// the same order as a build does: one walk for each file, as cmd/go/internal/modfetch.TryProxies does it.
func SimulateWalk(in WalkInput) Walk {
	if in.Version == "" {
		in.Version = "latest"
	}
	if in.Module == "go" || in.Module == "toolchain" {
		// Lookup in cmd/go/internal/modfetch: the versions of Go are those of this module.
		in.Module = "golang.org/toolchain"
	}
	var w Walk
	if p, ok := MatchPattern(in.GONOPROXY, in.Module); ok {
		w.Private = PatternMatch{"GONOPROXY", p}
	}
	list, err := ParseProxyList(in.GOPROXY, in.GONOPROXY, in.Platform)
	if err != nil {
		w.refuse(list, err.Error())
		return w
	}
	if err := module.CheckPath(in.Module); err != nil {
		w.refuse(list, err.Error())
		return w
	}
	s := newProxyWalker(in, list)
	w.Unused, w.VCS = s.unused, s.vcs
	w.SumDB = DecideSumDB(in)
	s.sumdb = w.SumDB
	s.run(&w)
	return w
}

// refuse makes w a walk that fails before anything is asked.
func (w *Walk) refuse(list []ProxyEntry, text string) {
	w.Err = text
	for _, e := range list {
		why := e.Problem
		if why.IsZero() {
			why = msg.New("nothing is asked: every lookup fails before")
		}
		w.Steps = append(w.Steps, WalkStep{Entry: e, Outcome: WalkSkipped, Why: why})
	}
}

// walkFiles returns the files that a download of module@version asks for, each by a walk of its own.
func walkFiles(in WalkInput) []string {
	switch {
	case in.Module == "golang.org/toolchain" && strings.HasPrefix(in.Version, "v0.0.1-go"):
		return []string{".zip"} // cmd/go/internal/toolchain asks for nothing else
	case walkVersionQuery(in.Version):
		return []string{"@v/list", ".mod", ".zip"}
	}
	return []string{".info", ".mod", ".zip"}
}

// walkVersionQuery reports whether version chooses from the list of versions ("latest", "v1", ">=v1.2.0"), unlike a
// version or a revision, which a proxy is asked for as it is: cmd/go/internal/modload.newQueryMatcher.
func walkVersionQuery(version string) bool {
	switch version {
	case "latest", "upgrade", "patch":
		return true
	}
	if strings.HasPrefix(version, "<") || strings.HasPrefix(version, ">") {
		return true
	}
	return semver.IsValid(version) && strings.Count(version, ".") < 2 && semver.Prerelease(version)+semver.Build(version) == ""
}

// unknownVersion stands in [WalkStep.Requests] for a version that only a server knows.
const unknownVersion = "VERSION"
