package sumdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Remote fetches files of the database from one place: below /sumdb/<name>/ of a module proxy, or from the database
// itself. Get may be called concurrently. It respects ctx, retries what is worth it, and gives up on bodies longer than
// max bytes. Nobody changes what it returned.
//
// A path, such as "lookup/example.com/!upper@v1.0.0+incompatible", "latest" or "tile/8/0/x001/234", is neither absolute
// nor escaped for a URL.
//
// fs.ErrNotExist is a definite no (HTTP 404, 410). Any other error is no answer.
type Remote interface {
	Get(ctx context.Context, path string, max int64) ([]byte, error)
}

// Config configures a [DB].
type Config struct {
	// Name and Key are the name of the database and its complete verifier key, which holds the name.
	Name, Key string
	// Proxies are module proxies in the order of GOPROXY. As a go command does, the DB asks each for "supported": the
	// first that has it is asked for everything, one that answers "not found" is passed over, and one that does not
	// answer makes the database unavailable.
	Proxies []Remote
	// Direct is the database itself, asked if no proxy supports it. Nil: it is not asked.
	Direct Remote
	// Dir is the cache folder, for this database alone. It is created. "": nothing is kept on disk.
	Dir string
	// Memory is how many bytes of hot files are held in memory. 0: 32 MiB.
	Memory int64
	// HeadTTL is how long "latest" is answered without asking. 0: one minute.
	HeadTTL time.Duration
	// NegativeTTL is how long it is believed that the database does not know a module version. 0: 30 seconds.
	NegativeTTL time.Duration
	// Timeout bounds each outside call. 0: 30 seconds.
	Timeout time.Duration
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
	// Log gets what an operator must know. Nil: nothing is logged.
	Log *slog.Logger
}

// Limits.
const (
	maxLookup = 256 << 10
	maxHead   = 64 << 10
	maxData   = 4 << 20 // a data tile; 256 records of the public database have 60 KiB
	maxAbsent = 1 << 20 // bytes of memory for what the database does not know

	routeTTL  = 10 * time.Minute // how long a proxy is believed to support the database
	headWait  = time.Second      // how long "latest" waits for news if there is an old head
	headRetry = 5 * time.Second  // how long "latest" is not asked for after nobody answered
)

var (
	// ErrBadPath means that a path is none of a checksum database, or that a module path or version is malformed.
	ErrBadPath = errors.New("malformed path")
	// ErrUnavailable means that there is no answer, or only a garbled one. It comes with context.DeadlineExceeded if
	// it was a time-out.
	ErrUnavailable = errors.New("no answer from the checksum database")
	// ErrSecurity is what every [*SecurityError] is.
	ErrSecurity = errors.New("checksum database misbehaves")
)

// SecurityError means that an answer contradicts what the database signed, or is not signed by it.
type SecurityError struct {
	Name string // of the database
	Err  error
	// Evidence is what proves it to others, in several lines: two signed tree heads that exclude each other. "" if
	// there is no more than an answer that cannot be proved.
	Evidence string
}

func (e *SecurityError) Error() string {
	text := fmt.Sprintf("SECURITY ERROR: checksum database %s: %v", e.Name, e.Err)
	if e.Evidence != "" {
		text += "\n" + e.Evidence
	}
	return text
}

func (e *SecurityError) Unwrap() error { return e.Err }

func (e *SecurityError) Is(target error) bool { return target == ErrSecurity }

// Hashes are the hashes of a module version as go.sum has them ("h1:…"). Either may be "", but not both.
type Hashes struct {
	Zip   string
	GoMod string
}

// State says where a [Response] comes from.
type State string

// The states.
const (
	Hit   State = "hit"   // nobody was asked
	Miss  State = "miss"  // it was fetched, by this request or one at the same time
	Stale State = "stale" // nobody answered in time; it is the last known
)

// Response is an answer to a go command. Nobody may change its Body.
type Response struct {
	Body        []byte
	ContentType string
	State       State
	// Immutable: the same path has this body for ever, which was proved.
	Immutable bool
}

