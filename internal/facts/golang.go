package facts

import (
	"errors"
	"io/fs"

	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// goOnPath returns the go command that a search of PATH finds, or one that stands in for it.
func (g *gatherer) goOnPath(env *layer.Env, dir string) GoCommand {
	path, _, unknown := env.Lookup("PATH")
	if !unknown.IsZero() {
		return g.standIn(msg.New("its PATH is unknown (%s), so this is what another go command would see", unknown))
	}
	cmd, err := host.LookPath(g.h, "go", path, dir)
	switch {
	case err == nil:
		sdk, sdkErr := g.sdk(cmd)
		if sdkErr == nil {
			return GoCommand{SDK: sdk, Path: cmd, Found: "PATH"}
		}
		c := g.standIn(msg.New("%s is on its PATH but is not part of a Go SDK (%s)", cmd, sdkErr.Error()))
		c.Path = cmd
		return c
	case errors.Is(err, host.ErrUnknown):
		return g.standIn(msg.New("whether there is a go command on its PATH is not known (%s)", err.Error()))
	}
	return g.standIn(msg.New("there is no go command on its PATH"))
}

// standIn returns an SDK found elsewhere on the machine, for a consumer that finds none itself.
func (g *gatherer) standIn(why msg.Text) GoCommand {
	for _, cmd := range g.wellKnownGo() {
		if sdk, err := g.sdk(cmd); err == nil {
			return GoCommand{SDK: sdk, Note: msg.New("%s; the value is what %s would see there", why, sdk.GoCommand)}
		}
	}
	return GoCommand{Note: msg.New("%s, and no Go SDK was found on this machine", why)}
}

// wellKnownGo returns go commands that consumers other than the one at hand use: goready's own first.
func (g *gatherer) wellKnownGo() []string {
	var cmds []string
	if cmd, err := host.LookPath(g.h, "go", g.environ.Get("PATH"), g.o.Workspace); err == nil {
		cmds = append(cmds, cmd)
	}
	dirs := []string{"/usr/local/go/bin", "/usr/lib/go/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/snap/go/current/bin"}
	if g.p.Windows() {
		dirs = []string{`C:\Program Files\Go\bin`, `C:\Program Files (x86)\Go\bin`}
	}
	if root := g.environ.Get("GOROOT"); root != "" {
		dirs = append(dirs, g.p.Join(root, "bin"))
	}
	for _, dir := range append(dirs, g.homeSDKs()...) {
		if cmd, err := host.LookPath(g.h, "go", dir, "/"); err == nil {
			cmds = append(cmds, cmd)
		}
	}
	return cmds
}

// homeSDKs returns the bin folders of SDKs below the home folder, where "go install golang.org/dl/…" puts them.
func (g *gatherer) homeSDKs() []string {
	if g.user.Home == "" {
		return nil
	}
	sdks := g.p.Join(g.user.Home, "sdk")
	entries, err := g.h.ReadDir(sdks)
	if err != nil {
		return nil
	}
	var dirs []string
	for i := len(entries) - 1; i >= 0; i-- { // the newest last by name, hence first here
		dirs = append(dirs, g.p.Join(sdks, entries[i].Name, "bin"))
	}
	return dirs
}

// userFile finds and reads the go env file of a go command with this environment.
func (g *gatherer) userFile(env *layer.Env) UserFile {
	name, off, err := goenv.UserFile(g.p, env.Get)
	u := UserFile{Name: name, Off: off}
	if err != nil {
		u.Err = msg.New("%s", err.Error())
		return u
	}
	if off || name == "" {
		return u
	}
	if !g.p.IsAbs(name) {
		name = g.p.Join(g.o.Workspace, name)
	}
	u.File, err = g.goEnvFile(name)
	if err != nil {
		u.Err, u.Unknown = msg.New("%s", err.Error()), errors.Is(err, host.ErrUnknown) || errors.Is(err, host.ErrTooLarge)
	}
	return u
}

// goEnvFile returns a go env file, nil if there is none.
func (g *gatherer) goEnvFile(name string) (*goenv.File, error) {
	if f, ok := g.f.Files[name]; ok {
		return f, nil
	}
	data, err := g.h.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f := goenv.ParseFile(name, data)
	g.f.Files[name] = f
	return f, nil
}

// goEnvHook answers $(go env KEY) in a start-up file.
func (g *gatherer) goEnvHook(env *layer.Env, key string) (string, bool) {
	c := Consumer{Env: env, Dir: g.user.Home}
	g.finish(&c, "", "")
	if c.Go.SDK.Root == "" || !c.Go.Note.IsZero() {
		return "", false
	}
	res := goenv.Resolve(g.f.query(&c, &asker{g.h}), key)
	return res.Value, res.Err.IsZero() && res.Unknown.IsZero()
}
