package goenv

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/goready/goready/internal/testreq"
)

func TestGitProxyDecision(t *testing.T) {
	const p = "http://p.example.com:1"
	for _, c := range []struct {
		name, url, want string
		env             map[string]string
	}{
		{"v82_all_proxy", "https://a.com/r", p, map[string]string{"ALL_PROXY": p}},
		{"lower_first", "https://a.com/r", p, map[string]string{"HTTPS_PROXY": "http://up", "https_proxy": p}},
		{"no_upper_http", "http://a.com/r", "DIRECT", map[string]string{"HTTP_PROXY": p}},
		{"https_before_all", "https://a.com/r", p, map[string]string{"HTTPS_PROXY": p, "all_proxy": "http://all"}},
		{"no_scheme", "https://a.com/r", p, map[string]string{"https_proxy": "p.example.com:1"}},
		{"blanks", "https://b.com/r", "DIRECT by b.com", map[string]string{"https_proxy": p, "NO_PROXY": "a.com b.com"}},
		{"leading_dot", "https://a.com/r", "DIRECT by .a.com", map[string]string{"https_proxy": p, "NO_PROXY": ".a.com"}},
		{"star_alone", "https://a.com/r", "DIRECT by *", map[string]string{"https_proxy": p, "NO_PROXY": "*"}},
		{"star_in_list", "https://a.com/r", p, map[string]string{"https_proxy": p, "NO_PROXY": "x,*"}},
		{"range", "https://10.1.1.1/r", "DIRECT by 10.0.0.0/8", map[string]string{"https_proxy": p, "NO_PROXY": "10.0.0.0/8"}},
		{"loopback_is_proxied", "https://127.0.0.1/r", p, map[string]string{"https_proxy": p}},
		{"ssh", "ssh://git@a.com/r", "DIRECT", map[string]string{"ALL_PROXY": p}},
	} {
		if got := describeProxy(GitProxyDecision(func(k string) string { return c.env[k] }, c.url)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestGitProxyDifferential compares with git: every proxy and server is an address of its own that refuses connections,
// and git says which of them it tried.
func TestGitProxyDifferential(t *testing.T) {
	git := testreq.Program(t, "git")
	r := rand.New(rand.NewPCG(13, 14))
	address := regexp.MustCompile(`connect to (\S+) port`)
	home := t.TempDir()
	for range walkCases(t, 50) {
		env := map[string]string{}
		for i, k := range []string{"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
			if r.IntN(3) == 0 {
				env[k] = pickOne(r, "http://", "http://u:pw@", "") + "127.0.1." + string(rune('1'+i)) + ":1"
			}
		}
		for _, k := range []string{"no_proxy", "NO_PROXY"} {
			if r.IntN(2) == 0 {
				env[k] = pickOne(r, "*", "127.0.0.0/8", "127.0.2.1", "127.0.2.1,x", "x 127.0.2.1", "x,*", "127.0.2.1:1", "localhost", ".localhost,x", "x;localhost", "a.localhost", "*.localhost", "LOCALHOST", "localhost.")
			}
		}
		url := pickOne(r, "http", "https", "https") + "://" + pickOne(r, "127.0.2.1", "a.localhost", "localhost") + ":1/r"
		cmd := exec.Command(git, "ls-remote", url)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C"}
		for k, v := range env {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
		out, err := cmd.CombinedOutput()
		m := address.FindSubmatch(out)
		if err == nil || m == nil {
			t.Fatalf("git %s with %v: %s", url, env, out)
		}
		d := GitProxyDecision(func(k string) string { return env[k] }, url)
		if want := d.Proxy; d.Direct && strings.HasPrefix(string(m[1]), "127.0.1.") || !d.Direct && !strings.Contains(want, string(m[1])) {
			t.Errorf("%s with %v: git tried %s, predicted %+v", url, env, m[1], d)
		}
	}
}
