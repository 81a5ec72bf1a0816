package goenv

import (
	"crypto/rand"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"
)

// newDatabase makes a checksum database for a case and returns its name and key. It is reached at
// <entry>/sumdb/<name>, at https://<name>, and at any URL that ends in /db/<case>.
func (l *walkLab) newDatabase(t testing.TB, id, behaviour string) (name, key string) {
	t.Helper()
	name = behaviour + "-" + id + ".example.com"
	signer, verifier, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Error(err)
	}
	server := sumdb.NewTestServer(signer, func(path, version string) ([]byte, error) {
		text, err := walkSums(module.Version{Path: path, Version: version})
		return []byte(text), err
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.databases[id] = sumdb.NewServer(server)
	return name, verifier
}

// walkSums returns the lines of go.sum for a module that serveWalkModule has.
func walkSums(m module.Version) (string, error) {
	open := func(name string) (io.ReadCloser, error) {
		text := "package m\n"
		if strings.HasSuffix(name, "go.mod") {
			text = walkModuleFile(m.Path)
		}
		return io.NopCloser(strings.NewReader(text)), nil
	}
	prefix := m.Path + "@" + m.Version + "/"
	all, err := dirhash.Hash1([]string{prefix + "go.mod", prefix + "m.go"}, open)
	if err != nil {
		return "", err
	}
	mod, err := dirhash.Hash1([]string{"go.mod"}, open)
	return fmt.Sprintf("%s %s %s\n%s %s/go.mod %s\n", m.Path, m.Version, all, m.Path, m.Version, mod), err
}

// walkDatabasePath returns the path below a checksum database, if a request is for one.
func walkDatabasePath(behaviour, rest string) (path string, ok bool) {
	if after, ok := strings.CutPrefix(rest, "sumdb/"); ok {
		_, path, _ = strings.Cut(after, "/")
		return path, true
	}
	if behaviour == "db" || behaviour == "lost" || strings.HasPrefix(rest, "lookup/") {
		return rest, true
	}
	return "", false
}

// serveDatabase answers as the database of the case: "nodb" does not carry it, "baddb" fails when asked, "nolookup" and
// "lost" carry it and know nothing.
func (l *walkLab) serveDatabase(w http.ResponseWriter, r *http.Request, behaviour, path string) {
	id, _, _ := walkRoute(r)
	l.mu.Lock()
	h := l.databases[id]
	l.mu.Unlock()
	switch {
	case behaviour == "html":
		io.WriteString(w, "<html>")
	case behaviour == "empty":
	case behaviour == "baddb":
		w.WriteHeader(http.StatusInternalServerError)
	case behaviour == "nodb" || h == nil, (behaviour == "nolookup" || behaviour == "lost") && path != "supported":
		w.WriteHeader(http.StatusNotFound)
	case path != "supported":
		r.URL = &url.URL{Path: "/" + path}
		h.ServeHTTP(w, r)
	}
}

// sumDBBehaviours are behaviours of entries, with their answers for modules and for the checksum database.
func sumDBBehaviours() []struct{ name, module, supported, lookup string } {
	return []struct{ name, module, supported, lookup string }{
		{"ok", "ok", "ok", ""}, {"nodb", "ok", "404", ""}, {"baddb", "ok", "500", ""}, {"nolookup", "ok", "ok", "404"},
		{"404", "404", "404", ""}, {"500", "500", "500", ""}, {"html", "html", "html", ""}, {"empty", "empty", "empty", ""}, {"refused", "refused", "refused", ""},
	}
}

// generateSumDBCase returns a list with a checksum database.
func (l *walkLab) generateSumDBCase(t testing.TB, r *mrand.Rand, n int) walkCase {
	c := walkCase{id: fmt.Sprintf("s%d", n), vars: map[string]string{}}
	c.module = pickOne(r, "ok", "ok", "500") + "-" + c.id + ".example.com/m"
	vcs, _, _ := strings.Cut(c.module, "-")
	answers, supported := []string{"direct=" + vcs}, []string{}
	var list strings.Builder
	lookups := map[string]string{}
	for i := range 1 + r.IntN(4) {
		if i > 0 {
			list.WriteString(pickOne(r, ",", "|"))
		}
		if r.IntN(6) == 0 {
			list.WriteString(pickOne(r, "direct", "off"))
			continue
		}
		b := pickOne(r, sumDBBehaviours()...)
		text := l.entryURL(c.id, i, b.name)
		list.WriteString(text)
		answers = append(answers, text+"="+b.module)
		supported = append(supported, text+"="+b.supported)
		lookups[text] = b.lookup
	}
	c.goproxy, c.answers, c.supported = list.String(), strings.Join(answers, ","), strings.Join(supported, ",")
	l.generateGOSUMDB(t, r, &c, lookups)
	return c
}

// generateGOSUMDB sets GOSUMDB and what the lookup is answered.
func (l *walkLab) generateGOSUMDB(t testing.TB, r *mrand.Rand, c *walkCase, lookups map[string]string) {
	direct := pickOne(r, "db", "db", "lost")
	_, key := l.newDatabase(t, c.id, direct)
	lost := map[string]string{"lost": "404"}
	switch r.IntN(8) {
	case 0:
		b := pickOne(r, "db", "lost", "500")
		c.vars["GOSUMDB"] = key + " " + l.entryURL(c.id, 9, b)
		c.lookup = map[string]string{"lost": "404", "500": "500"}[b]
		return
	case 1:
		c.vars["GONOSUMDB"] = pickOne(r, "*.example.com", "none")
	case 2:
		c.vars["GONOPROXY"] = pickOne(r, "*.example.com", "none")
	}
	c.vars["GOSUMDB"] = key
	w := RouteSumDB(l.input(t, *c))
	c.lookup = lookups[strings.TrimSuffix(w.Base, "/sumdb/"+direct+"-"+c.id+".example.com")]
	if w.Direct {
		c.lookup = lost[direct]
	}
}

// TestSumDBDifferential compares how the real go command reaches a checksum database.
func TestSumDBDifferential(t *testing.T) {
	l := newWalkLab(t)
	r := mrand.New(mrand.NewPCG(7, 8))
	var cases []walkCase
	for n := range walkCases(t, 160) {
		cases = append(cases, l.generateSumDBCase(t, r, n))
	}
	l.compareAll(t, cases)
}

// compareLookups returns how the places where the checksum database was asked differ from the prediction.
func compareLookups(lookups []string, route SumDBRoute) string {
	base, err := url.Parse(route.Base)
	if err != nil {
		return err.Error()
	}
	want := base.Path
	if !strings.HasPrefix(base.Host, "127.0.0.1") {
		want = base.Host + want
	}
	elsewhere := func(s string) bool { return route.Base == "" || !strings.HasPrefix(s, want+"/") }
	if i := slices.IndexFunc(lookups, elsewhere); i >= 0 {
		return fmt.Sprintf("lookup: go %s, predicted below %q", lookups[i], want)
	}
	return ""
}
