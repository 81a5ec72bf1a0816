package goenv

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/testreq"
)

// walkCases returns how many generated cases a differential test runs: n, or what GOREADY_CASES says.
func walkCases(t testing.TB, n int) int {
	t.Helper()
	s := os.Getenv("GOREADY_CASES")
	if s == "" {
		return n
	}
	v, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("GOREADY_CASES: %v", err)
	}
	return v
}

// walkClosedAddress refuses every connection: nothing listens on port 1.
const walkClosedAddress = "127.0.0.1:1"

// walkLab is a small network on loopback for a real go command: servers whose behaviour is named in the URL, and an HTTP
// proxy that is every other host at once, so that no request leaves the machine.
//
// URLs are http://127.0.0.1:port/<case>/<entry>/<behaviour>/<path of the module proxy protocol>. For other hosts the
// behaviour and case are in the first label of the name: <behaviour>-<case>.example.com.
type walkLab struct {
	goProgram string
	goPath    string // PATH of the go command
	dir       string
	caFile    string

	plain    *httptest.Server // all behaviours but those below
	secure   *httptest.Server // the same over TLS, with a certificate that the go command trusts
	foreign  *httptest.Server // TLS with a certificate that it does not trust
	closing  net.Listener     // closes every connection after the request
	httpProx *httptest.Server // HTTP proxy

	mu        sync.Mutex
	log       map[string][]string // case -> requests, without scheme and host
	lookups   map[string][]string // case -> those to the checksum database but for "supported"
	databases map[string]http.Handler
}

func newWalkLab(t *testing.T) *walkLab {
	t.Helper()
	l := &walkLab{goProgram: testreq.Program(t, "go"), goPath: os.Getenv("PATH"), dir: t.TempDir(), log: map[string][]string{}, lookups: map[string][]string{}, databases: map[string]http.Handler{}}
	trusted, ca := newWalkCertificate(t)
	l.caFile = filepath.Join(l.dir, "ca.pem")
	if err := os.WriteFile(l.caFile, ca, 0o666); err != nil {
		t.Fatal(err)
	}
	// Without this every go command with a new home folder starts another process in the background.
	telemetry := filepath.Join(l.dir, "home", ".config", "go", "telemetry")
	if err := os.MkdirAll(telemetry, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(telemetry, "mode"), []byte("off"), 0o666); err != nil {
		t.Fatal(err)
	}
	other, _ := newWalkCertificate(t)
	l.plain = httptest.NewServer(l)
	l.secure = newWalkTLSServer(l, trusted)
	l.foreign = newWalkTLSServer(l, other)
	l.httpProx = httptest.NewServer(http.HandlerFunc(l.connect))
	for _, s := range []*httptest.Server{l.plain, l.secure, l.foreign, l.httpProx} {
		t.Cleanup(s.Close)
	}
	var err error
	if l.closing, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.closing.Close() })
	go closeEachRequest(l.closing)
	return l
}

// closeEachRequest reads one request from every connection and closes it without an answer.
func closeEachRequest(listener net.Listener) {
	for {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				io.Copy(io.Discard, r.Body)
			}
		}()
	}
}

func newWalkTLSServer(h http.Handler, c tls.Certificate) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{c}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	return s
}

// newWalkCertificate makes a certificate for 127.0.0.1 and every host the tests use, its own authority.
func newWalkCertificate(t *testing.T) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "goready test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames: []string{"goproxy.invalid", "example.com", "*.example.com"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pemData := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pemData
}

// connect is the HTTP proxy: it hands every CONNECT to the trusted TLS server, whatever the host, and answers plain
// requests itself.
func (l *walkLab) connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		r.URL.Path = "/" + r.Host + r.URL.Path
		l.ServeHTTP(w, r)
		return
	}
	server, err := net.Dial("tcp", l.secure.Listener.Addr().String())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		server.Close()
		return
	}
	fmt.Fprintf(client, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		defer server.Close()
		io.Copy(server, client)
	}()
	go func() {
		defer client.Close()
		io.Copy(client, server)
	}()
}

// ServeHTTP answers as the URL says.
func (l *walkLab) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, behaviour, rest := walkRoute(r)
	user, _, _ := r.BasicAuth()
	line := r.URL.RequestURI()
	if !strings.HasPrefix(r.Host, "127.0.0.1") {
		line = r.Host + line
	}
	if user != "" {
		line += " as " + user
	}
	l.mu.Lock()
	switch path, database := walkDatabasePath(behaviour, rest); {
	case database && path != "supported":
		l.lookups[id] = append(l.lookups[id], line)
	case !strings.HasPrefix(rest, "mod/"): // what follows the go-import page of version control
		l.log[id] = append(l.log[id], line)
	}
	l.mu.Unlock()
	if redirected, ok := strings.CutPrefix(behaviour, "redirect"); ok {
		http.Redirect(w, r, l.plain.URL+"/redirected/0/"+redirected+"/"+rest, http.StatusFound)
		return
	}
	l.answer(w, r, behaviour, rest)
}

// walkRoute splits a request into the case, the behaviour and the path below.
func walkRoute(r *http.Request) (id, behaviour, rest string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if strings.HasPrefix(r.Host, "127.0.0.1") {
		id, path, _ = strings.Cut(path, "/")
		_, path, _ = strings.Cut(path, "/")
		behaviour, rest, _ = strings.Cut(path, "/")
		return id, behaviour, rest
	}
	label, _, _ := strings.Cut(r.Host, ".")
	behaviour, id, _ = strings.Cut(label, "-")
	return id, behaviour, path
}

