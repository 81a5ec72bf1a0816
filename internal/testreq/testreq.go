// Package testreq says what a test needs that may be missing on a machine: a program, a kernel feature.
//
// A test that lacks something is skipped and says what it lacks; with GOREADY_REQUIRE=all, which CI sets, it fails
// instead, so that no test is silently left out there. Only tests import this package.
package testreq

import (
	"os"
	"os/exec"
	"testing"
)

// Program returns the path of the program name, found on PATH.
func Program(t testing.TB, name string) string {
	t.Helper()
	file, err := exec.LookPath(name)
	if err != nil {
		Missing(t, "program "+name+" is not installed")
	}
	return file
}

// Missing ends the test because of what is missing.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("GOREADY_REQUIRE") == "all" {
		t.Fatal("GOREADY_REQUIRE=all: " + what)
	}
	t.Skip(what)
}
