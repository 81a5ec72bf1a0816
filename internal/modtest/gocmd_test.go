package modtest_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/goready/goready/internal/modtest"
)

// realGo returns the go command with a proxy of the corpus, and the corpus's database reached through the proxy.
func realGo(t *testing.T, env ...string) (*modtest.Go, *modtest.Proxy, *modtest.SumDB) {
	t.Helper()
	m := modtest.Corpus()
	p, db := modtest.NewProxy(m), modtest.NewSumDB("sum.example.com", m)
	p.ServeSumDB(db)
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	env = append([]string{"GOPROXY=" + srv.URL, "GOSUMDB=" + db.Key()}, env...)
	return modtest.NewGo(t, env...), p, db
}

func TestGoDownload(t *testing.T) {
	g, p, _ := realGo(t)
	for _, v := range []string{
		"basic@v1.2.0", "basic/v2@v2.1.0", "Upper/CaseMod@v1.0.0", "Upper/CaseMod@v1.1.0-RC1", "incompatible@v2.0.0+incompatible",
		"pseudo@v0.0.0-20240303030303-bbbbbbbbbbbb", "deps@v1.0.0", "retract@v1.2.0", "fork@v1.0.1",
	} {
		if _, err := g.Run(t, "mod", "download", "mod.example.com/"+v); err != nil {
			t.Error(err)
		}
	}
	if got, want := p.Count("/sumdb/sum.example.com/lookup/"), 9; got != want {
		t.Errorf("%d lookups in the database, want %d", got, want)
	}
}

func TestGoBuildsDependencies(t *testing.T) {
	g, _, _ := realGo(t)
	g.WriteFile(t, "go.mod", "module example.com/x\n\ngo 1.21\n\nrequire mod.example.com/deps v1.0.0\n\n"+
		"replace mod.example.com/basic => mod.example.com/fork v1.0.1\n")
	g.WriteFile(t, "x.go", "package x\n\nimport _ \"mod.example.com/deps\"\n")
	if _, err := g.Run(t, "mod", "tidy"); err != nil {
		t.Fatal(err)
	}
	got, err := g.Run(t, "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{with .Replace}} {{.Path}} {{.Version}}{{end}}{{end}}", ".")
	want := `mod.example.com/Upper/CaseMod v1.0.0
mod.example.com/basic v1.2.0 mod.example.com/fork v1.0.1
mod.example.com/basic/v2 v2.1.0
mod.example.com/incompatible v2.0.0+incompatible
mod.example.com/pseudo v0.0.0-20240101120000-aaaaaaaaaaaa
mod.example.com/deps v1.0.0
example.com/x`
	if err != nil || strings.TrimSpace(got) != want {
		t.Errorf("packages\n%s\nerror %v, want\n%s", got, err, want)
	}
}

func TestGoQueries(t *testing.T) {
	tests := []struct{ query, want string }{
		{"basic@latest", "v1.10.0"},
		{"basic@v1.1", "v1.1.0"},
		{"basic@main", "v1.10.1-0.20231105060708-0123456789ab"},
		{"basic@0123456789ab", "v1.10.1-0.20231105060708-0123456789ab"},
		{"basic/v2@latest", "v2.1.0"},
		{"Upper/CaseMod@latest", "v1.0.0"},
		{"incompatible@latest", "v3.1.0+incompatible"},
		{"pseudo@latest", "v0.0.0-20240303030303-bbbbbbbbbbbb"},
		{"pseudo@main", "v0.0.0-20240303030303-bbbbbbbbbbbb"},
		{"retract@v1.1.0", "v1.1.0"},
		{"fork@latest", "v1.0.1"},
	}
	g, _, _ := realGo(t)
	for _, tt := range tests {
		got, err := g.Run(t, "list", "-m", "-f", "{{.Version}}", "mod.example.com/"+tt.query)
		if err != nil || got != tt.want {
			t.Errorf("%s is %q, want %q (%v)", tt.query, got, tt.want, err)
		}
	}
	for query, want := range map[string]string{
		"basic@v1.99.0": "not found: ", "basic@nosuchbranch": "not found: ", "unknown@latest": "not found: ", "basic/v3@latest": "not found: ",
		"empty@latest": "no matching versions",
	} {
		got, err := g.Run(t, "list", "-m", "mod.example.com/"+query)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %q, error %v, want %q in it", query, got, err, want)
		}
	}
}

