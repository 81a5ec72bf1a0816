package check

import (
	"slices"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/msg"
)

// envChecks are the checks of the category env: which layers set what, and what the values mean.
func envChecks() []Check { return slices.Concat(envLayerChecks(), envValueChecks()) }

// envLayerChecks are about the layers that variables come from.
func envLayerChecks() []Check {
	paths := []facts.Section{facts.SectionPaths}
	return []Check{
		{ID: "env.goenv-file", Severity: Error, Title: msg.New("the go env file says what it seems to say, and is read"), Facts: paths, Run: goenvFile},
		{ID: "env.persisted-target", Severity: Error, Title: msg.New("no other system, architecture or C compiler is set for good"), Facts: []facts.Section{facts.SectionPaths, facts.SectionProject},
			After: []string{"env.goenv-file"}, Run: persistedTarget},
		{ID: "env.goflags", Severity: Error, Title: msg.New("GOFLAGS has only flags that all go commands can live with"),
			Facts: paths, After: []string{"env.goenv-file"}, Run: goflags},
		{ID: "env.go111module", Severity: Error, Title: msg.New("GO111MODULE does not turn modules off"),
			Facts: paths, After: []string{"env.goenv-file"}, Run: go111module},
		{ID: "env.shadowed", Severity: Warning, Title: msg.New("nothing in the go env file is hidden by the process environment"),
			Facts: paths, AfterLine: valueCauses(), Run: shadowed},
		{ID: "env.consumer-divergence", Severity: Warning, Title: msg.New("shells and editor see the same values"),
			Facts:     paths,
			After:     []string{"env.shadowed", "shell.duplicate-exports", "shell.interactive-guard", "shell.mode-divergence"},
			AfterLine: append(valueCauses(), "go.binary-found", "go.consumer-mismatch"), Run: divergence},
		{ID: "env.frozen", Severity: Warning, Platforms: []string{"linux", "darwin"}, Facts: []facts.Section{facts.SectionProcesses}, Title: msg.New("what runs has the environment that a new process would get"), Run: frozen},
		{ID: "env.gobin", Severity: Error, Title: msg.New("GOBIN is a folder that go install can use"), Facts: paths,
			After: []string{"env.goenv-file", "env.persisted-target"}, Run: gobin},
		{ID: "env.bin-on-path", Severity: Warning, Title: msg.New("the folder of go install is on PATH"), Facts: paths,
			After: []string{"env.goenv-file"}, Run: binOnPath},
		{ID: "env.gopath", Severity: Error, Title: msg.New("GOPATH is a folder of its own that can be written"), Facts: paths,
			After: []string{"env.goenv-file"}, Run: gopath},
		{ID: "env.path-entries", Severity: Warning, Title: msg.New("PATH has no entries that are missing, relative or open to everybody"), Facts: paths, Run: pathEntries},
	}
}

// valueCauses are the checks that name why a value is wrong. Whoever repairs that changes the line, and need not be told
// that it hides another one or reaches only some consumers.
func valueCauses() []string {
	return []string{"env.goenv-file", "env.persisted-target", "env.goflags", "env.go111module", "env.gobin", "env.gopath", "env.cache-paths",
		"env.proxyvars", "env.goproxy-syntax", "env.gosumdb-syntax", "env.secrets", "go.goroot-env", "go.toolchain-mode"}
}
