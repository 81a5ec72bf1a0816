package serve

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// config is a complete configuration; see [newConfig].
type config struct {
	listen, admin address
	data          text
	upstream      upstreamConfig
	sumdb         sumdbConfig
	cache         cacheConfig
	limits        limitsConfig
	log           logConfig
	tls           tlsConfig

	file string // where it was read; "": it has only flags and defaults
	// given are the options that a file or a flag set.
	given map[string]bool
	// places are where options stand in the file.
	places map[string]place
}

// upstreamConfig says where modules come from. It is comparable.
type upstreamConfig struct {
	proxy               proxyList
	timeout, noProgress duration
	maxInFlight         count
	goCommand           text // "": go on PATH
	directTimeout       duration
	directConcurrency   count
	directTemp          size
	directCache         size
	private, insecure   patterns
	vcs, auth           text
}

// sumdbConfig says which checksum database is asked, and for what. It is comparable.
type sumdbConfig struct {
	database database
	exempt   patterns
	maxSize  size
}

type cacheConfig struct {
	maxSize, memory                     size
	fresh, refreshWait, stale, negative duration
	scrub                               duration
	durability                          choice
}

type limitsConfig struct {
	requests, perClient, fetches             count
	headerBytes                              size
	headerTimeout, idleTimeout, writeTimeout duration
	drainTimeout                             duration
}

type logConfig struct{ format, level choice }

type tlsConfig struct{ cert, key text }

// Names of options that are mentioned outside of the table.
const (
	optListen   = "listen"
	optAdmin    = "admin"
	optData     = "data"
	optProxy    = "upstream.proxy"
	optGo       = "upstream.go"
	optPrivate  = "upstream.private"
	optInsecure = "upstream.insecure"
	optVCS      = "upstream.vcs"
	optAuth     = "upstream.auth"
	optDatabase = "sumdb.database"
	optExempt   = "sumdb.exempt"
	optMaxSize  = "cache.max-size"
	optCert     = "tls.cert"
	optKey      = "tls.key"
)

// newConfig returns a configuration in which everything has its default, except what the go command or the machine
// says: that is empty.
func newConfig() *config {
	span := func(d time.Duration) duration { return duration{Duration: d} }
	bytes := func(n int64) size { return size{bytes: n} }
	return &config{
		listen: address{text: "127.0.0.1:8081"},
		admin:  address{text: "127.0.0.1:8082", optional: true},
		upstream: upstreamConfig{
			timeout: span(time.Minute), noProgress: span(30 * time.Second), maxInFlight: 64,
			directTimeout: span(5 * time.Minute), directConcurrency: 4, directTemp: bytes(4 << 30), directCache: bytes(10 << 30),
		},
		sumdb: sumdbConfig{maxSize: bytes(1 << 30)},
		cache: cacheConfig{
			maxSize: size{50 << 30, true}, memory: bytes(32 << 20),
			fresh: span(time.Minute), refreshWait: span(40 * time.Millisecond), stale: span(30 * 24 * time.Hour), negative: span(30 * time.Second),
			scrub:      duration{7 * 24 * time.Hour, true},
			durability: choice{"full", []string{"full", "fast"}},
		},
		limits: limitsConfig{
			requests: 4096, perClient: 512, fetches: 512, headerBytes: bytes(32 << 10),
			headerTimeout: span(10 * time.Second), idleTimeout: span(2 * time.Minute), writeTimeout: span(time.Minute),
			drainTimeout: span(time.Minute),
		},
		log: logConfig{
			format: choice{"auto", []string{"auto", "json", "text"}},
			level:  choice{"info", []string{"debug", "info", "warn", "error"}},
		},
		given: map[string]bool{}, places: map[string]place{},
	}
}

// option is a key of the configuration file, with its table, and where its value is.
type option struct {
	name  string
	value value
	// from is what decides if neither a file nor a flag does; "" is the value that newConfig has.
	from string
	// fixed options cannot be changed while the server runs.
	fixed bool
}

