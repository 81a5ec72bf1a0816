package check

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/goready/goready/internal/facts"
)

// TestToolchainKind asks the real go command which values of GOTOOLCHAIN are invalid.
func TestToolchainKind(t *testing.T) {
	for value, want := range map[string]string{
		"auto": "auto", "local+auto": "auto", "go1.21.0+auto": "auto", "local": "fixed", "path": "fixed", "local+path": "fixed", "go1.99.1": "fixed",
		"go1.99.1+path": "fixed", "go1.99.1-custom": "fixed", "on": "invalid", "1.21.0": "invalid", "AUTO": "invalid", "auto+path": "invalid",
		"local+x": "invalid", "go1.21+": "invalid", "gotip": "invalid", "+auto": "invalid", "go1.21/x": "invalid",
	} {
		if got := toolchainKind(value); got != want {
			t.Errorf("toolchainKind(%q) = %s, want %s", value, got, want)
		}
		cmd := exec.Command("go", "version")
		cmd.Dir = t.TempDir()
		cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+value, "GOPROXY=off", "GOFLAGS=-mod=mod", "GO111MODULE=")
		out, _ := cmd.CombinedOutput()
		if invalid := strings.Contains(string(out), "invalid GOTOOLCHAIN"); invalid != (want == "invalid") {
			t.Errorf("GOTOOLCHAIN=%q: go says %s", value, out)
		}
	}
}

// TestSlowCompiler: a compiler that does not answer tells nothing.
func TestSlowCompiler(t *testing.T) {
	tools := &facts.Toolchain{Commands: []facts.GoProgram{{Path: "/go/bin/go"}}, Compile: facts.Compile{Path: "/go/compile", Root: "/go", TimedOut: true}}
	tools.Commands[0].SDK.Root, tools.Commands[0].SDK.Version = "/go", "go1.26.8"
	if got := gorootMixed(&facts.Facts{}, tools); len(got) != 1 || got[0].Unknown.IsZero() {
		t.Errorf("a time limit gives %+v", got)
	}
	for output, want := range map[string]int{"": 0, "compile version go1.26.8": 0, "compile version go1.26.8 X:something": 0, "something else": 0,
		"compile version devel go1.28-0123": 0, "compile version go1.25.1": 1} {
		tools.Compile = facts.Compile{Path: "/go/compile", Root: "/go", Output: output}
		if got := gorootMixed(&facts.Facts{}, tools); len(got) != want {
			t.Errorf("%q gives %+v", output, got)
		}
	}
}

func TestNewestMinor(t *testing.T) {
	for date, want := range map[string]int{"": 27, "2026-01-10": 27, "2026-11-25": 27, "2027-01-31": 27, "2027-02-01": 28, "2027-08-20": 29, "2030-03-01": 34} {
		now, _ := time.Parse(time.DateOnly, date)
		if _, got := newestMinor(now); got != want {
			t.Errorf("newestMinor(%s) = %d, want %d", date, got, want)
		}
	}
	for i := 1; i < len(goReleases); i++ {
		if goReleases[i].minor != goReleases[i-1].minor+1 || goReleases[i].month <= goReleases[i-1].month {
			t.Errorf("%+v after %+v", goReleases[i], goReleases[i-1])
		}
	}
}

// TestAsksForLanguage has what real toolchains did with "go 1.27" and GOPROXY=off; see golang/go#62278.
func TestAsksForLanguage(t *testing.T) {
	for local, want := range map[string]bool{"go1.21.0": true, "go1.21.10": true, "go1.21.11": false, "go1.21.13": false, "go1.22.0": true, "go1.22.3": true,
		"go1.22.4": false, "go1.23.0": false, "go1.26.8": false} {
		if got := asksForLanguage(local); got != want {
			t.Errorf("asksForLanguage(%s) = %v", local, got)
		}
	}
}
