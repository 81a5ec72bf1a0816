package upstream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/modtest"
)

// fake answers everything with err, or with its name.
type fake struct {
	name string
	err  error
}

func (f fake) Versions(context.Context, string) (*Answer, error) {
	return &Answer{From: f.name}, f.err
}

func (f fake) Resolve(context.Context, string, string) (*Answer, error) {
	return &Answer{From: f.name}, f.err
}

func (f fake) Open(context.Context, module.Version, Kind) (*File, error) {
	return memoryFile(f.name, nil), f.err
}

// fakeErrors are what a fake may answer, by the first letter of its name.
func fakeErrors(name string) error {
	switch name[0] {
	case 'n':
		return &Error{From: name, Status: 404, Err: fs.ErrNotExist}
	case 'r':
		return &Error{From: name, Status: 403, Err: ErrRefused}
	case 'l':
		return &Error{From: name, Err: ErrTooLarge}
	case 'u':
		return &Error{From: name, Status: 500, Err: ErrUnavailable}
	case 't':
		return &Error{From: name, Err: fmt.Errorf("%w: %w", ErrUnavailable, context.DeadlineExceeded)}
	case 'x':
		return errors.New("something that no source may return")
	}
	return nil
}

// fakeChain makes a chain of a list such as "n1|u2,off".
func fakeChain(list string) *Chain {
	var entries []Entry
	for list != "" {
		i := strings.IndexAny(list+",", ",|")
		name := list[:i]
		e := Entry{Name: name, Pipe: strings.HasPrefix(list[i:], "|"), Source: fake{name, fakeErrors(name)}}
		if name == "off" {
			e.Source = nil
		}
		entries = append(entries, e)
		list = list[min(i+1, len(list)):]
	}
	return NewChain(entries)
}

func TestChain(t *testing.T) {
	for _, tt := range []struct{ list, want string }{
		{"ok1", "ok1"},
		{"ok1,ok2", "ok1"},
		{"n1,ok2", "ok2"},
		{"n1|ok2", "ok2"},
		{"n1,n2,ok3", "ok3"},
		{"r1,ok2", "refused by r1"},
		{"r1|ok2", "ok2"},
		{"u1,ok2", "unavailable by u1"},
		{"u1|ok2", "ok2"},
		{"t1,ok2", "unavailable+deadline by t1"},
		{"t1|ok2", "ok2"},
		{"l1,ok2", "too_large by l1"},
		{"l1|ok2", "ok2"},
		{"x1,ok2", "unavailable by x1"},
		{"x1|ok2", "ok2"},
		// Only where all say no, it is a no.
		{"n1", "not_exist by n1"},
		{"n1,n2", "not_exist by n2"},
		{"n1|n2|n3", "not_exist by n3"},
		{"u1|n2", "unavailable by u1"},
		{"n1,u2", "unavailable by u2"},
		{"u1|n2|n3", "unavailable by u1"},
		{"t1|n2", "unavailable+deadline by t1"},
		{"r1|n2", "refused by r1"},
		{"n1,r2", "refused by r2"},
		{"r1|u2", "unavailable by u2"},
		{"u1|r2", "unavailable by u1"},
		{"r1|r2", "refused by r1"},
		{"u1|t2", "unavailable by u1"},
		{"r1|l2", "too_large by l2"},
		{"l1|u2", "unavailable by u2"},
		{"r1|n2|u3,ok4", "unavailable by u3"},
		// The word off.
		{"off", "not_exist by GOPROXY"},
		{"", "not_exist by GOPROXY"},
		{"n1,off", "not_exist by n1"},
		{"u1|off", "unavailable by u1"},
		{"r1|off", "refused by r1"},
		{"n1,off,ok2", "not_exist by n1"},
	} {
		t.Run(strings.ReplaceAll(tt.list, "|", "_or_"), func(t *testing.T) {
			c := fakeChain(tt.list)
			a, err := c.Versions(t.Context(), "example.com/m")
			if got := chainText(a, err); got != tt.want {
				t.Errorf("Versions: %s, want %s", got, tt.want)
			}
			a, err = c.Resolve(t.Context(), "example.com/m", "latest")
			if got := chainText(a, err); got != tt.want {
				t.Errorf("Resolve: %s, want %s", got, tt.want)
			}
			f, err := c.Open(t.Context(), module.Version{Path: "example.com/m", Version: "v1.0.0"}, Zip)
			var from *Answer
			if f != nil {
				from = &Answer{From: f.From}
			}
			if got := chainText(from, err); got != tt.want {
				t.Errorf("Open: %s, want %s", got, tt.want)
			}
		})
	}
	_, err := NewChain(nil).Versions(t.Context(), "example.com/m")
	var e *Error
	if !errors.As(err, &e) || e.Text != "module lookup disabled by GOPROXY=off" {
		t.Errorf("off says %v", err)
	}
}

func chainText(a *Answer, err error) string {
	if err == nil {
		return a.From
	}
	var e *Error
	if !errors.As(err, &e) || a != nil {
		return fmt.Sprintf("%v, %v", a, err)
	}
	return kindText(err) + " by " + e.From
}

// noted is a fake that notes whether it was asked.
type noted struct {
	fake
	asked *bool
}

func (n noted) Versions(ctx context.Context, path string) (*Answer, error) {
	*n.asked = true
	return n.fake.Versions(ctx, path)
}

// Who has given up does not ask the next entry.
func TestChainGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	asked := false
	c := NewChain([]Entry{
		{Name: "first", Pipe: true, Source: fake{"first", unavailable("first", context.Canceled)}},
		{Name: "second", Source: noted{fake{name: "second"}, &asked}},
	})
	_, err := c.Versions(ctx, "example.com/m")
	if wantKind(t, err, "unavailable+canceled"); asked {
		t.Error("the second was asked")
	}
}

