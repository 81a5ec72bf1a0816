package serve

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDecodeErrors: every mistake is found, with its place and, where there is one, the word that was meant.
func TestDecodeErrors(t *testing.T) {
	tests := []struct{ name, file, want, near string }{
		{"unknown_key", "\nlisten = \":1\"\nlisen = \":2\"\n", `f.toml:3:1: unknown key "lisen"`, "listen"},
		{"unknown_key_in_table", "[cache]\n  max-sise = \"1GiB\"\n", `f.toml:2:3: unknown key "max-sise" in [cache]`, "max-size"},
		{"unknown_key_inline", `cache = { fresh = "1m", mmory = "1MiB" }`, `f.toml:1:25: unknown key "mmory" in [cache]`, "memory"},
		{"unknown_key_dotted", `log.levell = "info"`, `f.toml:1:5: unknown key "levell" in [log]`, "level"},
		{"unknown_table", "[upsteam]\nproxy = \"off\"\n", `f.toml:1:2: unknown table "upsteam"`, "upstream"},
		{"key_of_a_table", "proxy = \"off\"\n", `f.toml:1:1: unknown key "proxy"`, "proxy in [upstream]"},
		{"key_of_no_table", "[tls]\nlisten = \":1\"\n", `f.toml:2:1: unknown key "listen" in [tls]`, "listen before the first table"},
		{"key_far_from_all", "colour = \"red\"\n", `f.toml:1:1: unknown key "colour"`, ""},
		{"quoted_dots", "\"log.level\" = \"info\"\n", `f.toml:1:1: unknown key "log.level"`, ""},
		{"first_of_two", "[cache]\nb = 1\n[tls]\na = 1\n", `f.toml:2:1: unknown key "b" in [cache]`, ""},
		{"number_for_string", "listen = 8081\n", `f.toml:1:1: listen must be a string, not a number`, ""},
		{"string_for_number", "[limits]\nrequests = \"9\"\n", `f.toml:2:1: limits.requests must be a whole number, not a string`, ""},
		{"float_for_number", "[limits]\nrequests = 9.5\n", `f.toml:2:1: limits.requests must be a whole number, not a fraction`, ""},
		{"boolean_for_string", "[cache]\nscrub = false\n", `f.toml:2:1: cache.scrub must be a string, not a boolean`, ""},
		{"list_for_string", "[upstream]\nproxy = [\"off\"]\n", `f.toml:2:1: upstream.proxy must be a string, not a list`, ""},
		{"value_for_table", "cache = \"big\"\n", `f.toml:1:1: cache must be a table, not a string`, ""},
		{"list_of_tables", "[[log]]\nlevel = \"info\"\n", `f.toml:1:3: log must be a table, not a list`, ""},
		{"table_for_value", "[listen]\nx = 1\n", `f.toml:1:2: listen must be a string, not a table`, ""},
		{"syntax", "listen = \":1\"\nadmin = \"x\n", `f.toml:2:11: basic strings cannot have new lines`, ""},
		{"twice", "listen = \":1\"\nlisten = \":2\"\n", `f.toml:2:1: `, ""},
		{"duration", "[cache]\nfresh = \"1 minute\"\n", `f.toml:2:1: cache.fresh: "1 minute" is no time such as 30s, 10m or 168h`, ""},
		{"duration_zero", "[cache]\nfresh = \"0s\"\n", `cache.fresh: 0s is not above zero`, ""},
		{"duration_negative", "[cache]\nscrub = \"-1h\"\n", `cache.scrub: -1h is not above zero`, ""},
		{"duration_off", "[cache]\nfresh = \"off\"\n", `cache.fresh: "off" is no time`, ""},
		{"size_unit", "[cache]\nmax-size = \"50G\"\n", `cache.max-size: "50G" is no size such as 64MiB or 50GiB, nor off`, ""},
		{"size_none", "[cache]\nmax-size = \"0B\"\n", `cache.max-size: 0B is not above zero`, ""},
		{"size_huge", "[cache]\nmax-size = \"99999999TiB\"\n", `cache.max-size: 99999999TiB is more than there is`, ""},
		{"size_off", "[cache]\nmemory = \"off\"\n", `cache.memory: "off" is no size`, ""},
		{"count_zero", "[limits]\nrequests = 0\n", `f.toml:2:1: limits.requests: 0 is no whole number above zero`, ""},
		{"count_huge", "[limits]\nrequests = 4294967296\n", `is no whole number above zero`, ""},
		{"address_port", "listen = \"127.0.0.1\"\n", `f.toml:1:1: listen: "127.0.0.1" is no address to listen on: want HOST:PORT`, ""},
		{"address_port_range", "listen = \"127.0.0.1:65536\"\n", `the port "65536" is no number up to 65535`, ""},
		{"address_url", "listen = \"http://127.0.0.1:1\"\n", `is no address to listen on`, ""},
		{"address_off", "listen = \"off\"\n", `is no address to listen on: want HOST:PORT, such as 127.0.0.1:8081`, ""},
		{"admin_address", "admin = \"on\"\n", `want HOST:PORT, such as 127.0.0.1:8081, or off`, ""},
		{"proxy_scheme", "[upstream]\nproxy = \"ftp://proxy.example.com\"\n", `f.toml:2:1: upstream.proxy: invalid proxy URL scheme`, ""},
		{"proxy_empty", "[upstream]\nproxy = \",\"\n", `upstream.proxy: `, ""},
		{"proxy_no_host", "[upstream]\nproxy = \"https://\"\n", `it must begin with https:// or http:// and name a host`, ""},
		{"proxy_insecure_password", "[upstream]\nproxy = \"http://u:hunter2@proxy.example.com\"\n", `refusing to pass credentials to insecure URL`, ""},
		{"pattern", "[upstream]\nprivate = \"corp.example.com,[\"\n", `upstream.private: "[" is no pattern`, ""},
		{"pattern_blank", "[upstream]\nprivate = \"a.example.com, b.example.com\"\n", `the pattern " b.example.com" has blanks around it`, ""},
		{"pattern_url", "[sumdb]\nexempt = \"https://corp.example.com\"\n", `is a URL: module paths have no scheme`, ""},
		{"database", "[sumdb]\ndatabase = \"sum.example.com\"\n", `f.toml:2:1: sumdb.database: invalid GOSUMDB: malformed verifier id`, ""},
		{"database_url", "[sumdb]\ndatabase = \"sum.golang.org ftp://sum.example.com\"\n", `its URL must begin with https://`, ""},
		{"choice", "[log]\nlevel = \"inf\"\n", `log.level: "inf" is neither debug, info, warn nor error`, "info"},
		{"control_character", "data = \"/srv\\u0000\"\n", `data: "/srv\x00" has a control character`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := newConfig().decode("f.toml", []byte(tt.file))
			e, ok := errors.AsType[*configError](err)
			if !ok {
				t.Fatalf("%v, want an error with a place", err)
			}
			if !strings.Contains(e.Error(), tt.want) || e.near != tt.near {
				t.Errorf("%q, near %q; want %q, near %q", e.Error(), e.near, tt.want, tt.near)
			}
			if e.line == 0 || e.column == 0 {
				t.Errorf("%q has no place", e.Error())
			}
			if strings.Contains(e.Error(), "hunter2") {
				t.Errorf("%q has a password", e.Error())
			}
		})
	}
}

