package serve

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goready/goready/internal/modtest"
	"github.com/goready/goready/internal/testreq"
	"github.com/goready/goready/internal/upstream"
)

// guarded is a module proxy over TLS that lets in who has the right password.
type guarded struct {
	*httptest.Server
	mu       sync.Mutex // guards what follows
	password string
	refused  int
}

func newGuarded(t *testing.T, password string) *guarded {
	t.Helper()
	g := &guarded{password: password}
	modules := http.StripPrefix("/go", modtest.NewProxy(modtest.Corpus()))
	g.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, got, _ := r.BasicAuth()
		g.mu.Lock()
		ok := got == g.password
		if !ok {
			g.refused++
		}
		g.mu.Unlock()
		if !ok {
			w.Header().Set("Www-Authenticate", "Basic")
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		modules.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *guarded) set(password string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.password = password
}

func (g *guarded) refusals() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

// client returns an upstream that asks g with the credentials of a value of GOAUTH, and what is logged.
func (g *guarded) client(t *testing.T, goauth string) (*upstream.HTTP, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	c, err := newCredentials(goauth, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	transport := upstream.NewTransport(nil)
	transport.TLSClientConfig = &tls.Config{RootCAs: g.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	t.Cleanup(transport.CloseIdleConnections)
	h, err := upstream.NewHTTP(upstream.HTTPConfig{URL: g.URL + "/go", Credentials: c.header, Transport: c.transport(transport)})
	if err != nil {
		t.Fatal(err)
	}
	return h, &log
}

// letIn asks for something.
func letIn(h *upstream.HTTP) error {
	_, _, err := h.Get(context.Background(), "mod.example.com/basic/@v/list", 1<<20)
	return err
}

func (g *guarded) host() string { return strings.TrimPrefix(g.URL, "https://") }

// TestNetrc: entries are found by host and port, and read again when the file changes.
func TestNetrc(t *testing.T) {
	g := newGuarded(t, "secret1")
	file := filepath.Join(t.TempDir(), "netrc")
	t.Setenv("NETRC", file)
	h, log := g.client(t, "netrc")
	if err := letIn(h); err == nil {
		t.Fatal("let in without a netrc file")
	}
	write := func(password string) {
		t.Helper()
		text := "machine other.example.com login a password b\nmachine " + g.host() + "\n\tlogin me\n\tpassword " + password + "\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("secret1")
	if err := letIn(h); err != nil {
		t.Error(err)
	}
	g.set("another2")
	write("another2")
	if err := letIn(h); err != nil {
		t.Errorf("after the file has changed: %v", err)
	}
	if log.Len() > 0 {
		t.Errorf("logged: %s", log)
	}
}

func TestParseNetrc(t *testing.T) {
	tests := []struct{ name, file, machine, want string }{
		{"one_line", "machine a.example.com login u password p", "a.example.com", "u:p"},
		{"first_counts", "machine a.example.com login u password p\nmachine a.example.com login v password q", "a.example.com", "u:p"},
		{"no_login", "machine a.example.com password p", "a.example.com", ""},
		{"macro", "macdef init\nmachine a.example.com login u password p\n\nmachine b.example.com login u password p", "a.example.com", ""},
		{"after_macro", "macdef init\ncd /\n\nmachine b.example.com login u password p", "b.example.com", "u:p"},
		{"after_default", "default\nmachine a.example.com login u password p", "a.example.com", ""},
		{"path", "machine a.example.com/team login u password p", "a.example.com/team", "u:p"},
		{"scheme", "machine https://a.example.com/ login u password p", "a.example.com", "u:p"},
		{"carriage_returns", "machine a.example.com\r\nlogin u\r\npassword p\r\n", "a.example.com", "u:p"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if h := parseNetrc(tt.file)[tt.machine]; h != nil {
				user, password, _ := (&http.Request{Header: h}).BasicAuth()
				got = user + ":" + password
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestKnown: the longest prefix of the URL counts, and for the same prefix the first command.
func TestKnown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "netrc")
	if err := os.WriteFile(file, []byte("machine a.example.com login n password n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NETRC", file)
	c, err := newCredentials("netrc; nosuchprogram", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c.learn(1, headers{"https://a.example.com": {"X-From": {"program"}}, "https://a.example.com/team": {"X-From": {"team"}}})
	for _, tt := range []struct{ url, header, want string }{
		{"https://a.example.com/x/@v/list", "Authorization", "Basic bjpu"},
		{"https://a.example.com/team/x/@v/list", "X-From", "team"},
		{"https://a.example.com/teams/@v/list", "Authorization", "Basic bjpu"},
		{"https://b.example.com/", "Authorization", ""},
	} {
		u, err := url.Parse(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.known(u).Get(tt.header); got != tt.want {
			t.Errorf("%s: %s %q, want %q", tt.url, tt.header, got, tt.want)
		}
	}
	c.learn(1, headers{"https://a.example.com/team": nil})
	u := &url.URL{Scheme: "https", Host: "a.example.com", Path: "/team/x"}
	if got := c.known(u).Get("X-From"); got != "" {
		t.Errorf("%q is still known", got)
	}
	if h, err := c.header(t.Context(), &url.URL{Scheme: "http", Host: "a.example.com"}); err != nil || h != nil {
		t.Errorf("for http: %v, %v; want none", h, err)
	}
}

// program writes a shell script and returns its name.
func program(t *testing.T, script string) string {
	t.Helper()
	sh := testreq.Program(t, "sh")
	name := filepath.Join(t.TempDir(), "auth")
	if err := os.WriteFile(name, []byte("#!"+sh+"\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestProgram: a program of GOAUTH runs once at the start, and again with the URL and the answer when it is refused.
func TestProgram(t *testing.T) {
	g := newGuarded(t, "new")
	dir := t.TempDir()
	name := program(t, `echo "args: $*" >> `+dir+`/calls
cat >> `+dir+`/stdin
if [ $# = 1 ]; then auth=$(printf 'u:new' | base64); else auth=$(printf 'u:old' | base64); fi
printf '`+g.URL+`\n\nAuthorization: Basic %s\n\n' "$auth"
`)
	testreq.Program(t, "base64")
	h, log := g.client(t, name)
	for range 3 {
		if err := letIn(h); err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
	}
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "args: \nargs: " + g.URL + "/go/mod.example.com/basic/@v/list\n"; string(calls) != want {
		t.Errorf("calls %q, want %q", calls, want)
	}
	stdin, err := os.ReadFile(filepath.Join(dir, "stdin"))
	if err != nil || !strings.HasPrefix(string(stdin), "HTTP/") || !strings.Contains(string(stdin), "401 Unauthorized\n") || !strings.Contains(string(stdin), "Www-Authenticate: Basic\n") {
		t.Errorf("stdin %q, %v; want the answer", stdin, err)
	}
	if n := g.refusals(); n != 1 {
		t.Errorf("refused %d times, want once", n)
	}

	// What it says is wrong now, and asked for again only after a while.
	g.set("newer")
	for range 3 {
		if err := letIn(h); err == nil {
			t.Fatal("let in with a wrong password")
		}
	}
	after, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil || len(after) != len(calls) {
		t.Errorf("asked again at once: %q", after)
	}
}

// TestProgramFails: what a program that fails has printed is in no message.
func TestProgramFails(t *testing.T) {
	g := newGuarded(t, "x")
	for _, script := range []string{"echo hunter2; exit 1\n", "echo hunter2\n", "printf 'https://a.example.com\\n\\nhunter2\\n\\n'\n"} {
		h, log := g.client(t, program(t, script))
		if err := letIn(h); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", script, err)
		}
		if !strings.Contains(log.String(), "no credentials from GOAUTH") || strings.Contains(log.String(), "hunter2") {
			t.Errorf("%q: logged %q", script, log)
		}
	}
}

// TestGit: git's credential helpers are asked when a server refuses.
func TestGit(t *testing.T) {
	testreq.Program(t, "git")
	g := newGuarded(t, "fromgit")
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(home, "gitconfig"))
	helper := program(t, "[ \"$1\" = get ] && printf 'username=me\\npassword=fromgit\\n'\n")
	if err := os.WriteFile(filepath.Join(home, "gitconfig"), []byte("[credential]\n\thelper = "+helper+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h, log := g.client(t, "git "+home)
	for range 2 {
		if err := letIn(h); err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
	}
	if n := g.refusals(); n != 1 {
		t.Errorf("refused %d times, want once", n)
	}
}

// TestGOAUTH: off sends nothing, and what the go command refuses is refused.
func TestGOAUTH(t *testing.T) {
	file := filepath.Join(t.TempDir(), "netrc")
	g := newGuarded(t, "p")
	if err := os.WriteFile(file, []byte("machine "+g.host()+" login u password p"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NETRC", file)
	h, _ := g.client(t, "off")
	if err := letIn(h); err == nil {
		t.Error("GOAUTH=off: credentials are sent")
	}
	for _, value := range []string{"off; netrc", "git", "git rel", ";", "prog 'x"} {
		if _, err := newCredentials(value, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("GOAUTH=%s: no error", value)
		}
	}
}

// TestProgramHangs: a client that leaves does not end the program, which has a limit of its own.
func TestProgramHangs(t *testing.T) {
	g := newGuarded(t, "p")
	name := program(t, "printf '"+g.URL+"\\n\\nAuthorization: Basic dTpw\\n\\n'\n")
	h, log := g.client(t, name)
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	if _, _, err := h.Get(ctx, "mod.example.com/basic/@v/list", 1<<20); err == nil {
		t.Fatal("an answer for a client that left")
	}
	if err := letIn(h); err != nil {
		t.Errorf("%v\n%s", err, log)
	}
}