// A body that breaks off is not replaced by another one: the reader has its beginning.
func TestChainBrokenBody(t *testing.T) {
	first, h1 := startProxy(t, HTTPConfig{})
	second, h2 := startProxy(t, HTTPConfig{})
	first.SetFault("/", modtest.Fault{TruncateAt: 20})
	c := NewChain([]Entry{{Source: h1, Name: "first", Pipe: true}, {Source: h2, Name: "second"}})
	_, err := get(c, module.Version{Path: "mod.example.com/basic", Version: "v1.0.0"}, Zip)
	wantKind(t, err, "unavailable")
	if second.Count("/") != 0 {
		t.Error("the second was asked")
	}
	health := c.Health()
	if len(health) != 2 || health[0].Name != "first" || health[0].Errors != 1 || health[1].Name != "second" || health[1].Requests != 0 {
		t.Errorf("health %+v", health)
	}
}

func TestChainGet(t *testing.T) {
	_, without := startProxy(t, HTTPConfig{})
	p, with := startProxy(t, HTTPConfig{})
	p.ServeSumDB(modtest.NewSumDB("sum.example.com", modtest.Corpus()))
	version := fake{name: "direct"}
	const path = "sumdb/sum.example.com/supported"
	for _, tt := range []struct {
		name    string
		entries []Entry
		want    string
	}{
		{"second_has_it", []Entry{{Source: without}, {Source: with}}, "ok"},
		{"nobody_has_it", []Entry{{Source: without}, {Source: version}}, "not_exist"},
		{"off", []Entry{{}, {Source: with}}, "not_exist"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := NewChain(tt.entries).Get(t.Context(), path, 100)
			wantKind(t, err, tt.want)
		})
	}
	if h := NewChain([]Entry{{Source: version, Name: "x"}, {}}).Health(); len(h) != 1 || h[0] != (Health{Name: "x", Up: true}) {
		t.Errorf("health %+v", h)
	}
}

// The go command itself goes on to the next entry exactly where a chain does. (What it says in the end differs, where
// a chain is stricter.)
func TestChainLikeGo(t *testing.T) {
	faults := map[string]modtest.Fault{
		"ok":   {},
		"404":  {Status: 404},
		"410":  {Status: 410},
		"401":  {Status: 401},
		"403":  {Status: 403},
		"429":  {Status: 429},
		"451":  {Status: 451},
		"500":  {Status: 500},
		"503":  {Status: 503},
		"504":  {Status: 504},
		"drop": {Drop: true},
		"html": {Replace: []byte("<html>"), Header: http.Header{"Content-Type": {"text/html"}}},
		"lie":  {Replace: []byte(`{"Version":"v1.1.0"}`)},
	}
	for _, list := range []string{
		"ok,ok", "404,ok", "410,ok", "401,ok", "403,ok", "429,ok", "451,ok", "500,ok", "503,ok", "504,ok", "drop,ok", "html,ok", "lie,ok",
		"404|ok", "403|ok", "500|ok", "drop|ok", "html|ok", "lie|ok",
		"404,404", "404,403", "403|404", "500|404", "404,500,ok", "404|500|ok", "500|403,ok", "404,off", "500|off", "off,ok",
	} {
		name := strings.NewReplacer(",", "_then_", "|", "_or_").Replace(list)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var goproxy strings.Builder
			var entries []Entry
			var proxies []*modtest.Proxy
			for rest := list; rest != ""; {
				i := strings.IndexAny(rest+",", ",|")
				separator := rest[i:min(i+1, len(rest))]
				if rest[:i] == "off" {
					goproxy.WriteString("off" + separator)
					entries = append(entries, Entry{Name: "off"})
				} else {
					p := modtest.NewProxy(modtest.Corpus())
					p.SetFault("/mod.example.com/basic/@v/v1.0.0.info", faults[rest[:i]])
					server := httptest.NewServer(p)
					defer server.Close()
					proxies = append(proxies, p)
					goproxy.WriteString(server.URL + separator)
					h := newHTTP(t, HTTPConfig{URL: server.URL, Rand: func() float64 { return 0 }})
					entries = append(entries, Entry{Source: h, Name: server.URL, Pipe: separator == "|"})
				}
				rest = rest[min(i+1, len(rest)):]
			}
			trail := func() string {
				var asked []string
				for i, p := range proxies {
					asked = append(asked, fmt.Sprintf("%d:%v", i+1, p.Count("/mod.example.com/basic/@v/v1.0.0.info") > 0))
				}
				return strings.Join(asked, " ")
			}
			_, err := NewChain(entries).Resolve(t.Context(), "mod.example.com/basic", "v1.0.0")
			ours, oursTrail := err == nil, trail()
			for i, p := range proxies {
				p.Reset()
				p.SetFault("/mod.example.com/basic/@v/v1.0.0.info", faults[splitList(list)[i]])
			}
			out, err := modtest.NewGo(t, "GOPROXY="+goproxy.String()).Run(t, "list", "-m", "mod.example.com/basic@v1.0.0")
			if gos := err == nil; gos != ours || trail() != oursTrail {
				t.Errorf("ours: %v, asked %s; go: %v, asked %s\n%s%v", ours, oursTrail, gos, trail(), out, err)
			}
		})
	}
}

// splitList returns the entries of a list that are servers.
func splitList(list string) []string {
	var out []string
	for _, s := range strings.FieldsFunc(list, func(c rune) bool { return c == ',' || c == '|' }) {
		if s != "off" {
			out = append(out, s)
		}
	}
	return out
}
