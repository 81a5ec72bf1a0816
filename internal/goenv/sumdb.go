package goenv

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/goready/goready/internal/msg"
)

// SumDB is a value of GOSUMDB.
type SumDB struct {
	Off  bool
	Name string // host[/path] of the database
	Key  string // complete verifier key; public
	// URL is where the database is reached instead of by way of GOPROXY; "" if GOSUMDB names none. It may hold a
	// password: print [SumDBRoute.Base].
	URL string
	// Known: the key is built into Go. Alias: the value is sum.golang.google.cn alone.
	Known bool
	Alias bool
}

// The names of the one checksum database whose key is built into Go.
const (
	sumDBName  = "sum.golang.org"
	sumDBAlias = "sum.golang.google.cn"
	// sumDBKey is cmd/go/internal/modfetch.knownGOSUMDB.
	sumDBKey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
)

// ParseSumDB reads the value of GOSUMDB as cmd/go/internal/modfetch.dbDial does, with its errors. "off" is no error
// here; Go reports it only where it needs the database.
func ParseSumDB(gosumdb string) (SumDB, error) {
	if gosumdb == "off" {
		return SumDB{Off: true}, nil
	}
	var db SumDB
	if gosumdb == sumDBAlias {
		db.Alias = true
		gosumdb = sumDBName + " https://" + sumDBAlias
	}
	fields := strings.Fields(gosumdb)
	switch {
	case len(fields) == 0:
		return SumDB{}, errors.New("missing GOSUMDB")
	case len(fields) > 2:
		return SumDB{}, errors.New("invalid GOSUMDB: too many fields")
	}
	db.Key = fields[0]
	if db.Key == sumDBName {
		db.Key, db.Known = sumDBKey, true
	}
	verifier, err := note.NewVerifier(db.Key)
	if err != nil {
		return SumDB{}, fmt.Errorf("invalid GOSUMDB: %w", err)
	}
	db.Name = verifier.Name()
	if err := checkSumDBName(db.Name); err != nil {
		return SumDB{}, err
	}
	if len(fields) == 2 {
		if _, err := url.Parse(fields[1]); err != nil {
			return SumDB{}, fmt.Errorf("invalid GOSUMDB URL: %w", redactURLError(err))
		}
		db.URL = fields[1]
	}
	return db, nil
}

// errTextSumDBOff is what Go says where it needs the database.
const errTextSumDBOff = "checksum database disabled by GOSUMDB=off"

// checkSumDBName refuses names that are not host[/path]. Go adds its own rendering of the URL to the text.
func checkSumDBName(name string) error {
	direct, err := url.Parse("https://" + name)
	if err != nil || strings.HasSuffix(name, "/") || direct.RawPath != "" || direct.Host == "" ||
		*direct != (url.URL{Scheme: "https", Host: direct.Host, Path: direct.Path}) {
		return fmt.Errorf("invalid sumdb name (must be host[/path]): %s", name)
	}
	return nil
}

// SumDBDecision says whether hashes that go.sum does not have are looked up in a checksum database, and how.
type SumDBDecision struct {
	Used bool
	// Matched is the pattern of GONOSUMDB that exempts the module.
	Matched PatternMatch
	DB      SumDB
	// Route is how the database is reached; zero if it is not used.
	Route SumDBRoute
	Why   msg.Text
	// Err is, in Go's own words, why every lookup fails.
	Err string
}

// DecideSumDB applies cmd/go/internal/modfetch.useSumDB and dbDial to in.Module.
func DecideSumDB(in WalkInput) SumDBDecision {
	d := SumDBDecision{Used: in.GOSUMDB != "off"}
	pattern, exempt := MatchPattern(in.GONOSUMDB, in.Module)
	switch toolchain := toolchainNeedsSumDB(in); {
	case toolchain:
		d.Used = true
		d.Why = msg.New("a downloaded Go toolchain is always verified, whatever GOSUMDB and GONOSUMDB say")
	case !d.Used:
		d.Why = msg.New("GOSUMDB is off")
		return d
	case exempt:
		d.Used, d.Matched = false, PatternMatch{"GONOSUMDB", pattern}
		d.Why = msg.New("the module matches %q in GONOSUMDB", pattern)
		return d
	default:
		d.Why = msg.New("hashes that go.sum does not have are looked up")
	}
	db, err := ParseSumDB(in.GOSUMDB)
	if err == nil && db.Off {
		err = errors.New(errTextSumDBOff)
	}
	if err != nil {
		d.Err = err.Error()
		return d
	}
	d.DB = db
	d.Route = RouteSumDB(in)
	d.Err = d.Route.Err
	return d
}

// toolchainNeedsSumDB reports whether in.Module is a toolchain, for which the settings that exempt modules do not
// count. GOPROXY with nothing but a folder is the exception.
func toolchainNeedsSumDB(in WalkInput) bool {
	if in.Module != "golang.org/toolchain" {
		return false
	}
	return !strings.HasPrefix(in.GOPROXY, "file://") || strings.ContainsAny(in.GOPROXY, ",|")
}
