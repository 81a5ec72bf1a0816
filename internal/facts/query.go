package facts

import (
	"slices"

	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/shell"
)

// answers are what the machine said to questions that the rules of the go command ask while they resolve a variable.
// Gather asks them once for every variable that was named; later resolutions find them here.
type answers struct {
	roots    map[string]sdkAnswer  // by GOROOT
	commands map[string]sdkAnswer  // by go command
	programs map[string]nameAnswer // by search
	files    map[string]fileAnswer
}

type nameAnswer struct {
	name string
	err  error
}

type fileAnswer struct {
	data []byte
	err  error
}

func newAnswers() answers {
	return answers{map[string]sdkAnswer{}, map[string]sdkAnswer{}, map[string]nameAnswer{}, map[string]fileAnswer{}}
}

// asker answers a question that is not answered yet; nil for a Facts that is complete.
type asker struct{ h host.Host }

// Query returns the question "go env" of a consumer's go command. Getenv takes what is unknown as unset; callers that
// care replace it.
func (f *Facts) Query(c *Consumer) *goenv.Query { return f.query(c, nil) }

func (f *Facts) query(c *Consumer, ask *asker) *goenv.Query {
	return &goenv.Query{
		Platform: f.Platform, Dir: c.Dir, Getenv: c.Env.Get, Peek: c.Env.Get,
		User: c.User.File, UserOff: c.User.Off, UserErr: c.User.Err,
		SDK: c.Go.SDK, Module: c.Module,
		Root: func(root string) (goenv.SDK, error) {
			a := recall(f.answers.roots, root, ask, func(h host.Host) sdkAnswer {
				sdk, err := goenv.LoadRoot(h, root)
				return sdkAnswer{sdk, err}
			}, sdkAnswer{err: host.ErrUnknown})
			return a.sdk, a.err
		},
		Find: func(cmd string) (goenv.SDK, error) {
			a := recall(f.answers.commands, cmd, ask, func(h host.Host) sdkAnswer {
				sdk, err := goenv.FindSDK(h, cmd)
				return sdkAnswer{sdk, err}
			}, sdkAnswer{err: host.ErrUnknown})
			return a.sdk, a.err
		},
		LookPath: func(program string) (string, error) {
			path, _, unknown := c.Env.Lookup("PATH")
			if !unknown.IsZero() {
				return "", host.ErrUnknown
			}
			a := recall(f.answers.programs, program+"\x00"+c.Dir+"\x00"+path, ask, func(h host.Host) nameAnswer {
				name, err := host.LookPath(h, program, path, c.Dir)
				return nameAnswer{name, err}
			}, nameAnswer{err: host.ErrUnknown})
			return a.name, a.err
		},
		ReadFile: func(name string) ([]byte, error) {
			a := recall(f.answers.files, name, ask, func(h host.Host) fileAnswer {
				data, err := h.ReadFile(name)
				return fileAnswer{data, err}
			}, fileAnswer{err: host.ErrUnknown})
			return a.data, a.err
		},
	}
}

// recall returns the recorded answer for key; if there is none it asks, or gives unknown.
func recall[A any](known map[string]A, key string, ask *asker, how func(host.Host) A, unknown A) A {
	a, ok := known[key]
	if ok {
		return a
	}
	if ask == nil {
		return unknown
	}
	a = how(ask.h)
	known[key] = a
	return a
}

// SDK returns the SDK that is in root, if it was looked at.
func (f *Facts) SDK(root string) (goenv.SDK, bool) {
	a, ok := f.answers.roots[root]
	return a.sdk, ok && a.err == nil
}

// module finds go.mod and go.work for a go command with this environment.
func (g *gatherer) module(c *Consumer) goenv.Module {
	q := g.f.query(c, &asker{g.h})
	s := goenv.ModuleSearch{Dir: c.Dir, GOWORK: goenv.Getenv(q, "GOWORK"), GOROOT: goenv.Getenv(q, "GOROOT"), TempDir: goenv.TempDir(g.p, c.Env.Get)}
	if m, ok := g.modules[s]; ok {
		return m
	}
	m, problems := goenv.FindModule(g.h, s)
	for _, p := range problems {
		g.f.Problems = append(g.f.Problems, Problem{From: layer.Place(p.File, p.Line), Text: p.Text})
	}
	g.modules[s] = m
	return m
}

// finish fills in what a consumer's go command would find: the command itself, its files and its module. found, if not
// empty, is the go command that the consumer uses whatever its PATH says.
func (g *gatherer) finish(c *Consumer, found, how string) {
	if c.Env == nil {
		c.Env = &layer.Env{FoldCase: g.p.FoldCase()}
	}
	if found != "" {
		c.Go = GoCommand{Path: found, Found: how}
		c.Go.SDK, _ = g.sdk(found)
	} else {
		c.Go = g.goOnPath(c.Env, c.Dir)
	}
	c.User = g.userFile(c.Env)
	c.Chain = append(slices.Clone(c.Chain), goLink(c))
	c.Module = g.module(c)
	q := g.f.query(c, &asker{g.h})
	for _, name := range g.o.Variables {
		if goenv.IsGoVariable(name) {
			goenv.Resolve(q, name)
		}
	}
}

// goLink is the last step of a consumer's chain: the go command and the files it reads itself.
func goLink(c *Consumer) Link {
	if c.Go.SDK.Root == "" || !c.Go.Note.IsZero() {
		return Link{What: firstText(c.Go.Note, msg.New("there is no go command"))}
	}
	l := Link{What: msg.New("go is %s (%s, found by %s)", c.Go.SDK.GoCommand, c.Go.SDK.Version, c.Go.Found)}
	if c.User.Name != "" {
		v := shell.Visit{File: c.User.Name, State: shell.Read, Why: c.User.Err}
		switch {
		case c.User.File != nil:
		case c.User.Err.IsZero():
			v.State = shell.Missing
		default:
			v.State = shell.Unreadable
		}
		l.Files = append(l.Files, v)
	}
	if f := c.Go.SDK.GoEnv; f != nil {
		l.Files = append(l.Files, shell.Visit{File: f.Name, State: shell.Read})
	}
	return l
}

// sdk returns the SDK that a go command belongs to.
func (g *gatherer) sdk(cmd string) (goenv.SDK, error) {
	q := g.f.query(&Consumer{Env: &layer.Env{}}, &asker{g.h})
	return q.Find(cmd)
}
