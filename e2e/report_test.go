//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// report is what the probe saw. An environment is nil if there was none to see.
type report struct {
	VSCode  string            `json:"vscode"`
	Env     map[string]string `json:"env"`     // of the extension host as it was started
	ExtHost map[string]string `json:"exthost"` // after the Go extension's snapshot
	Tools   map[string]any    `json:"tools"`   // of tools the Go extension starts
	Gopls   map[string]any    `json:"gopls"`   // of go commands that gopls starts
	// Launches holds the launch configurations by name, as they are handed to the debugger.
	Launches map[string]struct {
		Env map[string]*string `json:"env"`
	} `json:"launches"`
	Settings json.RawMessage   `json:"settings"`
	Errors   map[string]string `json:"errors"`
	// Environs holds the environments of terminals and tasks by name.
	Environs map[string]map[string]string `json:"-"`
}

func readReport(dir string) (*report, error) {
	data, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		return nil, err
	}
	r := &report{Environs: map[string]map[string]string{}}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("report of the probe: %w", err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*.environ")) // the pattern is well formed
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		env := map[string]string{}
		for kv := range strings.SplitSeq(strings.TrimSuffix(string(data), "\x00"), "\x00") {
			k, v, _ := strings.Cut(kv, "=")
			env[k] = v
		}
		r.Environs[strings.TrimSuffix(filepath.Base(name), ".environ")] = env
	}
	return r, nil
}

// consumers returns the environments seen, by goready's name for who has them.
func (r *report) consumers() map[string]map[string]string {
	all := map[string]map[string]string{
		"vscode-remote-server": r.Env,
		"vscode-go":            asStrings(r.Tools),
		"vscode-gopls":         asStrings(r.Gopls),
		"vscode-terminal":      r.Environs["terminal"],
	}
	for name, env := range r.Environs {
		if name != "terminal" {
			all["vscode-task:"+name] = env
		}
	}
	for name, launch := range r.Launches {
		all["vscode-debug:"+name] = overlay(asStrings(r.Tools), launch.Env)
	}
	return all
}

// asStrings makes of an environment in JavaScript what a process started with it sees.
func asStrings(env map[string]any) map[string]string {
	out := map[string]string{}
	for name, value := range env {
		if value == nil {
			out[name] = "null"
			continue
		}
		out[name] = fmt.Sprint(value)
	}
	return out
}

func overlay(env map[string]string, over map[string]*string) map[string]string {
	for name, value := range over {
		if value == nil {
			delete(env, name)
			continue
		}
		env[name] = *value
	}
	return env
}
