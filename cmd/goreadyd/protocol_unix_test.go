//go:build unix

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goready/goready/internal/modtest"
)

// level says how much a rule of the module protocol counts.
type level string

const (
	must   level = "MUST"   // required of every release
	should level = "SHOULD" // of a good one
	may    level = "MAY"    // what we promise beyond that
)

// rule is something that a module proxy does, seen from outside.
type rule struct {
	level level
	id    string
	check func(*probe)
}

// protocolRules are all rules, in the order in which they are checked.
func protocolRules() []rule {
	return slices.Concat(listRules(), fileRules(), queryRules(), absenceRules(), pathRules(), methodRules(), bodyRules(), headerRules(),
		cacheRules(), staleRules(), fetchRules(), sumRules(), operatorRules(), goRules())
}

// TestProtocol checks all rules one after the other with a single server, as somebody would who has only its address:
// what one rule does to it, such as an outage of its upstream, must not show in the next.
func TestProtocol(t *testing.T) {
	b := newBench(t)
	for _, r := range protocolRules() {
		t.Run(r.id, func(t *testing.T) {
			p := b.probe(t)
			r.check(p)
			for _, problem := range p.problems {
				t.Errorf("%s: %s", r.level, problem)
			}
			b.up.proxy.Reset()
		})
	}
}

// TestProtocolCanFail checks servers that do nothing right: no rule holds for all of them.
func TestProtocolCanFail(t *testing.T) {
	t.Parallel()
	hopeless := map[string]http.HandlerFunc{
		"yes":      func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>yes</html>") },
		"none":     http.NotFound,
		"outage":   func(w http.ResponseWriter, r *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) },
	}
	failed := map[string]bool{}
	for name, handler := range hopeless {
		s := httptest.NewServer(handler)
		t.Cleanup(s.Close)
		for _, r := range protocolRules() {
			// A go command takes a second to give up; that it fails with this one is enough.
			if strings.HasPrefix(r.id, "go-") && name != "yes" {
				continue
			}
			p := (&bench{up: newUpstream(t), url: s.URL, admin: s.URL, data: t.TempDir(), lax: true}).probe(t)
			r.check(p)
			if len(p.problems) > 0 {
				failed[r.id] = true
			}
		}
	}
	for _, r := range protocolRules() {
		if !failed[r.id] {
			t.Errorf("%s holds for every server", r.id)
		}
	}
}

// bench is a server to be checked, and its upstream.
type bench struct {
	up         *upstream
	server     *server // nil if it is none of ours
	url, admin string
	data       string // its folder
	lax        bool   // what holds for every answer is not checked
	modules    atomic.Int64
}

// newBench starts a server that verifies with the checksum database of its upstream. The lines are added to its
// configuration file.
func newBench(t *testing.T, config ...string) *bench {
	t.Helper()
	up, m := newUpstream(t), newMachine(t)
	return startBench(t, up, m, config...)
}

func startBench(t *testing.T, up *upstream, m *machine, config ...string) *bench {
	t.Helper()
	m.write(t, "goenv", "GOPROXY="+up.url+"\nGOSUMDB="+up.sums.Key()+"\n")
	b := &bench{up: up, data: path.Join(m.home, "data")}
	s := m.serve(t, "--data", b.data, "--config", m.write(t, "c.toml", strings.Join(config, "\n")+"\n"))
	b.server, b.url, b.admin = s, s.url, s.admin
	return b
}

// newUnverified starts a server without a checksum database, which has to find out by itself what is wrong.
func newUnverified(t *testing.T, config ...string) *bench {
	t.Helper()
	return newBench(t, append([]string{"sumdb.database = \"off\""}, config...)...)
}

// probe checks one rule. It collects what is wrong.
type probe struct {
	*bench
	t        *testing.T
	problems []string
}

func (b *bench) probe(t *testing.T) *probe { return &probe{bench: b, t: t} }

// run runs a check as a subtest.
func (b *bench) run(t *testing.T, name string, check func(*probe)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		p := b.probe(t)
		check(p)
		for _, problem := range p.problems {
			t.Error(problem)
		}
		b.up.proxy.Reset()
	})
}

