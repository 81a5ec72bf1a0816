package goenv

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
)

func TestParseGOAUTH(t *testing.T) {
	linux, windows := host.Platform{OS: "linux"}, host.Platform{OS: "windows"}
	for _, c := range []struct {
		value    string
		platform host.Platform
		want     string // kinds and words, or the error
	}{
		{"", linux, "netrc[netrc]"},
		{"off", linux, "off[off]"},
		{" off ", linux, "off[off]"},
		{"netrc", linux, "netrc[netrc]"},
		{"netrc;git /src", linux, "netrc[netrc] git[git /src]"},
		{`git C:\src`, windows, `git[git C:\src]`},
		{`git C:\src`, linux, "GOAUTH=git dir method requires an absolute path to the git working directory, dir is not absolute"},
		{"git", linux, "GOAUTH=git dir method requires an absolute path to the git working directory"},
		{"git a b", linux, "GOAUTH=git dir method requires an absolute path to the git working directory"},
		{"netrc;off", linux, "GOAUTH=off cannot be combined with other authentication commands (GOAUTH=netrc;off)"},
		{"git;", linux, "GOAUTH encountered an empty command (GOAUTH=git;)"},
		{" ", linux, "GOAUTH encountered an empty command (GOAUTH= )"},
		{`"/opt/my tool" 'a b' c`, linux, "program[/opt/my tool a b c]"},
		{`tool "x`, linux, `program[tool "x] the command cannot be read: unterminated " string`},
	} {
		list, err := ParseGOAUTH(c.value, c.platform)
		var got []string
		for _, a := range list {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s%v %v", a.Kind, a.Args, a.Problem)))
		}
		text := strings.Join(got, " ")
		if err != nil {
			text = err.Error()
		}
		if text != c.want {
			t.Errorf("%q: got %s, want %s", c.value, text, c.want)
		}
	}
}

