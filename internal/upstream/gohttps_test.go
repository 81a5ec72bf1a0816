package upstream

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/testreq"
)

// startWeb serves https://example.com and returns the environment in which that is where it leads: through a proxy on
// loopback that connects to nowhere else.
func startWeb(t *testing.T, handler http.Handler) []string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the certificates that the go command trusts are the system's")
	}
	web := httptest.NewUnstartedServer(handler)
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	t.Cleanup(web.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "example.com:443" {
			http.Error(w, "nowhere", http.StatusBadGateway)
			return
		}
		there, err := net.Dial("tcp", web.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer there.Close()
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer here.Close()
		io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		done := make(chan struct{})
		go func() {
			defer close(done)
			io.Copy(there, here)
			there.Close()
		}()
		io.Copy(here, there)
		here.Close()
		<-done
	}))
	t.Cleanup(proxy.Close)
	certificate := filepath.Join(t.TempDir(), "cert.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	if err := os.WriteFile(certificate, block, 0o666); err != nil {
		t.Fatal(err)
	}
	return []string{"HTTPS_PROXY=" + proxy.URL, "HTTP_PROXY=" + proxy.URL, "SSL_CERT_FILE=" + certificate, "GIT_SSL_CAINFO=" + certificate}
}

// gitServer serves the repositories of a forge as git's own server does.
func gitServer(t *testing.T, f *forge) http.Handler {
	t.Helper()
	out := f.run(t, ".", "--exec-path")
	return &cgi.Handler{Path: filepath.Join(out, "git-http-backend"), Root: "/git", Stderr: io.Discard,
		Env: []string{"GIT_PROJECT_ROOT=" + f.root, "GIT_HTTP_EXPORT_ALL=1"}}
}

// The real go command and the real git against a web server, over https: what is a no, and what is none.
func TestGoCommandHTTPS(t *testing.T) {
	f := newForge(t)
	f.commit(t, "m", "v1.0.0", "go.mod", "module example.com/m\n", "m.go", "package m\n")
	git := gitServer(t, f)
	if _, err := os.Stat(git.(*cgi.Handler).Path); err != nil {
		testreq.Missing(t, "git-http-backend is not installed")
	}
	env := startWeb(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
		answer := name[0]
		isGit := answer == "git"
		if isGit {
			answer = strings.TrimPrefix(name[1], "g")
		}
		switch status, err := strconv.Atoi(answer); {
		case err == nil && status == 401:
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			http.Error(w, "who are you", status)
		case err == nil && status == 503 && !isGit:
			panic(http.ErrAbortHandler)
		case err == nil:
			http.Error(w, "because", status)
		case isGit:
			git.ServeHTTP(w, r)
		case answer == "empty":
			io.WriteString(w, "<html>nothing here</html>")
		default:
			repo := name[0] // /g404 leads to the repository /git/g404
			fmt.Fprintf(w, `<meta name="go-import" content="example.com/%s git https://example.com/git/%s">`, repo, repo)
		}
	}))
	g := newGoCommand(t, f, GoCommandConfig{Env: env})
	g.config.Protocols = nil
	m := module.Version{Path: "example.com/m", Version: "v1.0.0"}
	for _, kind := range []Kind{Info, Mod, Zip} {
		if data, err := get(g, m, kind); err != nil || len(data) == 0 {
			t.Fatalf("%s: %d bytes, %v", kind, len(data), err)
		}
	}
	for _, tt := range []struct{ name, path, want, text string }{
		{"version", "example.com/m", "ok", ""},
		{"submodule", "example.com/m/none", "not_exist", "no matching versions"},
		{"page_404", "example.com/404", "not_exist", "404 Not Found"},
		{"page_410", "example.com/410", "not_exist", "410 Gone"},
		{"page_without_tag", "example.com/empty", "not_exist", "no go-import meta tags"},
		{"page_401", "example.com/401", "refused", "401 Unauthorized"},
		{"page_403", "example.com/403", "refused", "403 Forbidden"},
		{"page_500", "example.com/500", "unavailable", "500 Internal Server Error"},
		{"page_502", "example.com/502", "unavailable", "502 Bad Gateway"},
		{"page_dropped", "example.com/503", "unavailable", "EOF"},
		{"other_host", "other.example.com/m", "unavailable", "Bad Gateway"},
		{"git_404", "example.com/g404", "not_exist", "not found"},
		{"git_401", "example.com/g401", "refused", "terminal prompts disabled"},
		{"git_403", "example.com/g403", "refused", "403"},
		{"git_500", "example.com/g500", "unavailable", "500"},
		{"git_503", "example.com/g503", "unavailable", "503"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clear(g.hosts) // each begins with a circuit breaker that knows nothing
			for _, query := range []string{"latest", "main", "v1.0.0"} {
				if tt.name == "submodule" && query != "latest" {
					continue // another text, which TestGoCommandSaysNo has
				}
				_, err := g.Resolve(t.Context(), tt.path, query)
				if wantKind(t, err, tt.want); err != nil && !strings.Contains(err.Error(), tt.text) {
					t.Errorf("%s: no %q in %v", query, tt.text, err)
				}
			}
			_, err := g.Versions(t.Context(), tt.path)
			wantKind(t, err, tt.want)
		})
	}
}
