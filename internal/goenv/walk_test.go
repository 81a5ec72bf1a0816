package goenv

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// walkCase is a generated GOPROXY list for the real go command.
type walkCase struct {
	id      string
	goproxy string
	module  string
	answers string
	// for the checksum database
	supported, lookup string
	vars              map[string]string // further variables
}

// generateWalkCase returns the n-th list of a generator.
func (l *walkLab) generateWalkCase(r *rand.Rand, n int) walkCase {
	id := fmt.Sprintf("c%d", n)
	vcs := pickOne(r, "ok", "ok", "404", "500", "html", "proxyerror")
	c := walkCase{id: id, module: vcs + "-" + id + ".example.com/" + pickOne(r, "m", "m", "M/x~y"), vars: map[string]string{}}
	answers := []string{"direct=" + vcs}
	if vcs == "proxyerror" {
		c.vars["HTTPS_PROXY"] = "http://" + walkClosedAddress
	}
	switch r.IntN(6) {
	case 0:
		c.vars["GONOPROXY"] = pickOne(r, "*.example.com", "*.com/*", "none", "*.example.com/m,other", "example.com")
	case 1:
		c.vars["GOPRIVATE"] = pickOne(r, "*", "corp.example.com")
		c.vars["GONOPROXY"] = pickOne(r, "", "none")
	}
	var list strings.Builder
	entries := 1 + r.IntN(4)
	var text, answer string
	for i := range entries {
		if i == 0 || r.IntN(12) > 0 { // else the same entry again
			text, answer = l.generateEntry(r, c, i)
		}
		if answer != "" {
			answers = append(answers, text+"="+answer)
		}
		list.WriteString(pickOne(r, "", "", "", " ", "\t") + text + pickOne(r, "", "", "", " "))
		if i < entries-1 || r.IntN(6) == 0 {
			list.WriteString(pickOne(r, ",", ",", "|", "|", ",,", "|,"))
		}
	}
	c.goproxy, c.answers = list.String(), strings.Join(answers, ",")
	return c
}

// generateEntry returns an entry, and what it answers if it is a server.
func (l *walkLab) generateEntry(r *rand.Rand, c walkCase, i int) (text, answer string) {
	switch n := r.IntN(40); {
	case n < 4:
		return "direct", ""
	case n < 6:
		return "off", ""
	case n < 7:
		return pickOne(r, "DIRECT", "OFF", "foo", "noproxy", "ftp://a.example.com", "file:rel", "file://localhost/x", "/abs", "http://[::1", "\"direct\"",
			"http://a b", "https://%zz", "socks5://127.0.0.1:1"), ""
	case n < 8:
		return strings.Replace(l.entryURL(c.id, i, "ok"), "http://", "http://user:pw@", 1), "ok"
	case n < 10:
		dir := filepath.Join(l.dir, "files", pickOne(r, "full", "none"))
		if strings.HasSuffix(dir, "none") {
			return "file://" + dir, "404"
		}
		return "file://" + dir, "ok"
	}
	answer = pickOne(r, "404", "404", "404", "410", "403", "401", "400", "429", "500", "502", "503", "204", "html", "empty", "refused", "dns", "tls", "eof",
		"redirect404", "redirect500", "redirectok", "insecure", "ok", "ok", "ok", "ok")
	behaviour := answer
	if r.IntN(4) == 0 && !strings.HasPrefix(answer, "redirect") && answer != "refused" && answer != "dns" && answer != "eof" {
		behaviour = "https:" + answer
	}
	text = l.entryURL(c.id, i, behaviour)
	if r.IntN(8) == 0 {
		text += "/"
	}
	return text, answer
}

// input returns what the prediction is made from.
func (l *walkLab) input(t testing.TB, c walkCase) WalkInput {
	t.Helper()
	answers, err := ParseAnswers(c.answers)
	if err != nil {
		t.Error(err)
	}
	supported, err := ParseAnswers(c.supported)
	if err != nil {
		t.Error(err)
	}
	var lookup Answer
	if c.lookup != "" {
		if lookup, err = ParseAnswer(c.lookup); err != nil {
			t.Error(err)
		}
	}
	env := l.proxyEnv()
	for k, v := range c.vars {
		env[k] = v
	}
	or := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	sumdb := or(c.vars["GOSUMDB"], "off")
	return WalkInput{
		Platform: walkPlatform(), Module: c.module, Version: "v1.0.0", GOPROXY: c.goproxy, GOPRIVATE: c.vars["GOPRIVATE"],
		GONOPROXY: or(c.vars["GONOPROXY"], c.vars["GOPRIVATE"]), GONOSUMDB: or(c.vars["GONOSUMDB"], c.vars["GOPRIVATE"]), GOSUMDB: sumdb,
		GOVCS: c.vars["GOVCS"], GOAUTH: or(c.vars["GOAUTH"], "netrc"), GOINSECURE: c.vars["GOINSECURE"],
		Proxy: HTTPProxyFromEnv(func(k string) string { return env[k] }), Answers: answers, SumDBAnswers: supported, SumDBLookup: lookup,
	}
}

