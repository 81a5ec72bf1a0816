package upstream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/module"
)

// GoCommandConfig says how version control is reached. Go and Dir must be given.
type GoCommandConfig struct {
	// Go is the go command, an absolute path.
	Go string
	// Dir is a folder for the command alone: module cache, clones, temporary files. An absolute path; it is made. Two
	// processes must not share it.
	Dir string
	// Env is the environment that the command, git and ssh start from, as in os.Environ: PATH, HOME (else a folder in
	// Dir), SSH_AUTH_SOCK, HTTPS_PROXY, SSL_CERT_FILE and so on. Settings of the go command in it do not count, nor do
	// those that would lead git to another repository or make it ask questions.
	Env []string
	// GOVCS, GOINSECURE and GOAUTH are the settings of the go command of these names. "": GOVCS is *:git|hg, for all
	// other version control systems are less well protected against hostile servers; the others are the command's default.
	GOVCS, GOINSECURE, GOAUTH string
	// Protocols are those that git may use besides https and ssh, and besides http and git for modules that match
	// GOINSECURE. With "file" in it, a hostile module could read repositories of this machine; it is for tests.
	Protocols []string
	// Timeout is how long a command may take, and how long it may wait for others; 0: five minutes.
	Timeout time.Duration
	// MaxConcurrent is how many commands may run; 0: as many as there are processors. More of them wait.
	MaxConcurrent int
	// MaxTemp is how many bytes the clone and the temporary files of one command may have; 0: 4 GiB.
	MaxTemp int64
	// Log is told what cannot be returned; nil: nothing is logged.
	Log *slog.Logger
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// GoCommand fetches modules from version control, by way of the go command: what it makes of a repository is then what
// every go command makes of it, byte for byte. It is what "direct" stands for in GOPROXY.
//
// Clones are kept for the next time; [GoCommand.Trim] bounds them. Zips and what was extracted from them are not.
type GoCommand struct {
	config GoCommandConfig
	dirs   sandbox
	slots  chan struct{}
	total  *meter
	busy   sync.RWMutex // held for reading while something is fetched, for writing while clones are removed

	mu    sync.Mutex // guards what follows
	hosts map[string]*meter
	zips  map[string]chan struct{} // closed when the command that fetches the zip, "path@version", is done
}

// directName names version control as a source.
const directName = "direct"

// maxHosts is how many hosts have a circuit breaker.
const maxHosts = 1000

// NewGoCommand makes the folder ready, and removes what earlier processes left in it unfinished.
func NewGoCommand(config GoCommandConfig) (*GoCommand, error) {
	if !filepath.IsAbs(config.Go) || !filepath.IsAbs(config.Dir) {
		return nil, fmt.Errorf("the go command %q and its folder %q must be absolute paths", config.Go, config.Dir)
	}
	if config.GOVCS == "" {
		config.GOVCS = "*:git|hg"
	}
	if config.Timeout <= 0 {
		config.Timeout = 5 * time.Minute
	}
	if config.MaxConcurrent <= 0 {
		config.MaxConcurrent = runtime.NumCPU()
	}
	if config.MaxTemp <= 0 {
		config.MaxTemp = 4 << 30
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	dirs, err := newSandbox(config.Dir)
	if err != nil {
		return nil, err
	}
	return &GoCommand{
		config: config,
		dirs:   dirs,
		slots:  make(chan struct{}, config.MaxConcurrent),
		total:  &meter{name: directName, now: config.Now, always: true},
		hosts:  map[string]*meter{},
		zips:   map[string]chan struct{}{},
	}, nil
}

// Health counts what was asked of version control. It is always up: the hosts have circuit breakers of their own.
func (g *GoCommand) Health() Health { return g.total.report() }

// Versions returns the list of versions; see [Source].
func (g *GoCommand) Versions(ctx context.Context, path string) (*Answer, error) {
	g.busy.RLock()
	defer g.busy.RUnlock()
	m, err := g.list(ctx, path, "", "-versions")
	if err != nil {
		return nil, err
	}
	list := parseList(path, []byte(strings.Join(m.Versions, "\n")))
	if len(list) == 0 {
		// The command says the same of a module without tags and of a path that is no module at all.
		if _, err := g.list(ctx, path, "latest"); err != nil {
			return nil, err
		}
	}
	return &Answer{Body: formatList(list), From: directName}, nil
}

// Resolve returns the .info of a query; see [Source].
func (g *GoCommand) Resolve(ctx context.Context, path, query string) (*Answer, error) {
	switch query {
	case "upgrade", "patch", "none":
		return nil, refuse(directName, fs.ErrNotExist, "%s@%s: not a query of the module proxy protocol", path, query)
	}
	g.busy.RLock()
	defer g.busy.RUnlock()
	version := query
	if !canonical(path, query) {
		m, err := g.list(ctx, path, query)
		if err != nil {
			return nil, err
		}
		version = m.Version
	}
	raw, err := g.file(ctx, module.Version{Path: path, Version: version}, Info)
	if err != nil {
		return nil, err
	}
	return &Answer{Body: raw, Version: version, From: directName}, nil
}

// Open opens a file of a version; see [Source]. A zip must be closed, since it is removed then.
func (g *GoCommand) Open(ctx context.Context, m module.Version, kind Kind) (*File, error) {
	g.busy.RLock()
	defer g.busy.RUnlock()
	if kind == Zip {
		return g.openZip(ctx, m)
	}
	raw, err := g.file(ctx, m, kind)
	if err != nil {
		return nil, err
	}
	return memoryFile(directName, raw), nil
}

// file returns the .info or the .mod that the command keeps of a version, which it is asked for if it has none yet.
func (g *GoCommand) file(ctx context.Context, m module.Version, kind Kind) ([]byte, error) {
	raw, err := g.dirs.read(m, kind)
	if errors.Is(err, fs.ErrNotExist) {
		var got *goModule
		if got, err = g.list(ctx, m.Path, m.Version); err != nil {
			return nil, err
		}
		if got.Version != m.Version {
			return nil, refuse(directName, fs.ErrNotExist, "%s@%s is %s", m.Path, m.Version, got.Version)
		}
		raw, err = g.dirs.read(m, kind)
	}
	if err == nil && kind == Info {
		_, err = ParseInfo(m.Path, m.Version, raw)
	}
	if err != nil {
		return nil, unavailable(directName, g.dirs.withoutPaths(err))
	}
	return raw, nil
}

// list runs "go list -m" for a module and, if there is one, a query.
func (g *GoCommand) list(ctx context.Context, path, query string, flags ...string) (*goModule, error) {
	// -retracted: to leave retracted versions out is the business of the command that asks. -x and -v: see transcript.
	args := append([]string{"list", "-m", "-e", "-x", "-v", "-json", "-retracted"}, flags...)
	return g.ask(ctx, path, query, args)
}

// ask runs the command about a module, unless its host does not answer these days.
func (g *GoCommand) ask(ctx context.Context, path, query string, args []string) (*goModule, error) {
	arg, err := argument(path, query)
	if err != nil {
		return nil, err
	}
	host, err := g.host(path).enter()
	if err != nil {
		return nil, err
	}
	all, err := g.total.enter()
	if err != nil {
		return nil, err // unreachable: the meter never opens
	}
	if err := g.acquire(ctx); err != nil {
		host.drop()
		all.drop()
		return nil, err
	}
	defer func() { <-g.slots }()
	m, err := g.run(ctx, path, append(args, arg))
	switch {
	case err != nil && ctx.Err() != nil:
		host.drop()
		all.drop()
	case errors.Is(err, errUnclear):
		host.drop()
		all.end(err)
	default:
		host.end(err)
		all.end(err)
	}
	return m, err
}

// acquire waits for the right to run a command.
func (g *GoCommand) acquire(ctx context.Context) error {
	timer := time.NewTimer(g.config.Timeout)
	defer timer.Stop()
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return unavailable(directName, ctx.Err())
	case <-timer.C:
		return unavailable(directName, fmt.Errorf("%d go commands are running: %w", cap(g.slots), context.DeadlineExceeded))
	}
}

// argument returns path@query for the command line, or just the path. What the command could take for something else
// is no module.
func argument(path, query string) (string, error) {
	arg := path
	if query != "" {
		arg += "@" + query
	}
	odd := func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune("<>@\"'`$\\", c) }
	switch {
	case module.CheckPath(path) != nil, strings.HasPrefix(path, "-"), strings.Contains(path, "..."):
		return "", refuse(directName, fs.ErrNotExist, "malformed module path %q", path)
	case strings.IndexFunc(query, odd) >= 0, strings.HasPrefix(query, "-"), strings.HasPrefix(query, "/"), len(query) > 250:
		return "", refuse(directName, fs.ErrNotExist, "%s: malformed query %q", path, cut(query, 250))
	}
	return arg, nil
}