func (l *walkLab) answer(w http.ResponseWriter, r *http.Request, behaviour, rest string) {
	if status, err := strconv.Atoi(behaviour); err == nil {
		w.WriteHeader(status)
		return
	}
	if path, ok := walkDatabasePath(behaviour, rest); ok {
		l.serveDatabase(w, r, behaviour, path)
		return
	}
	switch behaviour {
	case "html":
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<html><body>Please log in.</body></html>")
	case "empty":
	case "silent":
		<-r.Context().Done()
	case "insecure":
		http.Redirect(w, r, l.plain.URL+"/redirected/0/ok/"+rest, http.StatusFound)
	case "ok", "nodb", "baddb", "nolookup":
		if r.FormValue("go-get") == "1" {
			fmt.Fprintf(w, `<meta name="go-import" content="%s/%s mod https://%s/mod">`, r.Host, rest, r.Host)
			return
		}
		serveWalkModule(w, strings.TrimPrefix(rest, "mod/"))
	default:
		http.Error(w, "no such behaviour", http.StatusTeapot)
	}
}

// serveWalkModule answers as a module proxy that has version v1.0.0 of every module.
func serveWalkModule(w http.ResponseWriter, path string) {
	escaped, file, ok := strings.Cut(path, "/@v/")
	module, err := module.UnescapePath(escaped)
	switch {
	case err != nil:
		w.WriteHeader(http.StatusNotFound)
	case ok && file == "list":
		io.WriteString(w, "v1.0.0\n")
	case ok && file == "v1.0.0.info":
		io.WriteString(w, `{"Version":"v1.0.0","Time":"2020-01-01T00:00:00Z"}`)
	case ok && file == "v1.0.0.mod":
		io.WriteString(w, walkModuleFile(module))
	case ok && file == "v1.0.0.zip":
		w.Write(walkModuleZip(module))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func walkModuleFile(module string) string { return "module " + module + "\n" }

func walkModuleZip(module string) []byte {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, f := range []struct{ name, text string }{{"go.mod", walkModuleFile(module)}, {"m.go", "package m\n"}} {
		w, err := z.Create(module + "@v1.0.0/" + f.name)
		if err != nil {
			panic(err)
		}
		io.WriteString(w, f.text)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

// entryURL returns the URL of an entry of a case that behaves in a way, which is an answer of ParseAnswer; with
// "https:" before it the server is reached by https.
func (l *walkLab) entryURL(id string, n int, behaviour string) string {
	base := l.plain.URL
	if b, ok := strings.CutPrefix(behaviour, "https:"); ok {
		base, behaviour = l.secure.URL, b
	}
	switch behaviour {
	case "refused":
		base = "http://" + walkClosedAddress
	case "dns":
		base = "http://dns..invalid" // no resolver is asked for a name of this form
	case "tls":
		base = l.foreign.URL
	case "eof":
		base = "http://" + l.closing.Addr().String()
	case "insecure":
		base = l.secure.URL
	}
	return fmt.Sprintf("%s/%s/%d/%s", base, id, n, behaviour)
}

// walkResult is what the real go command did.
type walkResult struct {
	ok       bool
	output   string
	requests []string // path and query; with the host before them if that is not 127.0.0.1
	lookups  []string // those to the checksum database
}

// run runs go mod download for a module in a private environment. extra settings come last and count.
func (l *walkLab) run(ctx context.Context, t testing.TB, id, target string, extra ...string) walkResult {
	t.Helper()
	dir := filepath.Join(l.dir, id)
	if err := os.MkdirAll(filepath.Join(dir, "work"), 0o777); err != nil {
		t.Error(err)
	}
	cmd := exec.CommandContext(ctx, l.goProgram, "mod", "download", target)
	cmd.Dir = filepath.Join(dir, "work")
	cmd.Env = append(l.environ(dir), extra...)
	out, err := cmd.CombinedOutput()
	l.mu.Lock()
	defer l.mu.Unlock()
	return walkResult{ok: err == nil, output: string(out), requests: l.log[id], lookups: l.lookups[id]}
}

func (l *walkLab) environ(dir string) []string {
	list := []string{
		"PATH=" + l.goPath, "HOME=" + filepath.Join(l.dir, "home"), "GOPATH=" + filepath.Join(dir, "gopath"), "GOMODCACHE=" + filepath.Join(dir, "modcache"),
		"GOCACHE=" + filepath.Join(dir, "gocache"), "GOENV=off", "GOFLAGS=-modcacherw", "GOTOOLCHAIN=local", "GO111MODULE=on", "GOSUMDB=off",
		"GOPROXY=off", "SSL_CERT_FILE=" + l.caFile, "SSL_CERT_DIR=" + filepath.Join(dir, "none"), "GIT_TERMINAL_PROMPT=0",
	}
	for k, v := range l.proxyEnv() {
		list = append(list, k+"="+v)
	}
	return list
}

// proxyEnv has the HTTP proxy for everything but the name that must not resolve.
func (l *walkLab) proxyEnv() map[string]string {
	return map[string]string{"HTTP_PROXY": l.httpProx.URL, "HTTPS_PROXY": l.httpProx.URL, "NO_PROXY": "dns..invalid"}
}

// predictedWalkRequests returns the requests of a walk in the form of walkResult, in the order of the entries.
func predictedWalkRequests(t testing.TB, steps []WalkStep) []string {
	t.Helper()
	var list []string
	for _, s := range steps {
		if k := s.Answer.Kind; k == AnswerRefused || k == AnswerDNS || k == AnswerTLS || k == AnswerEOF || k == AnswerProxyError {
			continue // no server sees these
		}
		for _, r := range s.Requests {
			u, err := url.Parse(r)
			if err != nil {
				t.Error(err)
				continue
			}
			if u.Scheme == "file" {
				continue
			}
			line := u.RequestURI()
			if u.Hostname() != "127.0.0.1" {
				line = u.Host + line
			}
			list = append(list, line)
		}
	}
	return list
}
