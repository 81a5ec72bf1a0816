package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/goready/goready/internal/durable"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/proxy"
	"github.com/goready/goready/internal/sumdb"
	"github.com/goready/goready/internal/upstream"
)

// sources are where modules and their checksums come from. Configurations that agree about that share them, so that a
// reload for another reason forgets neither circuit breakers nor clones.
type sources struct {
	upstream upstreamConfig // what they were made of
	sumdb    sumdbConfig

	public  *counted
	private *counted // nil: no module is private
	command *upstream.GoCommand
	slot    *os.File // locked while the folder of command is ours
	db      *sumdb.DB
	remotes []remote // of db
	omitted []upstream.Omitted

	users atomic.Int64
}

// sourceMaker makes sources of a configuration.
type sourceMaker struct {
	data  string
	agent string // User-Agent of requests
	own   func(url string) bool
	log   *slog.Logger
	http  upstream.HTTPConfig
}

// make returns the sources that c describes; before are those that they replace, or nil. They have one user.
func (m sourceMaker) make(c *config, before *sources) (_ *sources, err error) {
	s := &sources{upstream: c.upstream, sumdb: c.sumdb}
	s.users.Store(1)
	defer func() {
		if err != nil {
			s.drop()
		}
	}()
	if m.http, err = m.httpConfig(&c.upstream); err != nil {
		return nil, err
	}
	if err := m.direct(s); err != nil {
		return nil, err
	}
	chain, err := m.chain(s, c)
	if err != nil {
		return nil, err
	}
	s.public = &counted{Chain: chain, before: before.totals()}
	if c.upstream.private != "" {
		if s.command == nil {
			return nil, incompletef("install Go, or set upstream.private to \"\" in --config FILE if there are none",
				"private modules (%s) come from version control, for which a go command is needed", c.upstream.private)
		}
		private := upstream.NewChain([]upstream.Entry{{Source: s.command, Name: goenv.ProxyDirect}})
		s.private = &counted{Chain: private, before: before.totals()}
	}
	return s, m.sums(s, c)
}

// httpConfig returns how servers are asked.
func (m sourceMaker) httpConfig(up *upstreamConfig) (upstream.HTTPConfig, error) {
	creds, err := newCredentials(string(up.auth), m.log)
	if err != nil {
		return upstream.HTTPConfig{}, usagef("see 'go help goauth'", "%w", err)
	}
	h := upstream.HTTPConfig{
		Proxy: http.ProxyFromEnvironment, UserAgent: m.agent, Credentials: creds.header,
		Timeout: up.timeout.Duration, NoProgress: up.noProgress.Duration, MaxInFlight: int(up.maxInFlight),
	}
	if creds.programs() {
		h.Transport = creds.transport(upstream.NewTransport(http.ProxyFromEnvironment))
	}
	return h, nil
}

// direct makes version control available if something could need it and there is a go command.
func (m sourceMaker) direct(s *sources) error {
	list, err := goenv.ParseServerProxyList(string(s.upstream.proxy), runtime.GOOS)
	if err != nil {
		return usagef("", "%s: %w", optProxy, err)
	}
	last := list[len(list)-1].URL
	if s.upstream.goCommand == "" || s.upstream.private == "" && last != goenv.ProxyDirect {
		return nil
	}
	dir, slot, err := takeSlot(filepath.Join(m.data, "direct"))
	if err != nil {
		return incompletef("", "folder for version control: %w", err)
	}
	s.slot = slot
	up := &s.upstream
	s.command, err = upstream.NewGoCommand(upstream.GoCommandConfig{
		Go: string(up.goCommand), Dir: dir, Env: childEnv(),
		GOVCS: string(up.vcs), GOINSECURE: string(up.insecure), GOAUTH: string(up.auth),
		Timeout: up.directTimeout.Duration, MaxConcurrent: int(up.directConcurrency), MaxTemp: up.directTemp.bytes,
		Log: m.log,
	})
	return err
}

// maxSlots is how many processes, or configurations of one, can use version control in the same data folder at once.
const maxSlots = 16