// host returns the circuit breaker for the host of a module.
func (g *GoCommand) host(path string) *meter {
	name, _, _ := strings.Cut(path, "/")
	g.mu.Lock()
	defer g.mu.Unlock()
	if m := g.hosts[name]; m != nil {
		return m
	}
	if len(g.hosts) >= maxHosts {
		for name, m := range g.hosts {
			if m.idle() {
				delete(g.hosts, name)
			}
		}
	}
	m := &meter{name: directName + " " + name, now: g.config.Now, any: true}
	if len(g.hosts) < maxHosts {
		g.hosts[name] = m
	}
	return m
}

// openZip fetches a zip and takes it out of the module cache.
func (g *GoCommand) openZip(ctx context.Context, m module.Version) (*File, error) {
	done, err := g.alone(ctx, m)
	if err != nil {
		return nil, err
	}
	defer done()
	if _, err := g.ask(ctx, m.Path, m.Version, []string{"mod", "download", "-x", "-json"}); err != nil {
		g.discard(m)
		return nil, err
	}
	f, err := g.dirs.takeZip(m)
	g.discard(m)
	if err != nil {
		return nil, unavailable(directName, g.dirs.withoutPaths(err))
	}
	info, err := f.Stat()
	if err == nil {
		err = checkSize(directName, info.Size(), MaxZip)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &File{ReadCloser: &body{r: f, from: directName, size: info.Size(), limit: MaxZip}, Size: info.Size(), From: directName}, nil
}

// alone waits until nobody else fetches the zip of a version, for the go command would find it half removed.
func (g *GoCommand) alone(ctx context.Context, m module.Version) (done func(), err error) {
	mine := make(chan struct{})
	for {
		g.mu.Lock()
		other := g.zips[m.String()]
		if other == nil {
			g.zips[m.String()] = mine
		}
		g.mu.Unlock()
		if other == nil {
			return func() {
				g.mu.Lock()
				defer g.mu.Unlock()
				delete(g.zips, m.String())
				close(mine)
			}, nil
		}
		select {
		case <-other:
		case <-ctx.Done():
			return nil, unavailable(directName, ctx.Err())
		}
	}
}

// discard removes what the module cache has of a version besides its small files.
func (g *GoCommand) discard(m module.Version) {
	if err := g.dirs.discard(m); err != nil {
		g.config.Log.Warn("module cache not cleaned", "module", m.Path, "version", m.Version, "error", err)
	}
}

// Trim removes the clones that were not used for the longest time, and what else is kept, until all have at most limit
// bytes, and returns how many it removed. It does nothing
// while something is fetched.
func (g *GoCommand) Trim(ctx context.Context, limit int64) (freed int64, err error) {
	if !g.busy.TryLock() {
		return 0, nil
	}
	trash, freed, err := g.dirs.trim(ctx, limit)
	g.busy.Unlock()
	return freed, errors.Join(err, os.RemoveAll(trash))
}