// options are all keys of the configuration file, in the order in which the manual has them.
func (c *config) options() []option {
	up, sum, cache, limits := &c.upstream, &c.sumdb, &c.cache, &c.limits
	return []option{
		{name: optListen, value: &c.listen, fixed: true},
		{name: optAdmin, value: &c.admin, fixed: true},
		{name: optData, value: &c.data, from: "the user's cache folder", fixed: true},
		{name: optProxy, value: &up.proxy, from: "go env GOPROXY"},
		{name: "upstream.timeout", value: &up.timeout},
		{name: "upstream.no-progress", value: &up.noProgress},
		{name: "upstream.max-in-flight", value: &up.maxInFlight},
		{name: optPrivate, value: &up.private, from: "go env GONOPROXY"},
		{name: optAuth, value: &up.auth, from: "go env GOAUTH"},
		{name: optGo, value: &up.goCommand, from: "go on PATH"},
		{name: "upstream.direct-timeout", value: &up.directTimeout},
		{name: "upstream.direct-concurrency", value: &up.directConcurrency},
		{name: "upstream.direct-temp", value: &up.directTemp},
		{name: "upstream.direct-cache", value: &up.directCache},
		{name: optInsecure, value: &up.insecure, from: "go env GOINSECURE"},
		{name: optVCS, value: &up.vcs, from: "go env GOVCS"},
		{name: optDatabase, value: &sum.database, from: "go env GOSUMDB"},
		{name: optExempt, value: &sum.exempt, from: "go env GONOSUMDB"},
		{name: "sumdb.max-size", value: &sum.maxSize},
		{name: optMaxSize, value: &cache.maxSize},
		{name: "cache.memory", value: &cache.memory},
		{name: "cache.fresh", value: &cache.fresh},
		{name: "cache.refresh-wait", value: &cache.refreshWait},
		{name: "cache.stale", value: &cache.stale},
		{name: "cache.negative", value: &cache.negative},
		{name: "cache.scrub", value: &cache.scrub},
		{name: "cache.durability", value: &cache.durability, fixed: true},
		{name: "limits.requests", value: &limits.requests},
		{name: "limits.per-client", value: &limits.perClient},
		{name: "limits.fetches", value: &limits.fetches},
		{name: "limits.header-bytes", value: &limits.headerBytes, fixed: true},
		{name: "limits.header-timeout", value: &limits.headerTimeout, fixed: true},
		{name: "limits.idle-timeout", value: &limits.idleTimeout, fixed: true},
		{name: "limits.write-timeout", value: &limits.writeTimeout},
		{name: "limits.drain-timeout", value: &limits.drainTimeout},
		{name: "log.format", value: &c.log.format, fixed: true},
		{name: "log.level", value: &c.log.level},
		{name: optCert, value: &c.tls.cert},
		{name: optKey, value: &c.tls.key},
	}
}

// set gives an option the value of a flag.
func (c *config) set(name, value, flag string) error {
	for _, o := range c.options() {
		if o.name != name {
			continue
		}
		if err := o.value.UnmarshalText([]byte(value)); err != nil {
			return usagef(hintNear(err), "%s: %w", flag, err)
		}
		c.given[name] = true
		delete(c.places, name)
		return nil
	}
	panic("serve: no option " + name)
}

// origin says where the configuration comes from.
func (c *config) origin() string {
	if c.file == "" {
		return "no configuration file"
	}
	return c.file
}

// toml writes the configuration as a file that people may see.
func (c *config) toml() string {
	var b strings.Builder
	table := ""
	for _, o := range c.options() {
		key := o.name
		if t, k, ok := strings.Cut(o.name, "."); ok {
			if key = k; t != table {
				table = t
				fmt.Fprintf(&b, "\n[%s]\n", t)
			}
		}
		text, err := o.value.MarshalText()
		if err != nil {
			panic("serve: " + err.Error()) // unreachable: no value has an error to return
		}
		if _, number := o.value.(*count); number {
			fmt.Fprintf(&b, "%s = %s\n", key, text)
			continue
		}
		fmt.Fprintf(&b, "%s = %s\n", key, quote(string(text)))
	}
	return b.String()
}

// quote writes a string of TOML.
func quote(s string) string {
	b := []byte{'"'}
	for _, c := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c < ' ' || c == 0x7f:
			b = fmt.Appendf(b, `\u%04X`, c)
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return string(append(b, '"'))
}
