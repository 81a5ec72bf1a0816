//go:build unix

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goready/goready/internal/modtest"
)

// TestReload: SIGHUP makes a good configuration the current one; a bad one changes nothing and is described. What was
// counted goes on, and so do requests that began before.
func TestReload(t *testing.T) {
	one, two, m := newUpstream(t), newUpstream(t), newMachine(t)
	two.modules.Add(modtest.Version{Path: "mod.example.com/second", Version: "v1.0.0", Files: map[string]string{"go.mod": "module mod.example.com/second\n"}})
	one.modules.AddBig("mod.example.com/big", "v1.0.0", 4<<20)
	stall := make(chan struct{})
	one.proxy.SetFault(bigZip, modtest.Fault{Stall: stall, StallAt: 2 << 20})
	config := func(up *upstream, more string) {
		t.Helper()
		m.write(t, "c.toml", "[upstream]\nproxy = \""+up.url+"\"\n[sumdb]\ndatabase = \"off\"\n"+more)
	}
	config(one, "")
	s := m.serve(t, "--config", "c.toml")
	const file = "/mod.example.com/second/@v/v1.0.0.info"
	if r := get(t, s.url+file); r.status != http.StatusNotFound {
		t.Fatalf("%s before: %d %s", file, r.status, r.body)
	}
	slow, err := http.Get(s.url + bigZip)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Body.Close()
	upRequests := `goreadyd_upstream_requests_total{upstream="` + one.url + `"}`
	before := metric(t, s, upRequests)

	config(two, "[cache]\nmax-sise = \"1GiB\"\n")
	s.signal(syscall.SIGHUP)
	r := s.await("configuration not reloaded: the old one stays")
	if r["error"] != `c.toml:6:1: unknown key "max-sise" in [cache]` || r["hint"] != "did you mean max-size" {
		t.Errorf("error %q, hint %q", r["error"], r["hint"])
	}
	if got := metric(t, s, "goreadyd_config_last_reload_successful"); got != 0 {
		t.Errorf("goreadyd_config_last_reload_successful is %v after a bad file", got)
	}
	if r := get(t, s.url+file+"?again"); r.status != http.StatusNotFound {
		t.Errorf("%s after a bad file: %d %s", file, r.status, r.body)
	}
	if r := get(t, s.admin+"/-/config"); !strings.Contains(r.body, one.url) {
		t.Errorf("the configuration after a bad file is\n%s", r.body)
	}

	config(two, "[cache]\nmax-size = \"1GiB\"\ndurability = \"fast\"\n[log]\nlevel = \"debug\"\n")
	s.signal(syscall.SIGHUP)
	if r := s.await("options cannot be changed while the server runs: restart it"); r["options"] != "cache.durability" {
		t.Errorf("fixed options %q", r["options"])
	}
	s.await("configuration reloaded")
	if r := get(t, s.url+file); r.status != http.StatusOK {
		t.Errorf("%s after a good file: %d %s", file, r.status, r.body)
	}
	if r := get(t, s.admin+"/-/config"); !strings.Contains(r.body, two.url) || !strings.Contains(r.body, `max-size = "1GiB"`) || !strings.Contains(r.body, `durability = "full"`) {
		t.Errorf("the configuration after a good file is\n%s", r.body)
	}
	for name, want := range map[string]float64{
		"goreadyd_config_last_reload_successful":                       1,
		"goreadyd_store_limit_bytes":                                   1 << 30,
		`goreadyd_requests_total{kind="info",outcome="not_found"}`:     1,
		`goreadyd_requests_total{kind="info",outcome="miss"}`:          1,
		`goreadyd_upstream_requests_total{upstream="` + two.url + `"}`: 1,
	} {
		if got := metric(t, s, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}

	close(stall)
	body, err := io.ReadAll(slow.Body)
	if want, _ := one.modules.Zip("mod.example.com/big", "v1.0.0"); err != nil || !bytes.Equal(body, want) {
		t.Errorf("the request that began before: %d bytes, %v", len(body), err)
	}

	config(one, "")
	s.signal(syscall.SIGHUP)
	s.await("configuration reloaded")
	get(t, s.url+"/mod.example.com/basic/@v/v1.2.0.info")
	if after := metric(t, s, upRequests); after <= before {
		t.Errorf("%s is %v, was %v: it does not go on", upRequests, after, before)
	}
}

// metric returns the value of a metric, which has to be there.
func metric(t *testing.T, s *server, name string) float64 {
	t.Helper()
	for line := range strings.Lines(get(t, s.admin+"/metrics").body) {
		if text, ok := strings.CutPrefix(line, name+" "); ok {
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	t.Errorf("no metric %s", name)
	return 0
}

// TestReloadGoEnv: without a configuration file, what the go command says is read anew.
func TestReloadGoEnv(t *testing.T) {
	one, two, m := newUpstream(t), newUpstream(t), newMachine(t)
	m.write(t, "goenv", "GOPROXY="+one.url+"\nGOSUMDB=off\n")
	s := m.serve(t)
	m.write(t, "goenv", "GOPROXY="+two.url+"\nGOSUMDB=off\n")
	s.signal(syscall.SIGHUP)
	s.await("configuration reloaded")
	if r := get(t, s.url+"/mod.example.com/basic/@v/list"); r.header.Get("X-Goready-Upstream") != two.url {
		t.Errorf("from %q, want %s", r.header.Get("X-Goready-Upstream"), two.url)
	}
}

// TestTLS: HTTP/2, and a new certificate after SIGHUP; one that cannot be used changes nothing.
func TestTLS(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	pool := x509.NewCertPool()
	m.certificate(t, pool, 1)
	file := m.write(t, "c.toml", "[tls]\ncert = \""+filepath.Join(m.home, "cert.pem")+"\"\nkey = \""+filepath.Join(m.home, "key.pem")+"\"\n[sumdb]\ndatabase = \"off\"\n")
	s := m.serve(t, "--upstream", up.url, "--config", file)
	if !strings.HasPrefix(s.url, "https://") {
		t.Fatalf("serves %s", s.url)
	}
	serial := func() int64 {
		t.Helper()
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
		defer client.CloseIdleConnections()
		resp, err := client.Get(s.url + "/mod.example.com/basic/@v/v1.0.0.mod")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
			t.Errorf("%s %s, %v: %s", resp.Proto, resp.Status, err, body)
		}
		return resp.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	if n := serial(); n != 1 {
		t.Errorf("certificate %d, want 1", n)
	}
	m.certificate(t, pool, 2)
	s.signal(syscall.SIGHUP)
	s.await("configuration reloaded")
	if n := serial(); n != 2 {
		t.Errorf("certificate %d after a reload, want 2", n)
	}
	m.write(t, "key.pem", "nothing")
	s.signal(syscall.SIGHUP)
	if r := s.await("configuration not reloaded: the old one stays"); !strings.Contains(r["error"].(string), "c.toml:2:1: tls.cert: ") {
		t.Errorf("error %q", r["error"])
	}
	if n := serial(); n != 2 {
		t.Errorf("certificate %d after a bad one, want 2", n)
	}
}

// certificate writes a new certificate for loopback with its key, and has the pool trust it.
func (m *machine) certificate(t *testing.T, pool *x509.CertPool, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(cert)
	m.write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	m.write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}