func (p *probe) errorf(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

// fresh adds a module to upstream that nobody has asked for: v1.0.0, v1.1.0, v1.10.0 and v1.11.0-rc.1, and the branch
// main. It returns its path, which is escaped as it is.
func (p *probe) fresh() string {
	name := fmt.Sprintf("mod.example.com/fresh%d", p.modules.Add(1))
	gomod := "module " + name + "\n\ngo 1.21\n"
	for _, v := range []string{"v1.0.0", "v1.1.0", "v1.10.0", "v1.11.0-rc.1", freshMain} {
		p.up.modules.Add(modtest.Version{Path: name, Version: v, Files: map[string]string{"go.mod": gomod, "x.go": "package fresh // " + v + "\n"}})
	}
	p.up.modules.SetQuery(name, "main", freshMain)
	return name
}

const freshMain = "v1.11.0-rc.1.0.20240105060708-0123456789ab"

// freshBig adds a module with one version, v1.0.0, whose zip has about size bytes. It returns its path.
func (p *probe) freshBig(size int) string {
	name := fmt.Sprintf("mod.example.com/big%d", p.modules.Add(1))
	p.up.modules.AddBig(name, "v1.0.0", size)
	return name
}

// freshZip adds a module with one version, v1.0.0, whose zip has these bytes. It returns its path.
func (p *probe) freshZip(zip []byte) string {
	name := fmt.Sprintf("mod.example.com/zip%d", p.modules.Add(1))
	p.up.modules.Add(modtest.Version{Path: name, Version: "v1.0.0", Files: map[string]string{"go.mod": "module " + name + "\n"}, Zip: zip})
	return name
}

// file returns a file of upstream by its path in a URL without percent-encoding.
func (p *probe) file(urlPath string) []byte {
	r := httptest.NewRecorder()
	modtest.NewProxy(p.up.modules).ServeHTTP(r, httptest.NewRequest(http.MethodGet, urlPath, nil))
	if r.Code != http.StatusOK {
		p.t.Fatalf("upstream has no %s: %s", urlPath, r.Body)
	}
	return r.Body.Bytes()
}

// down lets upstream drop every connection from now on.
func (p *probe) down() { p.up.proxy.SetFault("/", modtest.Fault{Drop: true}) }

// healTime is how long the server may go on without an upstream that is well again.
const healTime = 250 * time.Millisecond

// heals ends what is wrong with upstream, which the server has to notice by itself.
func (p *probe) heals() {
	target := "/" + p.fresh() + "/@v/list"
	p.up.proxy.Reset()
	p.answered(healTime+slack, func() bool { return p.get(target).good() })
}

// slack is for a machine that has other things to do, on which even a failure that costs nothing may take so long that
// the upstream is left alone for five seconds. How fast the server really is, bench/proxytest measures.
const slack = 15 * time.Second

// fetches checks how often upstream was asked for what begins with a path.
func (p *probe) fetches(prefix string, max int) {
	if n := p.up.proxy.Count(prefix); n > max {
		p.errorf("upstream was asked for %s %d times, at most %d are needed", prefix, n, max)
	}
}

// answered checks that an answer which need not be there yet comes in time. A hopeless server is asked once.
func (p *probe) answered(within time.Duration, ask func() bool) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for start := time.Now(); !ask(); <-tick.C {
		if p.lax || time.Since(start) > within {
			p.errorf("no good answer within %v", within)
			return
		}
	}
}

// stored returns the names of all files below the server's folder.
func (p *probe) stored() []string {
	var names []string
	if err := walkFiles(p.data, func(name string) { names = append(names, name) }); err != nil && !os.IsNotExist(err) {
		p.t.Fatal(err)
	}
	return names
}

func walkFiles(dir string, found func(name string)) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if !e.IsDir() {
			found(name)
		} else if err := walkFiles(name, found); err != nil && !os.IsNotExist(err) { // temporary files come and go
			return err
		}
	}
	return nil
}