// takeSlot returns a folder in dir that nobody else uses, as long as the file is open: the first if possible, for the
// clones in it.
func takeSlot(dir string) (string, *os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, err
	}
	for i := range maxSlots {
		name := filepath.Join(dir, strconv.Itoa(i))
		f, err := os.OpenFile(name+".lock", os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return "", nil, err
		}
		mine, err := durable.TryLock(f)
		if mine {
			return name, f, nil
		}
		f.Close()
		if err != nil {
			return "", nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
	return "", nil, fmt.Errorf("%d are in use in %s", maxSlots, dir)
}

// chain returns the chain for public modules.
func (m sourceMaker) chain(s *sources, c *config) (*upstream.Chain, error) {
	chain, omitted, err := upstream.Build(upstream.BuildConfig{
		GOPROXY: string(c.upstream.proxy), HTTP: m.http, GoCommand: s.command, Skip: m.own,
	})
	s.omitted = omitted
	var own bool
	for _, o := range omitted {
		u, err := url.Parse(o.Name)
		own = own || err == nil && u.Host != "" && m.own(o.Name)
	}
	switch {
	case err == nil:
		return chain, nil
	case own:
		return nil, usagef("say where modules come from with --upstream LIST, such as --upstream https://proxy.example.com",
			"%s%s: nothing is left of %s without this server itself", c.at(optProxy), optProxy, c.upstream.proxy)
	case len(omitted) > 0:
		return nil, incompletef("install Go, or give another --upstream LIST", "%s%s: %w", c.at(optProxy), optProxy, err)
	}
	return nil, usagef("", "%s%s: %w", c.at(optProxy), optProxy, err)
}

// sums makes the checksum database, unless it is off.
func (m sourceMaker) sums(s *sources, c *config) error {
	spec, err := goenv.ParseSumDB(string(c.sumdb.database))
	if err != nil {
		return usagef("", "%s%s: %w", c.at(optDatabase), optDatabase, err)
	}
	if spec.Off {
		return nil
	}
	proxies, direct, err := m.routes(spec, c)
	if err != nil {
		return usagef("", "%s%s: %w", c.at(optDatabase), optDatabase, err)
	}
	s.remotes = append(proxies, direct)
	conf := sumdb.Config{
		Name: spec.Name, Key: spec.Key, Direct: direct, Log: m.log, NegativeTTL: c.cache.negative.Duration,
		Dir: filepath.Join(m.data, "sumdb", url.QueryEscape(spec.Name)), // a name may have slashes and a port
	}
	for _, p := range proxies {
		conf.Proxies = append(conf.Proxies, p)
	}
	if s.db, err = sumdb.New(conf); err != nil {
		return incompletef("", "checksum database: %w", err)
	}
	return nil
}

// routes returns how the database can be reached, as cmd/go/internal/modfetch does: at its URL if it has one, else
// through the proxies before "direct" or "off", or where its name says.
func (m sourceMaker) routes(spec goenv.SumDB, c *config) (proxies []remote, direct remote, err error) {
	base := spec.URL
	switch {
	case base == "":
		base = "https://" + spec.Name
	case !strings.Contains(base, "://"):
		base = "https://" + base
	}
	if direct, err = m.remote(base, ""); err != nil || spec.URL != "" {
		return nil, direct, err
	}
	list, err := goenv.ParseServerProxyList(string(c.upstream.proxy), runtime.GOOS)
	if err != nil {
		return nil, direct, err
	}
	for _, e := range list {
		if !e.IsURL() || m.own(withoutUser(e.URL)) {
			continue
		}
		p, err := m.remote(e.URL, "sumdb/"+spec.Name+"/")
		if err != nil {
			return nil, direct, err
		}
		proxies = append(proxies, p)
	}
	return proxies, direct, nil
}

func withoutUser(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw // unreachable: the list was parsed
	}
	u.User = nil
	return u.String()
}

// remote returns a way to a checksum database. It has connections, limits and a circuit breaker of its own: a lookup
// must not wait for downloads.
func (m sourceMaker) remote(base, prefix string) (remote, error) {
	chain, _, err := upstream.Build(upstream.BuildConfig{GOPROXY: base, HTTP: m.http})
	return remote{chain, prefix}, err
}