// everyOption sets every option to a value that it has not by default.
const everyOption = `listen = "0.0.0.0:1"
admin = "off"
data = "/srv/goreadyd"

[upstream]
proxy = "https://proxy.example.com|direct"
timeout = "2m"
no-progress = "1m30s"
max-in-flight = 7
private = "corp.example.com/*,git.example.com"
auth = "off"
go = "/usr/local/go/bin/go"
direct-timeout = "10m"
direct-concurrency = 2
direct-temp = "1GiB"
direct-cache = "1500MB"
insecure = "git.example.com"
vcs = "*:git"

[sumdb]
database = "off"
exempt = "exempt.example.com"
max-size = "2GiB"

[cache]
max-size = "off"
memory = "64MiB"
fresh = "30s"
refresh-wait = "250ms"
stale = "1h"
negative = "5s"
scrub = "off"
durability = "fast"

[limits]
requests = 100
per-client = 10
fetches = 20
header-bytes = "16KiB"
header-timeout = "5s"
idle-timeout = "30s"
write-timeout = "20s"
drain-timeout = "2h"

[log]
format = "json"
level = "debug"

[tls]
cert = "c\"\\ü.pem"
key = "k.pem"
`

// TestEveryOption: each option of the table can be set, is kept apart from the others, and is written as it is read.
func TestEveryOption(t *testing.T) {
	c := newConfig()
	if err := c.decode("f.toml", []byte(everyOption)); err != nil {
		t.Fatal(err)
	}
	if got := c.toml(); got != everyOption {
		t.Errorf("written:\n%s\nwant:\n%s", got, everyOption)
	}
	defaults := newConfig().options()
	for i, o := range c.options() {
		was, _ := defaults[i].value.MarshalText()
		is, _ := o.value.MarshalText()
		if string(is) == string(was) {
			t.Errorf("%s has its default, %s", o.name, is)
		}
		if !c.given[o.name] || c.places[o.name].line == 0 {
			t.Errorf("%s is not noted to be given, or has no place", o.name)
		}
	}
	again := newConfig()
	if err := again.decode("again.toml", []byte(c.toml())); err != nil || again.toml() != c.toml() {
		t.Errorf("read again: %v\n%s", err, again.toml())
	}
}