// DB answers for one checksum database. All methods may be called concurrently. Requests for the same thing at the same
// time are one, which goes on, for a bounded time, if its clients leave.
type DB struct {
	cfg       Config
	verifiers note.Verifiers
	cache     *cache
	absent    *lru[absence]

	answers   flights[answer]
	fetches   flights[[]byte]
	refreshes flights[struct{}]
	routes    flights[Remote]

	head atomic.Pointer[head] // the largest tree seen; never nil

	saveMu sync.Mutex
	saved  *head // on disk; guarded by saveMu

	mu       sync.Mutex // guards what follows
	route    Remote     // who is asked; nil if not known
	routed   time.Time  // when that was found out
	seen     time.Time  // when head was known to be the latest
	headless time.Time  // when nobody answered for the latest head
}

// absence is what the database said instead of a record.
type absence struct {
	err   error
	until time.Time
}

// New returns the database that cfg describes. It reads the last tree head in cfg.Dir, and removes what a crash left.
func New(cfg Config) (*DB, error) {
	verifier, err := note.NewVerifier(cfg.Key)
	if err != nil {
		return nil, fmt.Errorf("key of the checksum database: %w", err)
	}
	if verifier.Name() != cfg.Name {
		return nil, fmt.Errorf("the key is of the checksum database %q, not of %q", verifier.Name(), cfg.Name)
	}
	setDefault(&cfg.Memory, 32<<20)
	setDefault(&cfg.HeadTTL, time.Minute)
	setDefault(&cfg.NegativeTTL, 30*time.Second)
	setDefault(&cfg.Timeout, 30*time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Log = cfg.Log.With("sumdb", cfg.Name)
	d := &DB{cfg: cfg, verifiers: note.VerifierList(verifier), absent: newLRU[absence](maxAbsent)}
	if d.cache, err = openCache(cfg.Dir, cfg.Key, cfg.Memory, cfg.Log); err != nil {
		return nil, err
	}
	d.loadHead()
	return d, nil
}

func setDefault[T int64 | time.Duration](p *T, value T) {
	if *p == 0 {
		*p = value
	}
}

// Name returns the name of the database.
func (d *DB) Name() string { return d.cfg.Name }

// Trim removes the oldest files of the cache folder until at most max bytes are left, and returns how many are. What is
// in memory stays.
func (d *DB) Trim(ctx context.Context, max int64) (left int64, err error) {
	return d.cache.trim(ctx, max)
}

// Lookup returns the hashes that the database has for a version of a module, proved to be in the signed tree. The
// version must be canonical.
//
// Errors: fs.ErrNotExist means that the database does not know it, [ErrUnavailable] that there is no answer,
// [ErrSecurity] that the answer cannot be true (also logged, with what proves it), [ErrBadPath] that path or version
// are malformed.
func (d *DB) Lookup(ctx context.Context, path, version string) (Hashes, error) {
	m := module.Version{Path: path, Version: version}
	req, err := newLookup(m)
	if err != nil {
		return Hashes{}, err
	}
	a, err := d.lookup(ctx, req)
	if err != nil {
		return Hashes{}, err
	}
	_, text, _, err := tlog.ParseRecord(a.body)
	if err != nil {
		return Hashes{}, err // unreachable: it was parsed before it was proved
	}
	return hashesOf(m, string(text))
}

// Get answers what a go command asks below /sumdb/<name>/: "supported", "latest", "lookup/<module>@<version>" with both
// escaped, "tile/8/…". The path is not escaped for a URL any more. Errors are those of [DB.Lookup].
//
// A tile beyond every tree head that can be had is passed on without being stored: a go command, which may know a newer
// head, proves what it gets.
func (d *DB) Get(ctx context.Context, path string) (*Response, error) {
	req, err := parse(path)
	if err != nil {
		return nil, err
	}
	a, contentType := answer{state: Hit}, "text/plain; charset=UTF-8"
	switch req.kind {
	case latestRequest:
		a, err = d.latest(ctx)
	case lookupRequest:
		a, err = d.lookup(ctx, req)
	case tileRequest:
		a, err = d.tile(ctx, req)
		if req.tile.L >= 0 {
			contentType = "application/octet-stream"
		}
	}
	if err != nil {
		return nil, err
	}
	return &Response{Body: a.body, ContentType: contentType, State: a.state, Immutable: a.immutable}, nil
}

// noAnswer wraps an error so that it is ErrUnavailable.
func noAnswer(err error) error {
	if errors.Is(err, ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// garbled is the error for a body that is not even false.
func garbled(path string, err error) error {
	return fmt.Errorf("%w: %s: garbled: %w", ErrUnavailable, path, err)
}
