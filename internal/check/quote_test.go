package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/testreq"
)

// oddFolders are names that a shell could take for something else.
func oddFolders() []string {
	return []string{"/opt/go/bin", "/opt/my go/bin", "/opt/it's/bin", "/opt/a';touch x;'/bin", "/opt/$(touch x)/bin", "/opt/`touch x`/bin", `/opt/"a"\b/bin`, "/opt/$HOME/bin"}
}

// TestPathCommands runs the commands that put a folder on PATH, and then reads the file that they wrote: PATH has the
// folder, and nothing else has happened.
func TestPathCommands(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the home folder has a name of Windows")
	}
	bash := testreq.Program(t, "bash")
	for _, dir := range oddFolders() {
		for name, command := range map[string]func(f *facts.Facts, dir string) string{
			"pathCommand": pathCommand,
			"addToPath":   func(f *facts.Facts, dir string) string { return addToPath(f, dir).Command },
		} {
			for _, below := range []bool{false, true} {
				home := t.TempDir()
				f := &facts.Facts{Platform: host.Platform{OS: "linux"}, Home: home, Shell: "/bin/bash"}
				want := dir
				if below {
					want = home + dir
				}
				script := command(f, want) + "\nfor file in ~/.profile ~/.bashrc; do if [ -f $file ]; then . $file; fi; done\nprintf %s \"$PATH\""
				cmd := exec.CommandContext(t.Context(), bash, "-c", script)
				cmd.Dir, cmd.Env = home, []string{"HOME=" + home, "PATH=/usr/bin:/bin"}
				out, err := cmd.Output()
				if err != nil || !strings.Contains(":"+string(out)+":", ":"+want+":") {
					t.Errorf("%s(%q): PATH is %q, %v", name, want, out, err)
				}
				if _, err := os.Stat(filepath.Join(home, "x")); err == nil {
					t.Errorf("%s(%q) runs what is in the name", name, want)
				}
			}
		}
	}
}
