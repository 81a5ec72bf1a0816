package facts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"strings"

	"github.com/goready/goready/internal/host"
)

// Direnv is a file .envrc and whether direnv loads it.
type Direnv struct {
	File string
	Text string
	// Blocked: direnv refuses to load it because nobody has allowed it as it is now. A file that was denied, or about
	// which that cannot be told, is not blocked.
	Blocked bool
}

// Bounds of the search for a .envrc.
const (
	maxEnvrc       = 64 << 10
	maxEnvrcParent = 40
)

// direnv finds the .envrc that direnv would load in the workspace: the nearest one above it.
func (g *gatherer) direnv(s *Startup) *Direnv {
	if g.p.Windows() || !g.hasDirenv(s) {
		return nil
	}
	for dir, n := g.workDir(), 0; dir != "" && n < maxEnvrcParent; dir, n = g.p.Dir(dir), n+1 {
		name := g.p.Join(dir, ".envrc")
		data, err := g.h.ReadFile(name)
		switch {
		case err == nil && len(data) > maxEnvrc:
			return nil
		case err == nil:
			return &Direnv{File: name, Text: string(data), Blocked: g.direnvBlocks(s, name, data)}
		case !errors.Is(err, fs.ErrNotExist):
			return nil
		}
		if g.p.Dir(dir) == dir {
			break
		}
	}
	return nil
}

// hasDirenv reports whether direnv is installed, or a start-up file calls it.
func (g *gatherer) hasDirenv(s *Startup) bool {
	for _, text := range s.Texts {
		if strings.Contains(text, "direnv hook") || strings.Contains(text, "direnv export") {
			return true
		}
	}
	for _, path := range []string{g.environ.Get("PATH"), g.loginEnv(s, "PATH")} {
		if _, err := host.LookPath(g.h, "direnv", path, "/"); path != "" && err == nil {
			return true
		}
	}
	return false
}

// loginEnv returns a variable as an interactive login shell has it, "" if that is not known.
func (g *gatherer) loginEnv(s *Startup, name string) string {
	if m := s.Mode("-ilc"); m != nil {
		return m.Env.Get(name)
	}
	return ""
}

// direnvBlocks follows direnv's rules (internal/cmd/rc.go there): a file is allowed if
// $XDG_DATA_HOME/direnv/allow/HASH exists, where HASH is the SHA-256 of its absolute name, a line end and its contents;
// deny/HASH, of the name and a line end, says that somebody does not want it. A configuration with a whitelist, which
// would allow files without asking, is not followed.
func (g *gatherer) direnvBlocks(s *Startup, name string, data []byte) bool {
	allow, deny := hash(name+"\n"+string(data)), hash(name+"\n")
	for _, dir := range g.direnvDirs(s, "XDG_DATA_HOME", ".local/share") {
		if !g.absent(g.p.Join(dir, "allow", allow)) || !g.absent(g.p.Join(dir, "deny", deny)) {
			return false
		}
	}
	for _, dir := range g.direnvDirs(s, "XDG_CONFIG_HOME", ".config") {
		if !g.absent(g.p.Join(dir, "allow", allow)) { // direnv before 2.7
			return false
		}
		for _, config := range []string{"direnv.toml", "config.toml"} {
			text, err := g.h.ReadFile(g.p.Join(dir, config))
			if err == nil && strings.Contains(string(text), "whitelist") || err != nil && !errors.Is(err, fs.ErrNotExist) {
				return false
			}
		}
	}
	return g.user.Home != ""
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// absent reports whether it is known that there is no such file.
func (g *gatherer) absent(name string) bool {
	_, err := g.h.Lstat(name)
	return errors.Is(err, fs.ErrNotExist)
}

// direnvDirs returns the folders of direnv below a base folder of XDG, as goready's environment and a login have it.
func (g *gatherer) direnvDirs(s *Startup, variable, otherwise string) []string {
	dirs := []string{g.p.Join(g.user.Home, otherwise, "direnv")}
	for _, base := range []string{g.environ.Get(variable), g.loginEnv(s, variable)} {
		if g.p.IsAbs(base) {
			dirs = append(dirs, g.p.Join(base, "direnv"))
		}
	}
	return dirs
}