// TestRedacted: what is shown of a configuration has no secrets in it.
func TestRedacted(t *testing.T) {
	c := newConfig()
	file := `[upstream]
proxy = "https://user:hunter2@a.example.com/x?key=hunter3|https://hunter4@b.example.com,direct"
[sumdb]
database = "sum.golang.org https://u:hunter5@sum.example.com"
`
	if err := c.decode("f.toml", []byte(file)); err != nil {
		t.Fatal(err)
	}
	got := c.toml()
	if strings.Contains(got, "hunter") {
		t.Errorf("a secret is shown:\n%s", got)
	}
	for _, want := range []string{
		`proxy = "https://xxxxx@a.example.com/x?xxxxx|https://xxxxx@b.example.com,direct"`, `database = "sum.golang.org https://xxxxx@sum.example.com"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
}

// TestParse: flags come before the file, and what is wrong with several options together is found.
func TestParse(t *testing.T) {
	tests := []struct {
		name, file string
		flags      flags
		want, err  string // a line of the configuration, or an error
	}{
		{"default", "", flags{}, `listen = "127.0.0.1:8081"`, ""},
		{"file", `listen = ":1"`, flags{}, `listen = ":1"`, ""},
		{"byte_order_mark", "\uFEFF" + `listen = ":1"`, flags{}, `listen = ":1"`, ""},
		{"flag", `listen = ":1"`, flags{listen: ":2"}, `listen = ":2"`, ""},
		{"upstream", "[upstream]\nproxy = \"direct\"", flags{upstream: "off"}, `proxy = "off"`, ""},
		{"bad_flag", "", flags{admin: "x"}, "", `--admin: "x" is no address to listen on`},
		{"bad_upstream", "", flags{upstream: "ftp://x.example.com"}, "", `--upstream: invalid proxy URL scheme`},
		{"cert_without_key", "[tls]\ncert = \"c.pem\"", flags{}, "", `f.toml:2:1: tls.cert is given, but no tls.key`},
		{"key_without_cert", "[tls]\nkey = \"c.pem\"", flags{}, "", `f.toml:2:1: tls.key is given, but no tls.cert`},
		{"cert_missing", "[tls]\ncert = \"c.pem\"\nkey = \"k.pem\"", flags{}, "", `f.toml:2:1: tls.cert: open c.pem`},
		{"same_address", `admin = "127.0.0.1:8081"`, flags{}, "", `f.toml:1:1: listen and admin are the same address`},
		{"same_address_zero", `admin = "127.0.0.1:0"`, flags{listen: "127.0.0.1:0"}, `admin = "127.0.0.1:0"`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("f.toml", []byte(tt.file), 0o666); err != nil {
				t.Fatal(err)
			}
			tt.flags.config = "f.toml"
			c, err := tt.flags.parse()
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || statusOf(err) != Usage {
					t.Fatalf("%v (status %d), want %q", err, statusOf(err), tt.err)
				}
				return
			}
			if err != nil || !strings.Contains(c.toml(), tt.want+"\n") {
				t.Fatalf("%v, %s is missing in\n%s", err, tt.want, c.toml())
			}
		})
	}
}

// TestConfigTooLarge: a file that cannot be meant is not read.
func TestConfigTooLarge(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f.toml")
	if err := os.WriteFile(name, []byte(strings.Repeat("# nothing\n", maxConfig/10+1)), 0o666); err != nil {
		t.Fatal(err)
	}
	f := flags{config: name}
	if _, err := f.parse(); err == nil || !strings.Contains(err.Error(), "larger than 1MiB") {
		t.Errorf("%v, want that the file is too large", err)
	}
}

// TestKeepFixed: an option that cannot be changed keeps its value, and is named.
func TestKeepFixed(t *testing.T) {
	old, next := newConfig(), newConfig()
	if err := next.decode("f.toml", []byte("listen = \":1\"\ndata = \"/x\"\n[cache]\nfresh = \"5s\"\ndurability = \"fast\"\n[tls]\ncert = \"c\"\n")); err != nil {
		t.Fatal(err)
	}
	kept := strings.Join(next.keepFixed(old), " ")
	if kept != "listen data cache.durability tls.cert" {
		t.Errorf("kept: %s", kept)
	}
	if next.listen != old.listen || next.data != old.data || next.tls != old.tls || next.cache.durability.word != "full" {
		t.Errorf("not kept: %s", next.toml())
	}
	if next.cache.fresh.String() != "5s" {
		t.Errorf("fresh is %s, want 5s", next.cache.fresh)
	}
}

// FuzzDecode: no file makes the decoder panic, and every error has the name of the file.
func FuzzDecode(f *testing.F) {
	f.Add(everyOption)
	f.Add("a.b = {c = 1, d.e = [{}]}\n[[x]]\n[x.y]\n")
	f.Fuzz(func(t *testing.T, file string) {
		c := newConfig()
		if err := c.decode("f.toml", []byte(file)); err != nil {
			if !strings.HasPrefix(err.Error(), "f.toml:") {
				t.Errorf("%q has no place", err)
			}
			return
		}
		for _, name := range []string{optProxy, optDatabase} { // which have no default here
			if !c.given[name] {
				if err := c.set(name, off, name); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := newConfig().decode("f.toml", []byte(c.toml())); err != nil {
			t.Errorf("what was read is not read again: %v\n%s", err, c.toml())
		}
	})
}
