//go:build e2e && linux

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goready/goready/internal/testreq"
)

// What is installed. code-server pins the major version of node it was built for.
const (
	codeServer = "code-server@4.139.1"
	nodeMajor  = "24"
)

// install is an installed code-server and the node that runs it.
type install struct {
	node  string // the program
	entry string // code-server's main script
	root  string // the folder of all of it
}

// installEditor installs code-server below the user's cache folder, once: 4 s for node and about 90 s for the rest,
// with native modules compiled here.
func installEditor(t *testing.T) install {
	t.Helper()
	root := cacheDir(t)
	node := filepath.Join(root, "node", "node_modules", nodePackage(t))
	ed := install{
		node:  filepath.Join(node, "bin", "node"),
		entry: filepath.Join(root, "cs", "node_modules", "code-server", "out", "node", "entry.js"),
		root:  root,
	}
	stamp := filepath.Join(root, "installed "+codeServer)
	if _, err := os.Stat(stamp); err == nil {
		return ed
	}
	needLibraries(t)
	npmInstall(t, filepath.Join(root, "node"), nil, nodePackage(t)+"@"+nodeMajor)
	npmInstall(t, filepath.Join(root, "cs"), []string{
		"PATH=" + filepath.Dir(ed.node) + ":" + os.Getenv("PATH"),
		"npm_config_nodedir=" + node, // its headers, so that none are downloaded
	}, codeServer)
	if out, err := exec.Command(ed.node, "-e", "require("+quoteJS(filepath.Join(root, "cs/node_modules/code-server/lib/vscode/node_modules/node-pty"))+")").CombinedOutput(); err != nil {
		t.Fatalf("code-server is installed but its native modules do not load: %v\n%s", err, tail(out))
	}
	if err := os.WriteFile(stamp, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return ed
}

func cacheDir(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "goready-test", "code-server")
}

// nodePackage names the package that holds the real node for this machine.
func nodePackage(t *testing.T) string {
	t.Helper()
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	if runtime.GOOS != "linux" || arch == "" {
		testreq.Missing(t, "code-server from npm on "+runtime.GOOS+"/"+runtime.GOARCH)
	}
	return "node-linux-" + arch
}

// needLibraries says what compiling the native modules needs and this machine lacks, by Debian package.
func needLibraries(t *testing.T) {
	t.Helper()
	for _, name := range []string{"npm", "python3", "make", "g++", "pkg-config"} {
		testreq.Program(t, name)
	}
	for _, lib := range [][2]string{{"krb5-gssapi", "libkrb5-dev"}, {"libsecret-1", "libsecret-1-dev"}, {"xkbfile", "libxkbfile-dev"}} {
		if exec.Command("pkg-config", "--exists", lib[0]).Run() != nil {
			testreq.Missing(t, "the library "+lib[1]+" is not installed")
		}
	}
}

// npmInstall installs one package into dir with the machine's npm, configured as the machine is. A registry that does
// not answer is something this machine lacks.
func npmInstall(t *testing.T, dir string, env []string, pkg string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"private":true}`), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts=false", "--foreground-scripts", pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = 10 * time.Second
	t.Logf("npm install %s in %s", pkg, dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		testreq.Missing(t, "npm install "+pkg+": "+err.Error()+"\n"+tail(out))
	}
}

func quoteJS(s string) string { return "'" + strings.ReplaceAll(s, "'", `\'`) + "'" }

// tail returns the end of a program's output, where it says what went wrong.
func tail(out []byte) string {
	const most = 4 << 10
	return string(out[max(0, len(out)-most):])
}
