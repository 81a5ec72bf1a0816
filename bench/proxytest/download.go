//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// runDownload lets the go command fetch what a project needs into an empty cache: through goreadyd, from nginx and from
// the files themselves.
func (b *bench) runDownload(ctx context.Context) (err error) {
	f, err := b.startFleet(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	proxies := []string{"http://" + f.goreadyd.addr, "http://" + f.nginx.addr, "file://" + filepath.ToSlash(b.corp.dir)}
	rounds, err := interleave(ctx, b.rounds, len(proxies), func(i int) (float64, error) { return b.download(ctx, proxies[i]) })
	if err != nil {
		return err
	}
	b.report.add("go mod download", "s, against nginx", rounds[0], rounds[1], noPromise())
	b.report.add("go mod download", "s, against file://", rounds[0], rounds[2], noPromise())
	return nil
}

// download returns the seconds that go mod download takes with an empty module cache.
func (b *bench) download(ctx context.Context, proxy string) (float64, error) {
	dir, err := os.MkdirTemp(b.dir, "project-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), b.corp.project(), 0o644); err != nil {
		return 0, err
	}
	// Without this the go command leaves a process behind that counts its runs.
	telemetry := filepath.Join(dir, "config", "go", "telemetry")
	if err := os.MkdirAll(telemetry, 0o755); err != nil {
		return 0, err
	}
	if err := os.WriteFile(filepath.Join(telemetry, "mode"), []byte("off"), 0o644); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, "go", "mod", "download")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "XDG_CONFIG_HOME=" + filepath.Join(dir, "config"), "GOENV=off",
		"GOTOOLCHAIN=local", "GOSUMDB=off", "GOPROXY=" + proxy, "GOFLAGS=-modcacherw -mod=mod", "GOPATH=" + filepath.Join(dir, "gopath"),
		"GOCACHE=" + filepath.Join(dir, "cache")}
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go mod download from %s: %w\n%s", proxy, err, out)
	}
	return time.Since(began).Seconds(), nil
}

// project returns a go.mod that requires a third of the modules of a few groups, which require more of them.
func (c *corpus) project() []byte {
	var b bytes.Buffer
	b.WriteString("module example.com/project\n\ngo 1.21\n\nrequire (\n")
	for i, m := range c.mods[:min(len(c.mods), 6*groupSize)] {
		if i%3 == 2 {
			fmt.Fprintf(&b, "\t%s %s\n", m.path, c.versions[m.versions[versionsPerModule-1]].Version.Version)
		}
	}
	b.WriteString(")\n")
	return b.Bytes()
}
