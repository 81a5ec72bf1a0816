package goenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
)

func TestParseProxyList(t *testing.T) {
	linux, windows := host.Platform{OS: "linux"}, host.Platform{OS: "windows"}
	for _, c := range []struct {
		name, goproxy, gonoproxy string
		platform                 host.Platform
		want                     string // URLs with offset and separator, or the error
	}{
		{"two", "https://a.example.com,direct", "", linux, "https://a.example.com@0 direct@22"},
		{"pipe", "https://a.example.com|b.example.com/x", "", linux, "https://a.example.com@0| https://b.example.com/x@22"},
		{"noproxy", "off", "corp.example.com", linux, "noproxy@-1 off@0"},
		{"no_noproxy_with_direct", "direct", "corp.example.com", linux, "direct@0"},
		{"noproxy_with_blank_direct", " direct", "x", linux, "noproxy@-1 direct@1"},
		{"blanks", " a.b , direct ", "", linux, "https://a.b@1 direct@7"},
		{"nothing_after_off", "off|foo", "", linux, "off@0"},
		{"empty", "", "", linux, "GOPROXY list is not the empty string, but contains no entries at 0"},
		{"only_noproxy", " ,", "x", linux, "GOPROXY list is not the empty string, but contains no entries at 0"},
		{"word", "a.b,foo,bar,direct", "", linux, "invalid proxy URL missing scheme: foo at 4"},
		{"absolute", "/srv/p", "", linux, "invalid proxy URL missing scheme: /srv/p at 0"},
		{"drive_on_windows", `C:\p`, "", windows, `invalid proxy URL scheme (must be https, http, file): c:\p at 0`},
		{"port", "localhost:3000", "", linux, "https://localhost:3000@0"},
		{"scheme", "ftp://a", "", linux, "invalid proxy URL scheme (must be https, http, file): ftp://a at 0"},
		{"file_rel", "file:a/b", "", linux, `parse "https://file:a/b": invalid port ":a" after host at 0`},
		{"file_host", "file://a/b", "", linux, "invalid file:// proxy URL with non-path elements: file://a/b at 0"},
		{"file", "file:///a%20b", "", linux, "file:///a%20b@0"},
		{"password_masked", "ftp://u:secret@h", "", linux, "invalid proxy URL scheme (must be https, http, file): ftp://u:xxxxx@h at 0"},
		{"password_masked_malformed", "http://u:sec ret@h", "", linux, `parse "http://u:xxxxx@h": invalid URL at 0`},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := ParseProxyList(c.goproxy, c.gonoproxy, c.platform)
			var got []string
			for _, e := range list {
				sep := ""
				if e.Pipe {
					sep = "|"
				}
				got = append(got, fmt.Sprintf("%s@%d%s", e.URL, e.Offset, sep))
			}
			text := strings.Join(got, " ")
			var listErr *ProxyListError
			if errors.As(err, &listErr) {
				text = fmt.Sprintf("%v at %d", err, listErr.Offset)
			}
			if text != c.want {
				t.Errorf("got  %s\nwant %s", text, c.want)
			}
		})
	}
}

// TestProxyListErrors compares the errors with those of the real go command.
func TestProxyListErrors(t *testing.T) {
	l := newWalkLab(t)
	tokens := []string{
		"foo", "DIRECT", "Off", "noproxy", "none", "https", "https:", "https:/", "https://", "http:/x", ":", "://", ":/x", "//h/x", ".", "..", "./p", "/", "/p", "~/p", `C:\p`, "C:/p",
		"file:", "file:/", "file://", "file:///", "file:///p", "file:p", "file://h/p", "file:///p?q", "file:///p#f", "file://u@/p", "FILE:///p", "HTTPS://a.example.com",
		"http://[::1", "http://a b.example.com", "http://a.example.com:port", "http://%zz", "http://a.example.com/%zz", "http://u:p%@h", "a.example.com%zz", "a.example.com:x",
		"mailto:a@b.c", "socks5://h:1", `"https://a.example.com"`, "'direct'", "https://a.example.com，direct", "ｄirect", "\u00a0", "\u3000off", "http://a\x7f", "a b", "a.b c",
		"https://a.example.com?x=y", "https://a.example.com#f", "1", "1:2", "user:pw@h", "$GOPROXY", "${X}", "%GOPROXY%", "proxy.example.com;direct", "=", "https//a.example.com", "https:\\\\a",
	}
	for n, token := range tokens {
		id := fmt.Sprintf("p%d", n)
		_, err := ParseProxyList(token, "", walkPlatform())
		got := l.run(context.Background(), t, id, "404-"+id+".example.com/m@v1.0.0", "GOPROXY="+token)
		os.RemoveAll(filepath.Join(l.dir, id))
		refused := strings.Contains(got.output, "proxy URL") || strings.Contains(got.output, ": parse ") || strings.Contains(got.output, "contains no entries")
		if refused != (err != nil) || err != nil && !strings.Contains(got.output, err.Error()) && !strings.Contains(err.Error(), "xxxxx") {
			t.Errorf("%q: predicted %v, go says %s", token, err, got.output)
		}
	}
}

