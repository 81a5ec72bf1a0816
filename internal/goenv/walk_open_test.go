package goenv

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
)

// TestWalkOpen: where answers are missing, the walk says what each class of answer would lead to.
func TestWalkOpen(t *testing.T) {
	for _, c := range []struct {
		name, module, goproxy, gonoproxy, answers string
		want                                      []string // entry, outcome, asked, why
	}{
		{"comma", "example.com/m", "https://a.example.com,direct", "", "", []string{
			"https://a.example.com unknown asked: 404 and 410 go on to direct; any other failure is final",
			"direct unknown: any failure is final",
		}},
		{"pipe", "example.com/m", "https://a.example.com|https://b.example.com", "", "", []string{
			"https://a.example.com unknown asked: any failure goes on to https://b.example.com",
			"https://b.example.com unknown: any failure is final",
		}},
		{"off_next", "example.com/m", "https://a.example.com,off", "", "", []string{
			"https://a.example.com unknown asked: 404 and 410 go on to off; any other failure is final",
			"off unknown: off ends the list: nothing is downloaded",
		}},
		{"private", "corp.example.com/m", "https://a.example.com,direct", "corp.example.com", "", []string{
			"noproxy unknown asked: 404 and 410 go on to direct; any other failure is final",
			"https://a.example.com skipped: the module matches GONOPROXY, so no proxy is asked",
			"direct unknown: any failure is final",
		}},
		{"private_off", "corp.example.com/m", "off", "corp.example.com", "", []string{
			"noproxy unknown asked: any failure is final",
			"off unknown: the module matches GONOPROXY, so no proxy is asked",
		}},
		{"second_open", "example.com/m", "https://a.example.com,https://b.example.com,direct", "x", "404", []string{
			"noproxy skipped: the module matches no pattern of GONOPROXY",
			"https://a.example.com next asked: it answers 404 Not Found, so the next entry is asked",
			"https://b.example.com unknown asked: 404 and 410 go on to direct; any other failure is final",
			"direct unknown: any failure is final",
		}},
		{"stop", "example.com/m", "https://a.example.com,direct", "", "403", []string{
			"https://a.example.com stop asked: it answers 403 Forbidden, and after a comma only 404 and 410 go on",
			"direct skipped: the walk ends before this entry",
		}},
		{"pipe_goes_on", "example.com/m", "https://a.example.com|https://b.example.com", "", "tls,silent", []string{
			"https://a.example.com next asked: its certificate is not trusted, and after | any failure goes on",
			"https://b.example.com blocks asked: it accepts the connection and never answers",
		}},
		{"credentials", "example.com/m", "http://u:pw@a.example.com|direct", "", "", []string{
			"http://u:xxxxx@a.example.com next: Go refuses to send the request: refusing to pass credentials to insecure URL: http://u:xxxxx@a.example.com/example.com/m/@v/v1.0.0.info, and after | any failure goes on",
			"direct unknown asked: any failure is final",
		}},
		{"malformed", "example.com/m", "https://a.example.com,foo", "", "", []string{
			"https://a.example.com skipped: nothing is asked: every lookup fails before",
			"foo skipped: invalid proxy URL missing scheme: foo",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			answers, err := ParseAnswers(c.answers)
			if err != nil {
				t.Fatal(err)
			}
			w := SimulateWalk(WalkInput{Platform: host.Platform{OS: "linux"}, Module: c.module, Version: "v1.0.0", GOPROXY: c.goproxy, GONOPROXY: c.gonoproxy, GOSUMDB: "off", Answers: answers})
			var got []string
			for _, s := range w.Steps {
				asked := ""
				if s.Asked {
					asked = " asked"
				}
				got = append(got, fmt.Sprintf("%s %s%s: %s", s.Entry.Redacted(), s.Outcome, asked, s.Why))
			}
			if text, want := strings.Join(got, "\n"), strings.Join(c.want, "\n"); text != want {
				t.Errorf("got\n%s\nwant\n%s", text, want)
			}
		})
	}
}