func TestParseNetrc(t *testing.T) {
	for _, c := range []struct {
		name, data string
		want       []NetrcEntry
	}{
		{"lines", "machine a\nlogin u\npassword p\n", []NetrcEntry{{"a", "u", 1}}},
		{"one_line", "# c\nmachine a login u password p machine b password q login v", []NetrcEntry{{"a", "u", 2}, {"b", "v", 2}}},
		{"incomplete", "machine a\nlogin u\nmachine b login v password q", []NetrcEntry{{"b", "v", 3}}},
		{"macro", "machine a login u macdef m\npassword x\n\npassword p", []NetrcEntry{{"a", "u", 1}}},
		{"macro_has_no_entries", "macdef m\nls\nmachine b login v password q\n\nmachine a login u password p", []NetrcEntry{{"a", "u", 5}}},
		{"default", "machine a login u password p\ndefault\nmachine b login v password q", []NetrcEntry{{"a", "u", 1}}},
		{"default_inside_line", "default login x password y\nmachine b login v password q", []NetrcEntry{{"b", "v", 2}}},
		{"crlf", "machine a\r\nlogin u\r\npassword p\r\n", []NetrcEntry{{"a", "u", 1}}},
		{"pair_across_lines", "machine\na login u password p", nil},
		{"bom", "\ufeffmachine a login u password p", nil},
		{"empty", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ParseNetrc(c.data); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestNetrcFiles(t *testing.T) {
	for _, c := range []struct {
		os   string
		env  map[string]string
		want string
	}{
		{"linux", map[string]string{"HOME": "/home/u"}, "/home/u/.netrc"},
		{"linux", map[string]string{"HOME": "/home/u", "NETRC": "n"}, "n"},
		{"linux", nil, ""},
		{"windows", map[string]string{"USERPROFILE": `C:\u`}, `C:\u\_netrc C:\u\.netrc`},
	} {
		files := NetrcFiles(func(k string) string { return c.env[k] }, host.Platform{OS: c.os})
		if got := strings.Join(files, " "); got != c.want {
			t.Errorf("%s %v: got %q, want %q", c.os, c.env, got, c.want)
		}
	}
}

func TestChooseCredentials(t *testing.T) {
	netrc := ParseNetrc("machine 127.0.0.1 login plain password p\n" +
		"machine 127.0.0.1:18443 login port password p\nmachine 127.0.0.1:18443 login late password p\n" +
		"machine a.example.com/x login path password p\nmachine A.example.com login upper password p\n")
	for _, c := range []struct{ name, url, goauth, want string }{
		{"v61_port_missing", "https://127.0.0.1:18444/m", "", " near 127.0.0.1"},
		{"v61_port", "https://127.0.0.1:18443/m/@v/list", "", "netrc port at netrc:2 for 127.0.0.1:18443"},
		{"v61_userinfo", "https://me:pw@127.0.0.1:18443/m", "", "url me"},
		{"http_userinfo", "http://me:pw@127.0.0.1:18443/m", "", "refusing to pass credentials to insecure URL: http://me:xxxxx@127.0.0.1:18443/m"},
		{"http", "http://127.0.0.1:18443/m", "", ""},
		{"default_port", "https://127.0.0.1/m", "", "netrc plain at netrc:1 for 127.0.0.1"},
		{"path", "https://a.example.com/x/y?z", "netrc", "netrc path at netrc:4 for a.example.com/x"},
		{"path_is_elements", "https://a.example.com/xy", "netrc", " near a.example.com/x"},
		{"off", "https://127.0.0.1:18443/m", "off", ""},
		{"netrc_first", "https://127.0.0.1:18443/m", "netrc;git /d", "netrc port at netrc:2 for 127.0.0.1:18443"},
		{"git_first", "https://127.0.0.1:18443/m", "git /d;netrc", "goauth  at git /d near 127.0.0.1"},
		{"program", "https://b.example.com/m", "/opt/x -y", "goauth  at /opt/x -y"},
		{"malformed", "https://b.example.com/m", ";", "GOAUTH encountered an empty command (GOAUTH=;)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ChooseCredentials(CredentialInput{URL: c.url, GOAUTH: c.goauth, NetrcFile: "netrc", Netrc: netrc, Platform: host.Platform{OS: "linux"}})
			if text := describeCredentials(got); text != c.want {
				t.Errorf("got %q, want %q", text, c.want)
			}
		})
	}
}

func describeCredentials(c Credentials) string {
	if c.Err != "" {
		return c.Err
	}
	var s string
	if c.Source != CredentialsNone {
		s = string(c.Source) + " " + c.Login
	}
	if c.From != "" {
		s += " at " + c.From
	}
	if c.Prefix != "" {
		s += " for " + c.Prefix
	}
	if c.NearMiss != nil {
		s += " near " + c.NearMiss.Machine
	}
	return s
}

// TestCredentialsDifferential compares with what a server gets from the real go command.
func TestCredentialsDifferential(t *testing.T) {
	l := newWalkLab(t)
	r := rand.New(rand.NewPCG(9, 10))
	server, err := url.Parse(l.secure.URL)
	if err != nil {
		t.Fatal(err)
	}
	for n := range walkCases(t, 120) {
		id := fmt.Sprintf("a%d", n)
		entry := l.entryURL(id, 0, "https:ok")
		if r.IntN(5) == 0 {
			entry = strings.Replace(entry, "://", "://"+pickOne(r, "me:pw@", "me@", ":pw@"), 1)
		}
		data, goauth := generateNetrc(r, server.Host+"/"+id), pickOne(r, "", "", "netrc", "off", "netrc;netrc", "netrc;off", "netrc x", ";", "git", "false", `"`, "netrc;false")
		l.compareCredentials(t, id, entry, data, goauth)
	}
}

// generateNetrc returns a netrc file with entries for prefixes of a server's URL and others.
func generateNetrc(r *rand.Rand, prefix string) string {
	host, _, _ := strings.Cut(prefix, "/")
	var b strings.Builder
	for i := range r.IntN(6) {
		machine := pickOne(r, host, host, prefix, prefix+"/", prefix+"/0/ok", "127.0.0.1", "https://"+host, "http://"+host, host+"/other", "example.com")
		words := []string{"machine " + machine, fmt.Sprintf("login u%d", i), "password p"}
		if r.IntN(6) == 0 {
			words = append(words[:r.IntN(3)], pickOne(r, "default", "macdef m", "account x", "# comment", "login", ""))
		}
		b.WriteString(strings.Join(words, pickOne(r, " ", "\n", "\r\n", "\n\n", "\t")) + pickOne(r, "\n", "\n", " "))
	}
	return b.String()
}

func (l *walkLab) compareCredentials(t *testing.T, id, entry, data, goauth string) {
	t.Helper()
	netrc := filepath.Join(l.dir, id+".netrc")
	if err := os.WriteFile(netrc, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	module := "ok-" + id + ".example.com/m"
	want := ChooseCredentials(CredentialInput{URL: entry + "/" + module + "/@v/v1.0.0.info", GOAUTH: goauth, Platform: walkPlatform(), Netrc: ParseNetrc(data)})
	got := l.run(context.Background(), t, id, module+"@v1.0.0", "GOPROXY="+entry, "NETRC="+netrc, "GOAUTH="+goauth)
	os.RemoveAll(filepath.Join(l.dir, id))
	if want.Err != "" {
		if got.ok || !strings.Contains(got.output, want.Err) {
			t.Errorf("GOAUTH=%q: predicted error %q, go says %s", goauth, want.Err, got.output)
		}
		return
	}
	for _, line := range got.requests {
		_, user, _ := strings.Cut(line, " as ")
		if user != want.Login && want.Source != CredentialsUnknown {
			t.Errorf("GOAUTH=%q %s netrc %q: go sends %q, predicted %q", goauth, entry, data, user, want.Login)
			return
		}
	}
	if len(got.requests) == 0 {
		t.Errorf("GOAUTH=%q %s: go asks for nothing: %s", goauth, entry, got.output)
	}
}

func FuzzNetrc(f *testing.F) {
	f.Add("machine a login u password secret\nmacdef m\n\ndefault")
	f.Add("machine a\rlogin\tu password secret machine b login v password secret")
	f.Fuzz(func(t *testing.T, data string) {
		for _, e := range ParseNetrc(data) {
			if e.Machine == "" || e.Login == "" || e.Line < 1 {
				t.Errorf("%q: incomplete entry %v", data, e)
			}
		}
	})
}

func FuzzGOAUTH(f *testing.F) {
	f.Add("netrc;git /d;off", "https://u:p@h:1/x")
	f.Add(`"a b" 'c`, "https://h")
	f.Fuzz(func(t *testing.T, value, rawURL string) {
		list, err := ParseGOAUTH(value, host.Platform{OS: "linux"})
		if err == nil && len(list) != strings.Count(value, ";")+1 {
			t.Errorf("%q: %d commands", value, len(list))
		}
		ChooseCredentials(CredentialInput{URL: rawURL, GOAUTH: value, Netrc: []NetrcEntry{{Machine: "h", Login: "u"}}})
	})
}
