package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"goreadyd": main})
}

// TestScripts runs the scripts of testdata/script against the binary. Each has a private HOME, no go command on PATH
// ($GOPATHDIR is the folder of the real one), and in $PORT a port that nobody uses.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: setup,
		Deadline: time.Now().Add(time.Minute)}) // a server that starts does not end
}

func setup(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	if err := os.MkdirAll(filepath.Join(home, "config", "go", "telemetry"), 0o777); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(home, "config", "go", "telemetry", "mode"), []byte("off"), 0o666); err != nil {
		return err
	}
	program, err := exec.LookPath("go")
	if err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	var vars []string
	for _, kv := range env.Vars {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "GO") && !strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			vars = append(vars, kv)
		}
	}
	env.Vars = append(vars, "HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, "cache"), "XDG_CONFIG_HOME="+filepath.Join(home, "config"),
		"GOENV="+filepath.Join(home, "goenv"), "REALGO="+filepath.Dir(program), "PORT="+port,
		"PATH="+filepath.SplitList(env.Getenv("PATH"))[0]) // where goreadyd itself is
	return nil
}

// freePort returns a port of loopback that nobody used a moment ago.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