// remote is a place that has the files of a checksum database below a path.
type remote struct {
	chain  *upstream.Chain
	prefix string
}

// Get implements sumdb.Remote.
func (r remote) Get(ctx context.Context, path string, max int64) ([]byte, error) {
	data, _, err := r.chain.Get(ctx, r.prefix+path, max)
	return data, err
}

// fits reports whether the sources are those that a configuration describes.
func (s *sources) fits(c *config) bool { return s.upstream == c.upstream && s.sumdb == c.sumdb }

// share adds a user.
func (s *sources) share() *sources {
	s.users.Add(1)
	return s
}

// drop removes a user; with the last one goes what must not be used twice.
func (s *sources) drop() error {
	if s.users.Add(-1) > 0 || s.slot == nil {
		return nil
	}
	return s.slot.Close()
}

// trim bounds what the sources keep on disk.
func (s *sources) trim(ctx context.Context) error {
	var errs []error
	if s.command != nil {
		_, err := s.command.Trim(ctx, s.upstream.directCache.bytes)
		errs = append(errs, err)
	}
	if s.db != nil {
		_, err := s.db.Trim(ctx, s.sumdb.maxSize.bytes)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// tenant returns what the module proxy is told of the sources.
func (s *sources) tenant() proxy.Tenant {
	t := proxy.Tenant{PublicSource: s.public, NoSum: string(s.sumdb.exempt)}
	if s.private != nil {
		t.Private, t.PrivateSource = string(s.upstream.private), s.private
	}
	if s.db != nil {
		t.Sums = checksums{s.db}
	}
	return t
}

// totals returns what was counted of each upstream up to now.
func (s *sources) totals() map[string]upstream.Health {
	totals := map[string]upstream.Health{}
	if s == nil {
		return totals
	}
	for name, h := range s.public.before {
		totals[name] = h // also of those that were there once: they may come back
	}
	for _, c := range []*counted{s.private, s.public} {
		if c == nil {
			continue
		}
		for _, h := range c.Health() {
			totals[h.Name] = h
		}
	}
	return totals
}

// counted is a chain whose counters go on from those of the chain that it replaced.
type counted struct {
	*upstream.Chain
	before map[string]upstream.Health
}

// Health returns the state of the entries, each once, with what was counted before.
func (c *counted) Health() []upstream.Health {
	list := c.Chain.Health()
	for i := range list {
		h := &list[i]
		b := c.before[h.Name]
		h.Requests += b.Requests
		h.Errors += b.Errors
		h.Seconds += b.Seconds
	}
	return list
}

// checksums is a checksum database as the module proxy wants it.
type checksums struct{ db *sumdb.DB }

// Name implements proxy.ChecksumDB.
func (c checksums) Name() string { return c.db.Name() }

// Lookup implements proxy.ChecksumDB.
func (c checksums) Lookup(ctx context.Context, path, version string) (zip, mod string, err error) {
	h, err := c.db.Lookup(ctx, path, version)
	return h.Zip, h.GoMod, sumError(err)
}

// Get implements proxy.ChecksumDB.
func (c checksums) Get(ctx context.Context, path string) (*proxy.SumFile, error) {
	r, err := c.db.Get(ctx, path)
	if err != nil {
		return nil, sumError(err)
	}
	f := &proxy.SumFile{Body: r.Body, ContentType: r.ContentType, Immutable: r.Immutable, Result: proxy.Hit}
	switch r.State {
	case sumdb.Miss:
		f.Result = proxy.Miss
	case sumdb.Stale:
		f.Result = proxy.Stale
	}
	return f, nil
}

// sumError says an error of a checksum database in the words of the module proxy.
func sumError(err error) error {
	var kind error
	switch {
	case err == nil || errors.Is(err, fs.ErrNotExist):
		return err
	case errors.Is(err, sumdb.ErrSecurity):
		kind = proxy.ErrSecurity
	case errors.Is(err, sumdb.ErrBadPath):
		kind = fs.ErrInvalid
	case errors.Is(err, sumdb.ErrUnavailable):
		kind = upstream.ErrUnavailable
	default:
		return err
	}
	return fmt.Errorf("%w: %w", kind, err)
}