// TestWalkRequests: which URLs are asked for depends on the version.
func TestWalkRequests(t *testing.T) {
	for _, c := range []struct{ name, module, version, answers, want string }{
		{"canonical", "example.com/M", "v1.2.3-RC1", "ok", "example.com/!m/@v/v1.2.3-!r!c1.info .mod .zip"},
		{"latest", "example.com/m", "", "ok", "example.com/m/@v/list .info=VERSION .mod=VERSION .zip=VERSION"},
		{"prefix", "example.com/m", "v1", "ok", "example.com/m/@v/list .info=VERSION .mod=VERSION .zip=VERSION"},
		{"comparison", "example.com/m", ">=v1.2.0", "404", "example.com/m/@v/list example.com/m/@v/list"},
		{"branch", "example.com/m", "master", "ok", "example.com/m/@v/master.info .mod=VERSION .zip=VERSION"},
		{"metadata", "example.com/m", "v1.2.3+incompatible", "ok", "example.com/m/@v/v1.2.3+incompatible.info .mod .zip"},
		{"portal", "example.com/m", "latest", "html", "example.com/m/@v/list example.com/m/@latest"},
		{"v73_toolchain", "golang.org/toolchain", "v0.0.1-go1.99.0.linux-amd64", "ok", "golang.org/toolchain/@v/v0.0.1-go1.99.0.linux-amd64.zip"},
		{"go", "go", "latest", "", "golang.org/toolchain/@v/list"},
		{"unknown", "example.com/m", "v1.0.0", "", "example.com/m/@v/v1.0.0.info"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answers, err := ParseAnswers(c.answers)
			if err != nil {
				t.Fatal(err)
			}
			const base = "https://a.example.com/"
			w := SimulateWalk(WalkInput{Module: c.module, Version: c.version, GOPROXY: base, GOSUMDB: "off", GONOSUMDB: "*", Answers: answers})
			if c.name == "v73_toolchain" {
				w = SimulateWalk(WalkInput{Module: c.module, Version: c.version, GOPROXY: base, GOSUMDB: sumDBName, Answers: answers})
			}
			text := strings.NewReplacer(base, "", "%21", "!").Replace(strings.Join(w.Steps[0].Requests, " "))
			for _, ext := range []string{".info", ".mod", ".zip"} {
				dir := c.module + "/@v/"
				text = strings.ReplaceAll(text, " "+dir+"VERSION"+ext, " "+ext+"=VERSION")
				text = strings.ReplaceAll(text, " "+strings.ReplaceAll(dir, "M", "!m")+strings.ReplaceAll(c.version, "RC", "!r!c")+ext, " "+ext)
			}
			if text != c.want {
				t.Errorf("got %q, want %q", text, c.want)
			}
		})
	}
}

// TestWalkHTTPProxy: the HTTP proxy taken is part of each step.
func TestWalkHTTPProxy(t *testing.T) {
	env := map[string]string{"HTTPS_PROXY": "http://p.example.com:1", "NO_PROXY": "b.example.com"}
	w := SimulateWalk(WalkInput{
		Module: "example.com/m", Version: "v1.0.0", GOSUMDB: "off", GOPROXY: "https://a.example.com,https://b.example.com,http://127.0.0.1:1,file:///d,direct",
		Proxy: HTTPProxyFromEnv(func(k string) string { return env[k] }),
	})
	// Only the first entry is sure to be asked; give answers for the rest.
	answers, err := ParseAnswers("404,404,404,404,ok")
	if err != nil {
		t.Fatal(err)
	}
	if got := describeProxy(w.Steps[0].HTTPProxy); got != env["HTTPS_PROXY"] {
		t.Errorf("first entry: got %s", got)
	}
	w = SimulateWalk(WalkInput{Module: "example.com/m", Version: "v1.0.0", GOSUMDB: "off", GOPROXY: "https://a.example.com,https://b.example.com,http://127.0.0.1:1,file:///d,direct",
		Proxy: HTTPProxyFromEnv(func(k string) string { return env[k] }), Answers: answers})
	want := []string{env["HTTPS_PROXY"], "DIRECT by b.example.com", "DIRECT", "", env["HTTPS_PROXY"]}
	for i, s := range w.Steps {
		if got := describeProxy(s.HTTPProxy); got != want[i] {
			t.Errorf("%s: got %q, want %q", s.Entry.URL, got, want[i])
		}
	}
}
