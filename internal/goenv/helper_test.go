package goenv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// osHost is the machine the test runs on, as far as these tests ask it.
type osHost struct {
	platform host.Platform
	env      []string
}

func (h osHost) Platform() host.Platform              { return h.platform }
func (h osHost) Environ() []string                    { return h.env }
func (h osHost) ReadFile(name string) ([]byte, error) { return os.ReadFile(name) }
func (h osHost) ReadLink(name string) (string, error) { return os.Readlink(name) }
func (h osHost) Processes() ([]host.Process, error)   { return nil, host.ErrUnknown }
func (h osHost) Run(context.Context, host.Command) (host.Result, error) {
	return host.Result{}, host.ErrUnknown
}

func (h osHost) ReadDir(name string) ([]host.Entry, error) {
	list, err := os.ReadDir(name)
	var entries []host.Entry
	for _, e := range list {
		entries = append(entries, host.Entry{Name: e.Name(), Type: e.Type()})
	}
	return entries, err
}

func (h osHost) Lstat(name string) (host.Info, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return host.Info{}, err
	}
	return host.Info{Mode: info.Mode(), Size: info.Size(), ModTime: info.ModTime()}, nil
}

// testQuery puts together what a go command started as gocmd in dir with that environment depends on.
func testQuery(h host.Host, environ []string, dir, gocmd string) (*Query, []ModuleProblem, error) {
	p := h.Platform()
	q := &Query{Platform: p, Dir: dir, Getenv: testGetenv(p, environ)}
	sdk, err := FindSDK(h, gocmd)
	if err != nil && !errors.Is(err, ErrNoRoot) {
		return nil, nil, fmt.Errorf("finding the SDK of %s: %w", gocmd, err)
	}
	q.SDK = sdk
	name, off, err := UserFile(p, q.Getenv)
	q.UserOff = off
	if err != nil {
		q.UserErr = msg.New("%s", err.Error())
	} else if !off {
		full := name
		if !p.IsAbs(full) {
			full = p.Join(dir, full)
		}
		data, err := h.ReadFile(full)
		if err == nil {
			q.User = ParseFile(full, data)
		} else if !errors.Is(err, fs.ErrNotExist) {
			q.UserErr = msg.New("%s", err.Error())
		}
	}
	q.On(h)
	var problems []ModuleProblem
	q.Module, problems = FindModule(h, ModuleSearch{Dir: dir, GOWORK: Getenv(q, "GOWORK"), GOROOT: Getenv(q, "GOROOT"), TempDir: TempDir(p, q.Getenv)})
	return q, problems, nil
}

func testGetenv(p host.Platform, environ []string) func(string) string {
	return func(key string) string {
		value := ""
		for _, kv := range environ {
			k, v, _ := strings.Cut(kv, "=")
			if k == key || p.FoldCase() && strings.EqualFold(k, key) {
				value = v
			}
		}
		return value
	}
}