// walkRunLimit is more than any run takes that ends by itself.
const walkRunLimit = 20 * time.Second

// compare runs the real go command and compares it with the prediction. It returns what differs.
func (l *walkLab) compare(t testing.TB, c walkCase) string {
	t.Helper()
	w := SimulateWalk(l.input(t, c))
	extra := []string{"GOPROXY=" + c.goproxy}
	for k, v := range c.vars {
		extra = append(extra, k+"="+v)
	}
	ctx, cancel := context.WithTimeout(context.Background(), walkRunLimit)
	defer cancel()
	got := l.run(ctx, t, c.id, c.module+"@v1.0.0", extra...)
	var diff []string
	if got.ok != (w.Served != "" && w.Err == "") || w.Depends || w.Blocks {
		diff = append(diff, fmt.Sprintf("success: go %v, predicted served by %q, error %q", got.ok, w.Served, w.Err))
	}
	if w.Err != "" && !strings.Contains(got.output, w.Err) {
		diff = append(diff, fmt.Sprintf("error: predicted %q", w.Err))
	}
	steps := slices.Clone(w.Steps)
	if verifies(w) {
		steps = append(steps, w.SumDB.Route.Steps...)
	}
	if want := predictedWalkRequests(t, steps); !sameWalkRequests(got.requests, want) {
		diff = append(diff, fmt.Sprintf("requests:\n go        %s\n predicted %s", strings.Join(got.requests, "\n           "), strings.Join(want, "\n           ")))
	}
	if ctx.Err() != nil {
		diff = append(diff, "go did not end")
	}
	if d := compareLookups(got.lookups, w.SumDB.Route); d != "" {
		diff = append(diff, d)
	}
	if diff == nil {
		return ""
	}
	return fmt.Sprintf("GOPROXY=%q %v\nanswers %s\n%s\ngo says: %s", c.goproxy, c.vars, c.answers, strings.Join(diff, "\n"), got.output)
}

// verifies reports whether a walk comes to a file that the checksum database is asked about.
func verifies(w Walk) bool {
	return slices.ContainsFunc(w.Steps, func(s WalkStep) bool {
		return slices.ContainsFunc(s.Files, func(f WalkFile) bool {
			return f.Name == ".mod" && (f.Outcome == WalkServed || strings.HasPrefix(f.Err, "verifying"))
		})
	})
}

// sameWalkRequests compares the requests that each entry gets for modules, and those for the checksum database, in order.
func sameWalkRequests(got, want []string) bool {
	key := func(s string) string {
		u, err := url.Parse(s)
		if err != nil || !strings.HasPrefix(s, "/") {
			host, _, _ := strings.Cut(s, "/")
			return host
		}
		parts := strings.SplitN(u.Path, "/", 4)
		return fmt.Sprint(strings.Join(parts[:min(3, len(parts))], "/"), strings.Contains(u.Path, "/sumdb/"))
	}
	split := func(list []string) map[string][]string {
		m := map[string][]string{}
		for _, s := range list {
			m[key(s)] = append(m[key(s)], s)
		}
		return m
	}
	a, b := split(got), split(want)
	for k := range b {
		if _, ok := a[k]; !ok {
			return false
		}
	}
	for k, v := range a {
		if !slices.Equal(v, b[k]) {
			return false
		}
	}
	return true
}

// TestWalkDifferential compares predictions with the real go command and servers on loopback.
func TestWalkDifferential(t *testing.T) {
	l := newWalkLab(t)
	r := rand.New(rand.NewPCG(5, 6))
	var cases []walkCase
	for n := range walkCases(t, 360) {
		c := l.generateWalkCase(r, n)
		l.writeFolder(t, c.module)
		cases = append(cases, c)
	}
	l.compareAll(t, cases)
}

// compareAll compares all cases, two at a time.
func (l *walkLab) compareAll(t *testing.T, cases []walkCase) {
	t.Helper()
	var wg sync.WaitGroup
	todo := make(chan walkCase)
	for range 2 {
		wg.Go(func() {
			for c := range todo {
				if diff := l.compare(t, c); diff != "" {
					t.Errorf("%s: %s", c.id, diff)
				}
				os.RemoveAll(filepath.Join(l.dir, c.id))
			}
		})
	}
	for _, c := range cases {
		todo <- c
	}
	close(todo)
	wg.Wait()
}

// writeFolder puts a module into the folder that is a file:// proxy.
func (l *walkLab) writeFolder(t testing.TB, module string) {
	t.Helper()
	dir := filepath.Join(l.dir, "files", "full", strings.ReplaceAll(module, "M", "!m"), "@v")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"list": "v1.0.0\n", "v1.0.0.info": `{"Version":"v1.0.0","Time":"2020-01-01T00:00:00Z"}`, "v1.0.0.mod": walkModuleFile(module), "v1.0.0.zip": string(walkModuleZip(module)),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