func TestLintProxyList(t *testing.T) {
	linux := host.Platform{OS: "linux"}
	for _, c := range []struct{ name, goproxy, want string }{
		{"fine", "https://a.example.com|direct", "0 note: after | any error, also 401 or 503, goes on to version control"},
		{"comma", "https://a.example.com,direct", "0 note: after a comma only 404 and 410 go on to version control: any other failure is final"},
		{"comma_to_server", "https://a.example.com,https://b.example.com", "0 note: after a comma only 404 and 410 go on to https://b.example.com: any other failure is final"},
		{"pipe_to_server", "https://a.example.com|https://b.example.com", "0 note: after | any error goes on: https://b.example.com then learns the names of modules that only https://a.example.com should know"},
		{"case", "https://a.example.com|DIRECT", "0 note: *\n22 refused: the word direct must be in lower case -> direct"},
		{"after_direct", "direct,https://a.example.com", "7 ineffective: Go stops reading the list at direct"},
		{"quotes", `"https://a.example.com"`, `0 refused: quotes are part of the value here: only a shell removes them` + "\n" + `22 refused: quotes are part of the value here: only a shell removes them`},
		{"full_width", "https://a.example.com，direct", `21 refused: "，" is a full-width character, not the ASCII one -> ,`},
		{"full_width_pipe", "https：//a.example.com｜direct", `5 refused: "：" is a full-width character, not the ASCII one -> :` + "\n" + `23 refused: "｜" is a full-width character, not the ASCII one -> |`},
		{"variable", "${MIRROR},direct", "0 refused: ${MIRROR} is not expanded: it is part of the value"},
		{"variable_windows", "%MIRROR%,direct", "0 refused: %MIRROR% is not expanded: it is part of the value"},
		{"escape_is_no_variable", "file:///a%20b%20c", ""},
		{"path", "/srv/goproxy,off", "0 refused: a folder needs a file:// URL -> file:///srv/goproxy"},
		{"file_host", "file://localhost/srv", "0 refused: a file URL has no host: three slashes begin an absolute path -> file:///srv"},
		{"credentials", "http://u:secret@a.example.com", "0 refused: Go refuses to send credentials over http -> https://u:xxxxx@a.example.com"},
		{"http", "http://a.example.com", "0 risky: http is not encrypted, and HTTPS_PROXY does not apply to it"},
		{"http_loopback", "http://127.0.0.1:3000", ""},
		{"no_scheme", "a.example.com", "0 note: without a scheme Go takes it for https://a.example.com -> https://a.example.com"},
		{"no_host", "https:/a.example.com", "0 refused: the URL has no host, so every request fails"},
		{"twice", "a.example.com|https://a.example.com/", "0 note: *\n0 note: *\n14 ineffective: the entry is in the list already"},
		{"blank_separator", "https://a.example.com direct", "0 refused: blanks do not separate entries -> https://a.example.com,direct"},
		{"blank_passwords", "http://u:pw@a http://v:pw@b", "0 refused: blanks do not separate entries -> http://u:xxxxx@a,http://v:xxxxx@b"},
		{"semicolon", "https://a.example.com;https://b.example.com", "0 refused: semicolons do not separate entries -> https://a.example.com,https://b.example.com"},
		{"word", "foo", "0 refused: invalid proxy URL missing scheme: foo"},
		{"blank", " ", "0 refused: the list has no entries, so every lookup fails"},
		{"query", "https://a.example.com?t=1", "0 note: the query is sent with every request"},
		{"unset", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) { compareProblems(t, LintProxyList(c.goproxy, linux), c.want) })
	}
}

// compareProblems compares "offset grade: text -> instead" lines; a text of * is any.
func compareProblems(t *testing.T, problems []ValueProblem, want string) {
	t.Helper()
	var got []string
	for i, p := range problems {
		line := fmt.Sprintf("%d %s: %s", p.Offset, p.Grade, p.Text)
		if p.Instead != "" {
			line += " -> " + p.Instead
		}
		if lines := strings.Split(want, "\n"); i < len(lines) && lines[i] == fmt.Sprintf("%d %s: *", p.Offset, p.Grade) {
			line = lines[i]
		}
		got = append(got, line)
	}
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

func FuzzProxyList(f *testing.F) {
	f.Add("https://a.example.com|b.example.com, direct", "x")
	f.Add(`"${X}，off`, "")
	f.Add("http://u:secret@h,file:///x", "")
	f.Fuzz(func(t *testing.T, goproxy, gonoproxy string) {
		for _, p := range []host.Platform{{OS: "linux"}, {OS: "windows"}} {
			list, _ := ParseProxyList(goproxy, gonoproxy, p)
			for _, e := range list {
				if e.Offset >= 0 && !strings.HasPrefix(goproxy[e.Offset:], e.Text) {
					t.Errorf("%q: %q is not at %d", goproxy, e.Text, e.Offset)
				}
			}
			for _, q := range LintProxyList(goproxy, p) {
				if q.Offset < 0 || q.Offset > len(goproxy) {
					t.Errorf("%q: offset %d", goproxy, q.Offset)
				}
			}
			SimulateWalk(WalkInput{Platform: p, Module: "example.com/m", GOPROXY: goproxy, GONOPROXY: gonoproxy})
		}
	})
}
