package modtest

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// SumDB is a checksum database over [Modules]: an http.Handler for /latest, /lookup/… and /tile/…, and for /supported
// as proxies have it. It is safe for concurrent use.
//
// All versions that are there at the first request are put into its tree then, sorted; one that is added later gets
// into the tree when it is looked up, as in a real database. The key depends on nothing but the name: two databases
// of one name over other modules are one that shows two trees.
type SumDB struct {
	name, key string
	modules   *Modules
	tree      *sumdb.TestServer
	server    *sumdb.Server
	fill      func()

	mu     sync.Mutex // guards what follows
	lies   map[module.Version][2]string
	closed map[module.Version]bool // in the tree, where nothing can be changed
}

// NewSumDB returns a database of the name, such as "sum.example.com".
func NewSumDB(name string, m *Modules) *SumDB {
	signer, verifier := keys(name)
	s := &SumDB{name: name, key: verifier, modules: m, lies: map[module.Version][2]string{}, closed: map[module.Version]bool{}}
	s.tree = sumdb.NewTestServer(signer, s.gosum)
	s.server = sumdb.NewServer(treeOps{s.tree})
	s.fill = sync.OnceFunc(s.fillTree)
	return s
}

// keys returns the pair of keys that belongs to a name, as note.GenerateKey writes them; it cannot be given a seed.
func keys(name string) (signer, verifier string) {
	seed := sha256.Sum256([]byte("modtest " + name))
	private := ed25519.NewKeyFromSeed(seed[:])
	verifier, err := note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey))
	if err != nil {
		panic("modtest: " + err.Error()) // unreachable: the key has the right length
	}
	hash := strings.Split(strings.TrimPrefix(verifier, name+"+"), "+")[0]
	const ed25519Algorithm = 1
	data := base64.StdEncoding.EncodeToString(append([]byte{ed25519Algorithm}, seed[:]...))
	return "PRIVATE+KEY+" + name + "+" + hash + "+" + data, verifier
}

// Name returns the name of the database.
func (s *SumDB) Name() string { return s.name }

// Key returns the key to verify the database with, name+hash+key, for GOSUMDB.
func (s *SumDB) Key() string { return s.key }

// Override makes the database lie, or know what is not there. An empty hash leaves the true one. The tree of a
// database cannot be changed: Override panics if the version is in it, which all of its modules are from the first
// request on.
func (s *SumDB) Override(path, version, zip, gomod string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := module.Version{Path: path, Version: version}
	if s.closed[v] {
		panic("modtest: " + v.String() + " is in the tree already")
	}
	s.lies[v] = [2]string{zip, gomod}
}

// ServeHTTP answers a request whose path begins with what comes after the name of the database.
func (s *SumDB) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.fill()
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	case r.URL.Path == "/supported":
		w.WriteHeader(http.StatusOK)
	default:
		s.server.ServeHTTP(w, r)
	}
}

func (s *SumDB) fillTree() {
	for _, v := range s.modules.All() {
		// One without hashes, whose zip is none, is unknown.
		_, _ = s.tree.Lookup(context.Background(), v)
	}
}

// gosum returns the two lines of a record. The error for an unknown version is a plain *fs.PathError because
// sumdb.Server asks os.IsNotExist.
func (s *SumDB) gosum(path, version string) ([]byte, error) {
	v := module.Version{Path: path, Version: version}
	s.mu.Lock()
	defer s.mu.Unlock()
	zip, gomod := s.modules.Sums(path, version)
	if lie := s.lies[v]; lie[0] != "" {
		zip = lie[0]
	}
	if lie := s.lies[v]; lie[1] != "" {
		gomod = lie[1]
	}
	if zip == "" || gomod == "" {
		return nil, &fs.PathError{Op: "not found:", Path: v.String(), Err: fs.ErrNotExist}
	}
	s.closed[v] = true
	return fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod %s\n", path, version, zip, path, version, gomod), nil
}

// treeOps answers 404 for what is beyond the tree, where the test server panics or answers 500.
type treeOps struct{ *sumdb.TestServer }

func (t treeOps) ReadRecords(ctx context.Context, id, n int64) ([][]byte, error) {
	if err := t.within(ctx, id+n); err != nil {
		return nil, err
	}
	return t.TestServer.ReadRecords(ctx, id, n)
}

func (t treeOps) ReadTileData(ctx context.Context, tile tlog.Tile) ([]byte, error) {
	if shift := tile.H * tile.L; shift > 62 {
		return nil, beyond(tile.N)
	} else if err := t.within(ctx, (tile.N<<tile.H+int64(tile.W))<<shift); err != nil {
		return nil, err
	}
	return t.TestServer.ReadTileData(ctx, tile)
}

func (t treeOps) within(ctx context.Context, size int64) error {
	text, err := t.Signed(ctx)
	if err != nil {
		return err
	}
	tree, err := tlog.ParseTree(text)
	if err != nil {
		return err
	}
	if size < 0 || size > tree.N {
		return beyond(size)
	}
	return nil
}

func beyond(n int64) error {
	return &fs.PathError{Op: "not found:", Path: fmt.Sprint("record ", n), Err: fs.ErrNotExist}
}
