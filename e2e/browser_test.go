//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goready/goready/internal/testreq"
)

// browser is a headless Chromium, driven by the three HTTP requests its debugging port has for opening and closing
// pages; a workbench needs no more than to be open.
type browser struct {
	base string // of the debugging port
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	program := testreq.Program(t, "chromium")
	dir := privateDir(t)
	profile := filepath.Join(dir, "profile")
	cmd := exec.CommandContext(t.Context(), program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
		"--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
		"--window-size=1280,800", "--user-data-dir="+profile, "--remote-debugging-port=0", "about:blank")
	cmd.Env = []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=/usr/bin:/bin", "LANG=C.UTF-8"}
	out := start(t, dir, cmd)
	var port string
	ok := within(30*time.Second, func() bool {
		data, err := os.ReadFile(filepath.Join(profile, "DevToolsActivePort"))
		port, _, _ = strings.Cut(string(data), "\n")
		return err == nil && port != ""
	})
	if !ok {
		t.Fatalf("chromium opened no debugging port\n%s", tail(out.Bytes()))
	}
	return &browser{base: "http://127.0.0.1:" + port}
}

// open opens a page, which is closed when the test ends.
func (b *browser) open(t *testing.T, page string) {
	t.Helper()
	var target struct{ ID string }
	if err := json.Unmarshal(b.ask(t, http.MethodPut, "/json/new?"+url.QueryEscape(page)), &target); err != nil || target.ID == "" {
		t.Fatalf("chromium did not open %s: %v", page, err)
	}
	t.Cleanup(func() { b.ask(t, http.MethodGet, "/json/close/"+target.ID) })
}

func (b *browser) ask(t *testing.T, method, path string) []byte {
	t.Helper()
	req, err := http.NewRequest(method, b.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := get(req)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
