package serve

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/upstream"
)

// value is a value of the configuration. Its text is what stands in a file; MarshalText masks what is secret in it.
type value interface {
	encoding.TextUnmarshaler
	encoding.TextMarshaler
}

// text is any string.
type text string

func (t *text) UnmarshalText(b []byte) error {
	if strings.ContainsFunc(string(b), func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		return fmt.Errorf("%q has a control character", b)
	}
	*t = text(b)
	return nil
}

func (t text) MarshalText() ([]byte, error) { return []byte(t), nil }

// address is where to listen: HOST:PORT; the host may be empty, for all addresses. "off" is for listeners that need
// not be.
type address struct {
	text     string
	optional bool
}

const off = "off"

func (a *address) UnmarshalText(b []byte) error {
	s := string(b)
	if s == off && a.optional {
		a.text = s
		return nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		want := "HOST:PORT, such as 127.0.0.1:8081"
		if a.optional {
			want += ", or off"
		}
		return fmt.Errorf("%q is no address to listen on: want %s", s, want)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n > math.MaxUint16 {
		return fmt.Errorf("%q is no address to listen on: the port %q is no number up to 65535", s, port)
	}
	if strings.ContainsAny(host, " /@") {
		return fmt.Errorf("%q is no address to listen on: %q is no host", s, host)
	}
	a.text = s
	return nil
}

func (a address) MarshalText() ([]byte, error) { return []byte(a.text), nil }

// duration is a length of time above zero, or "off" where that makes sense; it is then 0.
type duration struct {
	time.Duration
	optional bool
}

func (d *duration) UnmarshalText(b []byte) error {
	if string(b) == off && d.optional {
		d.Duration = 0
		return nil
	}
	parsed, err := time.ParseDuration(string(b))
	switch {
	case err != nil && d.optional:
		return fmt.Errorf("%q is no time such as 30s, 10m or 168h, nor off", b)
	case err != nil:
		return fmt.Errorf("%q is no time such as 30s, 10m or 168h", b)
	case parsed <= 0:
		return fmt.Errorf("%s is not above zero", b)
	}
	d.Duration = parsed
	return nil
}

func (d duration) MarshalText() ([]byte, error) {
	if d.Duration == 0 {
		return []byte(off), nil
	}
	s := d.String() // 1m0s, 720h0m0s
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return []byte(s), nil
}

// size is a number of bytes above zero, or "off" where that makes sense; it is then 0.
type size struct {
	bytes    int64
	optional bool
}

// sizeUnits are the units of sizes, those of which another is the end last.
func sizeUnits() []sizeUnit {
	return []sizeUnit{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
		{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}}
}

type sizeUnit struct {
	name  string
	bytes int64
}

func (s *size) UnmarshalText(b []byte) error {
	if string(b) == off && s.optional {
		s.bytes = 0
		return nil
	}
	want := fmt.Errorf("%q is no size such as 64MiB or 50GiB", b)
	if s.optional {
		want = fmt.Errorf("%w, nor off", want)
	}
	number, unit := string(b), int64(0)
	for _, u := range sizeUnits() {
		if n, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimSpace(n), u.bytes
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	switch {
	case unit == 0 || err != nil || math.IsNaN(n):
		return want
	case n*float64(unit) < 1:
		return fmt.Errorf("%s is not above zero", b)
	case n*float64(unit) > math.MaxInt64/2:
		return fmt.Errorf("%s is more than there is", b)
	}
	s.bytes = int64(n * float64(unit))
	return nil
}

func (s size) MarshalText() ([]byte, error) {
	if s.bytes == 0 {
		return []byte(off), nil
	}
	return []byte(sizeText(s.bytes)), nil
}

// sizeText writes a size exactly, in the largest unit that allows it.
func sizeText(bytes int64) string {
	for _, u := range sizeUnits() {
		if bytes%u.bytes == 0 && bytes >= u.bytes {
			return strconv.FormatInt(bytes/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(bytes, 10) + "B"
}

// roundSize writes a size for people.
func roundSize(bytes int64) string {
	for _, u := range sizeUnits()[:4] {
		if bytes >= u.bytes {
			return strconv.FormatFloat(float64(bytes)/float64(u.bytes), 'f', 1, 64) + " " + u.name
		}
	}
	return strconv.FormatInt(bytes, 10) + " B"
}

// count is a whole number above zero.
type count int

func (c *count) UnmarshalText(b []byte) error {
	n, err := strconv.ParseInt(string(b), 10, 32)
	if err != nil || n < 1 {
		return fmt.Errorf("%s is no whole number above zero", b)
	}
	*c = count(n)
	return nil
}

func (c count) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(c), 10), nil }

// choice is one of some words.
type choice struct {
	word  string
	words []string
}

func (c *choice) UnmarshalText(b []byte) error {
	if !slices.Contains(c.words, string(b)) {
		last := len(c.words) - 1
		return &nearError{goenv.Nearest(string(b), c.words),
			fmt.Errorf("%q is neither %s nor %s", b, strings.Join(c.words[:last], ", "), c.words[last])}
	}
	c.word = string(b)
	return nil
}

func (c choice) MarshalText() ([]byte, error) { return []byte(c.word), nil }

// nearError is an error about a word for which there is a similar one.
type nearError struct {
	near string // may be ""
	error
}

// patterns are module patterns, as in GOPRIVATE.
type patterns string

func (p *patterns) UnmarshalText(b []byte) error {
	for one := range strings.SplitSeq(string(b), ",") {
		if _, err := path.Match(one, ""); err != nil {
			return fmt.Errorf("%q is no pattern: %w", one, err)
		}
		if strings.TrimSpace(one) != one {
			return fmt.Errorf("the pattern %q has blanks around it, and so matches nothing", one)
		}
		if strings.Contains(one, "://") {
			return fmt.Errorf("the pattern %q is a URL: module paths have no scheme", one)
		}
	}
	*p = patterns(b)
	return nil
}

func (p patterns) MarshalText() ([]byte, error) { return []byte(p), nil }

// proxyList is a list as in GOPROXY. It may hold passwords: print [proxyList.String].
type proxyList string

func (l *proxyList) UnmarshalText(b []byte) error {
	list, err := goenv.ParseServerProxyList(string(b), runtime.GOOS)
	if err != nil {
		return err
	}
	for _, e := range list {
		if !e.IsURL() || strings.HasPrefix(e.URL, "file:") {
			continue
		}
		if _, err := upstream.NewHTTP(upstream.HTTPConfig{URL: e.URL}); err != nil {
			return err
		}
	}
	*l = proxyList(b)
	return nil
}

// MarshalText writes the list as people may see it.
func (l proxyList) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// String returns the list as people may see it.
func (l proxyList) String() string {
	list, err := goenv.ParseServerProxyList(string(l), runtime.GOOS)
	if err != nil {
		return ""
	}
	var b strings.Builder
	for i, e := range list {
		if i > 0 {
			b.WriteString(map[bool]string{true: "|", false: ","}[list[i-1].Pipe])
		}
		b.WriteString(redactURL(e.URL))
	}
	return b.String()
}

// redactURL masks whatever of a URL may be secret: a token may stand in the place of the user, or in the query.
func redactURL(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "xxxxx"
	}
	if u.User != nil {
		u.User = url.User("xxxxx")
	}
	if u.RawQuery != "" {
		u.RawQuery = "xxxxx"
	}
	return u.String()
}

// database is a checksum database, as in GOSUMDB. Its URL may hold a password: print [database.String].
type database string

func (d *database) UnmarshalText(b []byte) error {
	db, err := goenv.ParseSumDB(string(b))
	if err != nil {
		return err
	}
	if db.URL != "" {
		if u, err := url.Parse(db.URL); err != nil || cmp.Or(u.Scheme, "https") != "https" && u.Scheme != "http" && u.Scheme != "file" {
			return errors.New("invalid checksum database: its URL must begin with https://")
		}
	}
	*d = database(b)
	return nil
}

func (d database) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String returns the database as people may see it.
func (d database) String() string {
	fields := strings.Fields(string(d))
	if len(fields) == 2 {
		fields[1] = redactURL(fields[1])
	}
	return strings.Join(fields, " ")
}

// name returns the name of the database, or off.
func (d database) name() string {
	db, err := goenv.ParseSumDB(string(d))
	if err != nil || db.Off {
		return off
	}
	return db.Name
}
