package modtest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"

	"github.com/goready/goready/internal/modtest"
)

// TestCorpus checks that each run has the same bytes, and zips and hashes that the go command's library agrees with.
func TestCorpus(t *testing.T) {
	one, two := modtest.Corpus(), modtest.Corpus()
	for _, v := range one.All() {
		zip, ok := one.Zip(v.Path, v.Version)
		again, _ := two.Zip(v.Path, v.Version)
		if !ok || !bytes.Equal(zip, again) {
			t.Errorf("%v: two zips", v)
		}
		name := filepath.Join(t.TempDir(), "zip")
		if err := os.WriteFile(name, zip, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := modzip.CheckZip(v, name); err != nil {
			t.Errorf("%v: %v", v, err)
		}
		want, err := dirhash.HashZip(name, dirhash.Hash1)
		if got, _ := one.Sums(v.Path, v.Version); err != nil || got != want {
			t.Errorf("%v: hash %s, want %s (%v)", v, got, want, err)
		}
	}
	zip, gomod := one.Sums("mod.example.com/basic", "v1.0.0")
	if got, want := zip+"\n"+gomod, "h1:AyAWz9ivzAbZFC+99trvzAMWO4JPSkcqzDxJLabw+ys=\nh1:UKgVEYoyGIBclQ13o3GOKvcTQFv3EzCrICMFF0+VYPQ="; got != want {
		t.Errorf("hashes\n%s\nwant\n%s", got, want)
	}
}

func TestUnknown(t *testing.T) {
	m := modtest.Corpus()
	for _, v := range []module.Version{{Path: "mod.example.com/basic", Version: "v1.99.0"}, {Path: "mod.example.com/unknown", Version: "v1.0.0"}} {
		_, info := m.Info(v.Path, v.Version)
		_, mod := m.Mod(v.Path, v.Version)
		_, zip := m.Zip(v.Path, v.Version)
		hash, modHash := m.Sums(v.Path, v.Version)
		if info || mod || zip || hash != "" || modHash != "" {
			t.Errorf("%v: info %v, mod %v, zip %v, hashes %q %q", v, info, mod, zip, hash, modHash)
		}
	}
	if list, known := m.List("mod.example.com/unknown"); known || list != nil || m.Latest("mod.example.com/unknown") != "" {
		t.Error("an unknown module has versions")
	}
}

func TestLatest(t *testing.T) {
	withMod := map[string]string{"go.mod": "module example.com/m\n"}
	tests := []struct {
		name     string
		versions []modtest.Version
		want     string
	}{
		{"highest_not_last", []modtest.Version{{Version: "v1.10.0"}, {Version: "v1.9.0"}}, "v1.10.0"},
		{"release_before_prerelease", []modtest.Version{{Version: "v1.0.0"}, {Version: "v1.1.0-rc.1"}}, "v1.0.0"},
		{"prerelease_before_pseudo", []modtest.Version{{Version: "v1.1.0-rc.1"}, {Version: "v1.1.0-rc.2"}, {Version: "v1.2.1-0.20240101000000-abcdefabcdef"}}, "v1.1.0-rc.2"},
		{"newest_pseudo", []modtest.Version{{Version: "v0.0.0-20240101000000-abcdefabcdef"}, {Version: "v0.0.0-20230101000000-ffffffffffff"}}, "v0.0.0-20240101000000-abcdefabcdef"},
		{"newest_not_highest_pseudo", []modtest.Version{{Version: "v0.0.0-20240101000000-abcdefabcdef"}, {Version: "v1.0.1-0.20230101000000-ffffffffffff"}}, "v0.0.0-20240101000000-abcdefabcdef"},
		{"unlisted", []modtest.Version{{Version: "v1.0.0"}, {Version: "v1.1.0", Unlisted: true}}, "v1.0.0"},
		{"only_unlisted", []modtest.Version{{Version: "v1.1.0", Unlisted: true}}, "v1.1.0"},
		{"incompatible_before_no_go_mod", []modtest.Version{{Version: "v1.0.0"}, {Version: "v2.0.0+incompatible"}}, "v2.0.0+incompatible"},
		{"go_mod_before_incompatible", []modtest.Version{{Version: "v1.0.0", Files: withMod}, {Version: "v2.0.0+incompatible"}}, "v1.0.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &modtest.Modules{}
			for _, v := range tt.versions {
				v.Path = "example.com/m"
				m.Add(v)
			}
			if got := m.Latest("example.com/m"); got != tt.want {
				t.Errorf("latest %q, want %q", got, tt.want)
			}
		})
	}
}