func TestGoVersions(t *testing.T) {
	tests := []struct{ path, want string }{
		{"basic", "v1.0.0 v1.1.0 v1.2.0 v1.10.0 v1.11.0-rc.1"},
		{"retract", "v1.0.0 v1.2.0"},
		{"pseudo", ""},
		{"incompatible", "v1.5.0 v2.0.0+incompatible v3.1.0+incompatible"},
	}
	g, p, _ := realGo(t)
	p.UnsortLists()
	for _, tt := range tests {
		got, err := g.Run(t, "list", "-m", "-versions", "mod.example.com/"+tt.path)
		want := strings.TrimSpace("mod.example.com/" + tt.path + " " + tt.want)
		if err != nil || got != want {
			t.Errorf("%q, want %q (%v)", got, want, err)
		}
	}
}

// TestGoFallsThrough shows that "unknown" is a status with which the go command goes on to the next proxy.
func TestGoFallsThrough(t *testing.T) {
	first := modtest.NewProxy(&modtest.Modules{})
	srv := httptest.NewServer(first)
	defer srv.Close()
	second := httptest.NewServer(modtest.NewProxy(modtest.Corpus()))
	defer second.Close()
	g := modtest.NewGo(t, "GOPROXY="+srv.URL+","+second.URL)
	if _, err := g.Run(t, "mod", "download", "mod.example.com/basic@v1.0.0"); err != nil {
		t.Error(err)
	}
	if first.Count("/mod.example.com/basic/") == 0 {
		t.Error("the first proxy was not asked")
	}
	g = modtest.NewGo(t, "GOPROXY="+srv.URL+","+second.URL)
	first.SetFault("/", modtest.Fault{Status: 403, Body: "the policy forbids it"})
	if _, err := g.Run(t, "mod", "download", "mod.example.com/basic@v1.0.0"); err == nil || !strings.Contains(err.Error(), "the policy forbids it") {
		t.Errorf("error %v does not have the proxy's text", err)
	}
}

func TestGoSwitchesToolchain(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the toolchain of the corpus is for linux/amd64")
	}
	g, _, _ := realGo(t, "GOTOOLCHAIN=go1.99.0")
	got, err := g.Run(t, "version", "-m")
	if want := "go1.99.0 was run: version -m"; err != nil || got != want {
		t.Errorf("go version prints %q, want %q (%v)", got, want, err)
	}
}

func TestGoFindsLies(t *testing.T) {
	const lie = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	g, p, db := realGo(t)
	db.Override("mod.example.com/basic", "v1.0.0", lie, "")
	_, err := g.Run(t, "mod", "download", "mod.example.com/basic@v1.0.0")
	if err == nil || !strings.Contains(err.Error(), "SECURITY ERROR") || !strings.Contains(err.Error(), lie) {
		t.Errorf("a zip with another hash: error %v", err)
	}
	zip, _ := modtest.Corpus().Zip("mod.example.com/basic", "v1.1.0")
	p.SetFault("/mod.example.com/basic/@v/v1.2.0.zip", modtest.Fault{Replace: zip})
	if _, err := g.Run(t, "mod", "download", "mod.example.com/basic@v1.2.0"); err == nil {
		t.Error("the zip of another version was accepted")
	}
	if _, err := g.Run(t, "mod", "download", "mod.example.com/basic@v1.10.0"); err != nil {
		t.Errorf("the rest: %v", err)
	}
}

func TestGoReadsTree(t *testing.T) {
	m := modtest.Corpus()
	m.AddBig("mod.example.com/big", "v1.0.0", 3<<20)
	dir := t.TempDir()
	if err := m.WriteTree(dir); err != nil {
		t.Fatal(err)
	}
	url := filepath.ToSlash(dir)
	if !strings.HasPrefix(url, "/") {
		url = "/" + url // a drive
	}
	g := modtest.NewGo(t, "GOPROXY=file://"+url)
	got, err := g.Run(t, "list", "-m", "-versions", "mod.example.com/Upper/CaseMod")
	if want := "mod.example.com/Upper/CaseMod v1.0.0 v1.1.0-RC1"; err != nil || got != want {
		t.Errorf("%q, want %q (%v)", got, want, err)
	}
	for query, want := range map[string]string{
		"basic@main": "v1.10.1-0.20231105060708-0123456789ab", "pseudo@latest": "v0.0.0-20240303030303-bbbbbbbbbbbb", "big@latest": "v1.0.0",
	} {
		got, err := g.Run(t, "list", "-m", "-f", "{{.Version}}", "mod.example.com/"+query)
		if err != nil || got != want {
			t.Errorf("%s is %q, want %q (%v)", query, got, want, err)
		}
	}
	if _, err := g.Run(t, "mod", "download", "mod.example.com/big@v1.0.0", "mod.example.com/incompatible@v2.0.0+incompatible"); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "mod.example.com/empty/@v/list")); err != nil || len(data) > 0 {
		t.Errorf("the list of an empty module is %q, %v", data, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "mod.example.com/empty/@latest")); !os.IsNotExist(err) {
		t.Errorf("an empty module has a latest version: %v", err)
	}
}
