package goenv

import (
	"reflect"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
)

func TestParseAnswer(t *testing.T) {
	for _, c := range []struct{ text, want, wantErr string }{
		{"200", "ok", ""}, {" OK ", "ok", ""}, {"404", "404", ""}, {"portal", "html", ""}, {"hang", "silent", ""}, {"reset", "eof", ""},
		{"redirect404", "redirect404", ""}, {"redirect:ok", "redirectok", ""}, {"redirect-html", "redirecthtml", ""},
		{"99", "", "no final HTTP status"}, {"1000", "", "no final HTTP status"}, {"", "", "want an HTTP status or one of"}, {"nope", "", "want an HTTP status or one of"},
		{"redirect", "", "want an HTTP status"}, {"redirectredirect404", "", "a redirect to a redirect"},
	} {
		a, err := ParseAnswer(c.text)
		if a.String() != c.want || (err == nil) != (c.wantErr == "") || err != nil && !strings.Contains(err.Error(), c.wantErr) {
			t.Errorf("%q: got %q, %v; want %q, %q", c.text, a, err, c.want, c.wantErr)
		}
		if again, err := ParseAnswer(a.String()); !a.IsZero() && (err != nil || again != a) {
			t.Errorf("%q: reads back as %v, %v", a, again, err)
		}
	}
}

func TestParseAnswers(t *testing.T) {
	const list = "https://a.example.com/,b.example.com|off"
	for _, c := range []struct{ name, goproxy, gonoproxy, answers, want, unused string }{
		{"positional", "https://a.example.com,https://b.example.com,direct", "", "404,200", "404 ok -", ""},
		{"off_has_no_position", list, "", "404,500", "404 500 -", ""},
		{"noproxy_has_no_position", "https://a.example.com,direct", "x", "404,500", "500 404 500", ""},
		{"named", "https://a.example.com,https://b.example.com,direct", "", "https://b.example.com=500,direct=ok", "- 500 ok", ""},
		{"named_slash", list, "", "https://a.example.com=404,https://b.example.com/=410", "404 410 -", ""},
		{"named_as_written", list, "", "b.example.com=410", "- 410 -", ""},
		{"direct_for_noproxy", "https://a.example.com", "x", "direct=404", "404 -", ""},
		{"open", "https://a.example.com,https://b.example.com", "", "-,404", "- 404", ""},
		{"named_then_positional", "https://a.example.com,https://b.example.com", "", "https://a.example.com=500,404,410", "500 410", ""},
		{"unused", "https://a.example.com", "", "https://c.example.com=404", "-", "https://c.example.com"},
		{"redacted", "https://u:pw@a.example.com", "", "https://u:xxxxx@a.example.com=404", "404", ""},
		{"query", "https://a.example.com?t=1", "", "https://a.example.com?t=1=404", "404", ""},
		{"none", "https://a.example.com", "", "", "-", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			answers, err := ParseAnswers(c.answers)
			if err != nil {
				t.Fatal(err)
			}
			list, err := ParseProxyList(c.goproxy, c.gonoproxy, host.Platform{OS: "linux"})
			if err != nil {
				t.Fatal(err)
			}
			given, unused := answers.forList(list)
			var got []string
			for _, a := range given {
				if a.IsZero() {
					got = append(got, "-")
				} else {
					got = append(got, a.String())
				}
			}
			if text := strings.Join(got, " "); text != c.want || strings.Join(unused, " ") != c.unused {
				t.Errorf("got %q, unused %q; want %q, %q", text, unused, c.want, c.unused)
			}
		})
	}
}

func TestParseAnswersRefuses(t *testing.T) {
	for _, s := range []string{"404,", "x=", "=404", "a=404,a=500", "a", strings.Repeat("404,", maxAnswers) + "404"} {
		if _, err := ParseAnswers(s); err == nil {
			t.Errorf("%.20q: no error", s)
		}
	}
}

// TestAnswersDescribed: every class of answers has words of its own.
func TestAnswersDescribed(t *testing.T) {
	seen := map[string]bool{Answer{}.Describe().String(): true}
	for _, w := range answerWords() {
		text := Answer{Kind: w.kind}.Describe().String()
		if w.word == string(w.kind) && seen[text] {
			t.Errorf("%s: %q is said of another class", w.word, text)
		}
		seen[text] = true
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add("404,https://a=200,-,direct=redirecthtml")
	f.Add("redirect-redirect:silent,=,")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAnswers(s)
		if err != nil && !reflect.DeepEqual(a, Answers{}) {
			t.Errorf("%q: an error and answers", s)
		}
		SimulateWalk(WalkInput{Module: "example.com/m", GOPROXY: "https://a|https://b,direct", Answers: a, GOSUMDB: "off"})
	})
}
