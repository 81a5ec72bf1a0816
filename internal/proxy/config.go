package proxy

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/upstream"
)

// Config says what a [Server] serves. It is checked by [New] and not changed afterwards.
type Config struct {
	Tenant Tenant
	// Store holds the files. Eviction, scrubbing and quarantine are done where it can: see [Server.Run].
	Store store.Store
	// AnswerDir is a folder for the last answers that can change, so that they are there after a restart; "" keeps them in
	// memory only.
	AnswerDir string
	// Index, if not nil, learns of each version whose .info is stored, and answers /index.
	Index Index

	// Fresh is how long an answer that can change is used without asking again; 0 is a minute.
	Fresh time.Duration
	// RefreshWait is how long a client waits for a new answer when there is an old one, which the next client then does
	// not see any more; 0 is 40 milliseconds. For private modules it is two seconds at least.
	RefreshWait time.Duration
	// StaleFor is how old an answer may be that is used because upstream gives none; 0 is 30 days.
	StaleFor time.Duration
	// Negative is how long "not found" is used without asking again; 0 is 30 seconds.
	Negative time.Duration
	// FetchTimeout bounds a fetch of anything but a zip; 0 is a minute. For zips upstream's own limit of time without
	// progress counts.
	FetchTimeout time.Duration
	// HotBytes bounds the memory for small files; 0 is 32 MiB. Files and answers larger than a 64th of it are not kept there.
	HotBytes int64

	// MaxRequests bounds the requests served at once, MaxPerClient those of one address; 0 is 4096 and 512. At most half
	// of either may be waiting for upstream, so that a slow upstream leaves room for what is stored; small files in memory
	// are not counted.
	MaxRequests, MaxPerClient int
	// MaxFetches bounds the fetches from upstream under way, whether anybody waits for them or not; 0 is 512.
	MaxFetches int
	// WriteTimeout is how long a client may take for half a MiB; 0 is a minute.
	WriteTimeout time.Duration

	// MaxBytes is the size of the store above which the least recently used files go; 0 is no limit.
	MaxBytes int64
	// Log gets one record for each request that is not a hit, and all alarms; nil logs nothing.
	Log *slog.Logger
	// Metrics, if not nil, are the counters to go on with.
	Metrics *Metrics
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Tenant says where modules come from, for one group of users. Private and public sources are apart, and so is what is
// stored of them, so that no answer of a public source can stand for a private module.
type Tenant struct {
	// Private are patterns as in GONOPROXY; PrivateSource alone is asked for the modules they match.
	Private       string
	PrivateSource upstream.Source
	// PublicSource is asked for all other modules; nil if there is none: then only what is stored is served.
	PublicSource upstream.Source
	// NoSum are patterns as in GONOSUMDB, of modules that the checksum database is not asked about.
	NoSum string
	// Sums is the checksum database; nil if there is none.
	Sums ChecksumDB
}

// ChecksumDB is a checksum database. All methods may be called concurrently.
type ChecksumDB interface {
	// Name is the database's name, such as sum.golang.org.
	Name() string
	// Lookup returns the hashes of a version, "h1:…", proved. fs.ErrNotExist means that the database does not know the
	// version, upstream.ErrUnavailable that it cannot be asked, [ErrSecurity] that its proofs fail.
	Lookup(ctx context.Context, path, version string) (zip, mod string, err error)
	// Get returns a file of the database, "supported", "latest", "lookup/…" or "tile/…", with the errors of Lookup, and
	// fs.ErrInvalid for what is no such path.
	Get(ctx context.Context, path string) (*SumFile, error)
}

// SumFile is a file of a checksum database.
type SumFile struct {
	Body        []byte
	ContentType string
	// Result is hit, miss or stale.
	Result Result
	// Immutable files never change.
	Immutable bool
}

// Index remembers which versions were seen when. See store.Index.
type Index interface {
	Append(path, version string, t time.Time) error
	Since(t time.Time, limit int) ([]store.IndexEntry, error)
}

// ErrSecurity means that something is not what it was, or not what a checksum database says. It is an alarm: it is
// logged, counted and answered with 502, never with 404.
var ErrSecurity = errors.New("verification failed")

// privateModule reports whether the module must come from the private source alone.
func (t *Tenant) privateModule(path string) bool {
	return t.Private != "" && module.MatchPrefixPatterns(t.Private, path)
}

// source returns who is asked for a module; nil if nobody is.
func (t *Tenant) source(path string) upstream.Source {
	if t.privateModule(path) {
		return t.PrivateSource
	}
	return t.PublicSource
}

// toolchain is the module whose versions are Go SDKs.
const toolchain = "golang.org/toolchain"

// summed reports whether the checksum database is asked about a module. For toolchains it is whatever the patterns say,
// as in cmd/go/internal/modfetch.useSumDB.
func (t *Tenant) summed(path string) bool {
	if t.Sums == nil {
		return false
	}
	return path == toolchain || !t.privateModule(path) && !module.MatchPrefixPatterns(t.NoSum, path)
}

// withDefaults returns c with the zero values replaced.
func (c Config) withDefaults() Config {
	set(&c.Fresh, time.Minute)
	set(&c.RefreshWait, 40*time.Millisecond)
	set(&c.StaleFor, 30*24*time.Hour)
	set(&c.Negative, 30*time.Second)
	set(&c.FetchTimeout, time.Minute)
	set(&c.HotBytes, 32<<20)
	set(&c.MaxRequests, 4096)
	set(&c.MaxPerClient, 512)
	set(&c.MaxFetches, 512)
	set(&c.WriteTimeout, time.Minute)
	if c.Metrics == nil {
		c.Metrics = NewMetrics()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func set[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}