func TestVersionTime(t *testing.T) {
	m := &modtest.Modules{}
	m.Add(modtest.Version{Path: "example.com/m", Version: "v1.0.0"})
	m.Add(modtest.Version{Path: "example.com/m", Version: "v1.1.0", Time: time.Date(2020, 5, 6, 7, 8, 9, 0, time.FixedZone("", 3600))})
	m.Add(modtest.Version{Path: "example.com/m", Version: "v1.1.1-0.20230101020304-ffffffffffff"})
	for version, want := range map[string]string{
		"v1.0.0":                               `{"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z"}`,
		"v1.1.0":                               `{"Version":"v1.1.0","Time":"2020-05-06T06:08:09Z"}`,
		"v1.1.1-0.20230101020304-ffffffffffff": `{"Version":"v1.1.1-0.20230101020304-ffffffffffff","Time":"2023-01-01T02:03:04Z"}`,
	} {
		if got, _ := m.Info("example.com/m", version); string(got) != want {
			t.Errorf("info %s, want %s", got, want)
		}
	}
}

func TestAddBig(t *testing.T) {
	m := &modtest.Modules{}
	const size = 4 << 20
	m.AddBig("example.com/big", "v1.0.0", size)
	zip, _ := m.Zip("example.com/big", "v1.0.0")
	if len(zip) < size || len(zip) > size+size/100 {
		t.Errorf("the zip has %d bytes, want about %d", len(zip), size)
	}
	if mod, _ := m.Mod("example.com/big", "v1.0.0"); string(mod) != "module example.com/big\n" {
		t.Errorf("go.mod is %q", mod)
	}
}

func TestAddZip(t *testing.T) {
	m := &modtest.Modules{}
	m.Add(modtest.Version{Path: "example.com/m", Version: "v1.0.0", Zip: []byte("no zip")})
	if zip, _ := m.Zip("example.com/m", "v1.0.0"); string(zip) != "no zip" {
		t.Errorf("zip %q", zip)
	}
	if zip, gomod := m.Sums("example.com/m", "v1.0.0"); zip != "" || gomod == "" {
		t.Errorf("hashes %q, %q", zip, gomod)
	}
}

func TestAddPanics(t *testing.T) {
	for name, v := range map[string]modtest.Version{
		"no_path":        {Version: "v1.0.0"},
		"not_canonical":  {Path: "example.com/m", Version: "v1"},
		"wrong_major":    {Path: "example.com/m", Version: "v2.0.0"},
		"file_in_parent": {Path: "example.com/m", Version: "v1.0.0", Files: map[string]string{"../x": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if msg, ok := recover().(string); !ok || !strings.HasPrefix(msg, "modtest: ") {
					t.Errorf("panic %q", msg)
				}
			}()
			(&modtest.Modules{}).Add(v)
		})
	}
}

func TestLoad(t *testing.T) {
	const archive = `# a remark

module example.com/m
version v1.2.3
time 2020-01-02T03:04:05+01:00
tag false
query main
query abc
zip size 100000
-- go.mod --
module example.com/m
-- a/b.go --
package b
`
	m, err := modtest.Load(fstest.MapFS{"m.txtar": {Data: []byte(archive)}, "README": {Data: []byte("not read")},
		"e.txtar": {Data: []byte("module example.com/empty\n")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"v1.2.3", "main", "abc"} {
		if got, _ := m.Info("example.com/m", query); string(got) != `{"Version":"v1.2.3","Time":"2020-01-02T02:04:05Z"}` {
			t.Errorf("%s: %s", query, got)
		}
	}
	if zip, _ := m.Zip("example.com/m", "v1.2.3"); len(zip) < 100000 {
		t.Errorf("the zip has %d bytes", len(zip))
	}
	for _, path := range []string{"example.com/m", "example.com/empty"} {
		if list, known := m.List(path); !known || len(list) > 0 {
			t.Errorf("the list of %s is %q, known: %v", path, list, known)
		}
	}
	if diff := cmp.Diff([]module.Version{{Path: "example.com/m", Version: "v1.2.3"}}, m.All()); diff != "" {
		t.Errorf("all versions (-want +got):\n%s", diff)
	}
}

func TestLoadErrors(t *testing.T) {
	tests := []struct{ name, archive, want string }{
		{"no_module", "version v1.0.0\n", `m.txtar: no line "module PATH"`},
		{"no_version", "module example.com/m\n-- go.mod --\n", `m.txtar: no line "version V"`},
		{"query_without_version", "module example.com/m\nquery main\n", `m.txtar: no line "version V"`},
		{"unknown_line", "module example.com/m\nversions v1.0.0\n", `m.txtar: unknown line "versions v1.0.0"`},
		{"time", "time yesterday\n", `m.txtar: line "time yesterday": parsing time`},
		{"tag", "tag no\n", `m.txtar: line "tag no": strconv.ParseBool`},
		{"size", "zip size big\n", `m.txtar: line "zip size big": strconv.ParseUint`},
		{"negative_size", "zip size -1\n", `m.txtar: line "zip size -1": strconv.ParseUint`},
		{"path", "module m!\nversion v1.0.0\n", `m.txtar: m!@v1.0.0: malformed module path "m!"`},
		{"empty_path", "module m!\n", `m.txtar: malformed module path "m!"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := modtest.Load(fstest.MapFS{"m.txtar": {Data: []byte(tt.archive)}})
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func BenchmarkAddBig(b *testing.B) {
	for b.Loop() {
		(&modtest.Modules{}).AddBig("example.com/big", "v1.0.0", 40<<20)
	}
}
