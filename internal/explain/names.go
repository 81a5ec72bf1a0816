package explain

import (
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/msg"
)

// nameNotes says what is to be known about a name itself: that it means nothing to Go, or not what many take it for.
func nameNotes(f *facts.Facts, name string) []msg.Text {
	if t, ok := misunderstood(name); ok {
		return []msg.Text{t}
	}
	if goenv.IsGoVariable(name) || !strings.HasPrefix(strings.ToUpper(name), "GO") {
		return nil
	}
	if near := goenv.Nearest(name, goenv.Variables()); near != "" && near != name {
		return []msg.Text{msg.New("Go does not know %s; did you mean %s", name, near)}
	}
	if readByRuntime(name) {
		return nil
	}
	return []msg.Text{msg.New("the go command does not know %s", name)}
}

// readByRuntime reports whether the Go runtime of every program reads the variable (package runtime, "Environment
// Variables").
func readByRuntime(name string) bool {
	switch name {
	case "GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GOTRACEBACK", "GORACE", "GOCOVERDIR", "GODEBUG":
		return true
	}
	return false
}

// misunderstood names variables that are widely recommended and that nothing reads, with what works instead.
func misunderstood(name string) (msg.Text, bool) {
	switch name {
	case "GOSUMDB_KEY":
		return msg.New("GOSUMDB_KEY does not exist; a key is part of GOSUMDB: \"name+hash+key\", or \"name+hash+key URL\""), true
	case "GONOSUMCHECK":
		return msg.New("GONOSUMCHECK does not exist; GONOSUMDB names the modules that are not looked up"), true
	case "GO_PROXY", "GO_PROXY_URL":
		return msg.New("%s does not exist; the variable is GOPROXY", name), true
	case "ALL_PROXY", "all_proxy":
		return msg.New("Go does not read %s; git, which Go runs for direct, does: set HTTPS_PROXY and HTTP_PROXY", name), true
	case "GO111MODULE":
		return msg.New("modules are the default since Go 1.16; the only value that changes anything is off, which breaks go install m@v and toolchain switching"), true
	}
	return msg.Text{}, false
}
