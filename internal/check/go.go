package check

import (
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/msg"
)

// goChecks are the checks of the category go: which go command runs, whether it is one, whether it is the right one.
func goChecks() []Check {
	sections := []facts.Section{facts.SectionToolchain}
	return []Check{
		{ID: "go.binary-found", Severity: Error, Facts: sections, After: []string{"go.wsl-interop"},
			Title: msg.New("a go command is found here and by the editor"), Run: withToolchain(binaryFound)},
		{ID: "go.duplicates", Severity: Warning, Facts: sections, After: []string{"go.version-min", "go.wsl-interop", "go.arch", "go.manager-conflict"},
			Title: msg.New("one Go SDK is on PATH"), Run: withToolchain(duplicates)},
		{ID: "go.consumer-mismatch", Severity: Warning, Facts: sections,
			After: []string{"go.binary-found", "go.duplicates", "go.wsl-interop", "go.version-min", "go.arch"},
			Title: msg.New("shells, editor and jobs run the same Go SDK"), Run: withToolchain(consumerMismatch)},
		{ID: "go.shim", Severity: Warning, Platforms: []string{"linux", "darwin"}, Facts: sections, After: []string{"go.wsl-interop", "go.manager-conflict", "env.path-entries"},
			Title: msg.New("go is the go command itself, no stand-in"), Run: withToolchain(shim)},
		{ID: "go.goroot-env", Severity: Error, Facts: sections, Title: msg.New("GOROOT is not set, or right"), Run: withToolchain(gorootEnv)},
		{ID: "go.goroot-mixed", Severity: Error, Facts: []facts.Section{facts.SectionToolchain, facts.SectionCompiler}, Title: msg.New("the SDK's files are of one version"), Run: withToolchain(gorootMixed)},
		{ID: "go.version-age", Severity: Info, Facts: sections,
			Title: msg.New("the Go version still gets security fixes"), Run: withToolchain(versionAge)},
		{ID: "go.version-min", Severity: Error, Facts: sections,
			Title: msg.New("Go is 1.21 or newer"), Run: withToolchain(versionMin)},
		{ID: "go.toolchain-mode", Severity: Error, Facts: sections,
			Title: msg.New("GOTOOLCHAIN is valid and lets go.mod choose the toolchain"), Run: withToolchain(toolchainMode)},
		{ID: "go.toolchain-needed", Severity: Error, Facts: sections, After: []string{"go.toolchain-mode", "go.toolchain-two-part"},
			AfterLine: []string{"env.gosumdb-syntax", "env.goproxy-syntax"},
			Title:     msg.New("the toolchain that the workspace needs can run"), Run: withToolchain(toolchainNeeded)},
		{ID: "go.toolchain-two-part", Severity: Error, Facts: sections, After: []string{"go.toolchain-mode"},
			Title: msg.New("the go line names a release, not only a version of the language"), Run: withToolchain(twoPart)},
		{ID: "go.toolchain-offline", Severity: Info, Facts: sections,
			Title: msg.New("the toolchain that the workspace needs is on this machine"), Run: withToolchain(toolchainOffline)},
		{ID: "go.arch", Severity: Error, Facts: sections, After: []string{"go.wsl-interop"},
			Title: msg.New("the go command is made for this machine"), Run: withToolchain(goArch)},
		{ID: "go.wsl-interop", Severity: Error, Platforms: []string{"wsl"}, Facts: sections,
			Title: msg.New("WSL runs the Go of Linux"), Run: withToolchain(wslInterop)},
		{ID: "go.manager-conflict", Severity: Warning, Platforms: []string{"linux", "darwin"}, Facts: sections,
			Title: msg.New("one version manager is active"), Run: withToolchain(managerConflict)},
	}
}

// withToolchain makes a check of a function that needs the section.
func withToolchain(run func(*facts.Facts, *facts.Toolchain) []Finding) func(*facts.Facts) []Finding {
	return func(f *facts.Facts) []Finding {
		if f.Toolchain == nil {
			return nil
		}
		return run(f, f.Toolchain)
	}
}

// theGo is the object of findings about which go command runs.
const theGo = "go"
