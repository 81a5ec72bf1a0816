package upstream

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

func TestParseList(t *testing.T) {
	for _, tt := range []struct{ name, path, raw, want string }{
		{"empty", "example.com/m", "", ""},
		{"blank_lines", "example.com/m", "\n\nv1.0.0\n\n", "v1.0.0"},
		{"no_newline_at_end", "example.com/m", "v1.0.0\nv1.1.0", "v1.0.0 v1.1.0"},
		{"carriage_returns", "example.com/m", "v1.0.0\r\nv1.1.0\r\n", "v1.0.0 v1.1.0"},
		{"sorted", "example.com/m", "v1.10.0\nv1.9.0\nv1.10.0-rc.1\n", "v1.9.0 v1.10.0-rc.1 v1.10.0"},
		{"once", "example.com/m", "v1.0.0\nv1.0.0\n", "v1.0.0"},
		{"first_field", "example.com/m", " v1.0.0\t2024-01-01T00:00:00Z\n", "v1.0.0"},
		{"no_pseudo_versions", "example.com/m", "v0.0.0-20240303030303-bbbbbbbbbbbb\nv0.1.0\n", "v0.1.0"},
		{"not_canonical", "example.com/m", "v1\nv1.2\n1.0.0\nv1.0.0+meta\nmain\n", ""},
		{"other_major", "example.com/m", "v1.0.0\nv2.0.0\nv3.0.0+incompatible\n", "v1.0.0 v3.0.0+incompatible"},
		{"major", "example.com/m/v2", "v1.0.0\nv2.0.0\nv3.0.0\n", "v2.0.0"},
		{"gopkg", "gopkg.in/yaml.v2", "v2.0.0\nv3.0.0\n", "v2.0.0"},
		{"toolchain", "golang.org/toolchain", "v0.0.1-go1.99.0.linux-amd64\n", "v0.0.1-go1.99.0.linux-amd64"},
		{"text", "example.com/m", "not found: fetch timed out\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(parseList(tt.path, []byte(tt.raw)), " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzParseList(f *testing.F) {
	f.Add("example.com/m", []byte("v1.0.0\nv0.0.0-20240303030303-bbbbbbbbbbbb 2024-01-01T00:00:00Z\r\nv2.0.0+incompatible\n"))
	f.Add("example.com/m/v2", []byte("v2.0.0\nv2.0.0\n\xff\n"))
	f.Fuzz(func(t *testing.T, path string, raw []byte) {
		list := parseList(path, raw)
		for i, v := range list {
			if module.Check(path, v) != nil || v != module.CanonicalVersion(v) || module.IsPseudoVersion(v) {
				t.Errorf("%q has %q", path, v)
			}
			if i > 0 && semver.Compare(list[i-1], v) > 0 {
				t.Errorf("%q before %q", list[i-1], v)
			}
			if slices.Contains(list[:i], v) {
				t.Errorf("%q twice", v)
			}
		}
		if again := parseList(path, formatList(list)); !slices.Equal(again, list) {
			t.Errorf("%q becomes %q", list, again)
		}
		latest, err := latestOf(path, raw, func(string) (bool, error) { return true, nil })
		if err != nil || latest == "" && len(list) > 0 || latest != "" && !bytes.Contains(raw, []byte(latest)) {
			t.Errorf("latest of %q is %q, %v", list, latest, err)
		}
	})
}

func FuzzParseInfo(f *testing.F) {
	f.Add("example.com/m", "v1.0.0", []byte(`{"Version":"v1.0.0","Time":"2024-01-01T00:00:00Z"}`))
	f.Add("example.com/m", "", []byte(`{"Version":"v2.0.0+incompatible"}`))
	f.Fuzz(func(t *testing.T, path, query string, raw []byte) {
		v, err := ParseInfo(path, query, raw)
		if err != nil {
			return
		}
		if !canonical(path, v) || canonical(path, query) && v != query {
			t.Errorf("%q@%q is %q", path, query, v)
		}
	})
}

func TestCleanText(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "not found: no such module\n", "not found: no such module"},
		{"tabs_and_returns", "a\tb\r\nc\r\n", "a b\nc"},
		{"no_blank_lines", "a\n\n \nb", "a\nb"},
		{"eight_lines", strings.Repeat("x\n", 20), strings.TrimSpace(strings.Repeat("x\n", 8))},
		{"long", strings.Repeat("ab ", 1000), strings.Repeat("ab ", 216)},
		{"at_a_character", strings.Repeat("é", 1000), strings.Repeat("é", 324)},
		{"escape_sequences", "\x1b[31mred\x1b[0m\a", "[31mred[0m"},
		{"bidi", "a\u202eb\u200bc", "abc"},
		{"not_utf8", "a\xffb", "ab"},
		{"password", "see https://user:pa@ss@host.example.com/x", "see https://xxxxx@host.example.com/x"},
		{"token", "fatal: unable to access 'https://ghs_abc@host.example.com/x.git/': no", "fatal: unable to access 'https://xxxxx@host.example.com/x.git/': no"},
		{"ssh", "ssh://git@host.example.com:22/x", "ssh://xxxxx@host.example.com:22/x"},
		{"version_is_no_user", "https://host.example.com/m/@v/v1.0.0.info and m@v1.0.0", "https://host.example.com/m/@v/v1.0.0.info and m@v1.0.0"},
		{"two", "a://b@c d://e@f", "a://xxxxx@c d://xxxxx@f"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := redactor(nil).clean(tt.in); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
	if got := (redactor{"hunter2", "abc"}).clean("hunter2 abc hunter2"); got != "xxxxx xxxxx xxxxx" {
		t.Errorf("secrets remain: %q", got)
	}
}

func FuzzCleanText(f *testing.F) {
	f.Add("a\x1b[0m\nhttps://user:hunter2@host\n\n\xff", "hunter2")
	f.Add("://://@@ a://b@c@d/e@f", "b")
	f.Fuzz(func(t *testing.T, text, secret string) {
		r := redactor{}
		if len(secret) > 3 && !strings.Contains("xxxxx", secret) {
			r = redactor{secret}
		}
		got := r.clean(text)
		if len(got) > maxTextBytes || strings.Count(got, "\n") >= maxTextLines || !utf8.ValidString(got) {
			t.Errorf("%d bytes, %d lines: %q", len(got), strings.Count(got, "\n")+1, got)
		}
		for _, c := range got {
			if c != '\n' && !unicode.IsGraphic(c) {
				t.Errorf("%U in %q", c, got)
			}
		}
		for line := range strings.Lines(got) {
			if _, after, ok := strings.Cut(line, "://"); ok {
				authority, _, _ := strings.Cut(after, "/")
				if i := strings.IndexByte(authority, '@'); i > 0 && !strings.ContainsAny(authority[:i], " ?#'\"<>") && authority[:i] != "xxxxx" {
					t.Errorf("user information in %q", line)
				}
			}
		}
	})
}

func TestErrorText(t *testing.T) {
	for _, tt := range []struct {
		err  *Error
		want string
	}{
		{&Error{From: "https://p.example.com", Status: 403, Text: "not for you", Err: ErrRefused}, "https://p.example.com: 403 Forbidden: not for you"},
		{&Error{From: "https://p.example.com", Status: 404}, "https://p.example.com: 404 Not Found"},
		{&Error{From: "p", Status: 599}, "p: 599"},
		{&Error{From: "direct", Text: "x", Err: ErrRefused}, "direct: refused by upstream: x"},
		{&Error{Err: ErrTooLarge}, "larger than the limit"},
		{&Error{Text: "x"}, "x"},
		{unavailable("p", fmt.Errorf("y")), "p: no answer from upstream: y"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
