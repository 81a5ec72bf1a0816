package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestHTTPRedirects(t *testing.T) {
	type seen struct{ authorization, token, referer string }
	var there []seen
	note := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there = append(there, seen{r.Header.Get("Authorization"), r.Header.Get("X-Token"), r.Header.Get("Referer")})
		io.WriteString(w, "v1.0.0\n")
	})
	other := httptest.NewServer(note)
	defer other.Close()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/x", http.StatusFound)
	}))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	mux := http.NewServeMux()
	mux.Handle("/same/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) }))
	mux.Handle("/other/", http.RedirectHandler(other.URL+"/x", http.StatusTemporaryRedirect))
	mux.Handle("/loop/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }))
	mux.Handle("/nowhere/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusFound) }))
	mux.Handle("/x", note)
	server := httptest.NewServer(mux)
	defer server.Close()

	config := HTTPConfig{Rand: func() float64 { return 0 }, Credentials: func(_ context.Context, u *url.URL) (http.Header, error) {
		return http.Header{"x-token": {"from-netrc"}}, nil
	}}
	ask := func(t *testing.T, base string, transport http.RoundTripper) error {
		config.URL, config.Transport = strings.Replace(base, "://", "://user:hunter2@", 1), transport
		there = nil
		_, err := newHTTP(t, config).Versions(t.Context(), "mod.example.com/basic")
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the password is in the error: %v", err)
		}
		return err
	}
	const basic = "Basic dXNlcjpodW50ZXIy"
	t.Run("same_host_keeps_credentials", func(t *testing.T) {
		if err := ask(t, server.URL+"/same/?q=token", nil); err != nil || len(there) != 1 || there[0] != (seen{basic, "from-netrc", ""}) {
			t.Errorf("%+v, %v", there, err)
		}
	})
	t.Run("other_host_gets_none", func(t *testing.T) {
		if err := ask(t, server.URL+"/other", nil); err != nil || len(there) != 1 || there[0] != (seen{}) {
			t.Errorf("%+v, %v", there, err)
		}
	})
	t.Run("loop", func(t *testing.T) { wantKind(t, ask(t, server.URL+"/loop", nil), "unavailable") })
	t.Run("nowhere", func(t *testing.T) { wantKind(t, ask(t, server.URL+"/nowhere", nil), "unavailable") })
	t.Run("https_to_http", func(t *testing.T) {
		wantKind(t, ask(t, secure.URL, secure.Client().Transport), "unavailable")
		if len(there) != 0 {
			t.Errorf("followed: %+v", there)
		}
	})
	t.Run("unknown_certificate", func(t *testing.T) { wantKind(t, ask(t, secure.URL, nil), "unavailable") })
}

func TestHTTPCredentials(t *testing.T) {
	for _, tt := range []struct{ url, want string }{
		{"https://user:pw@proxy.example.com", "Basic dXNlcjpwdw=="},
		{"https://proxy.example.com", "Bearer abc"},
		{"http://proxy.example.com", ""},
		{"http://user:pw@127.0.0.1:80", "Basic dXNlcjpwdw=="},
		{"http://localhost:80", "Bearer abc"},
		{"http://[::1]:80", "Bearer abc"},
		{"http://localhost.example.com", ""},
	} {
		var got string
		h := newHTTP(t, HTTPConfig{URL: tt.url,
			Credentials: func(context.Context, *url.URL) (http.Header, error) {
				return http.Header{"Authorization": {"Bearer abc"}}, nil
			},
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				got = r.Header.Get("Authorization")
				return &http.Response{StatusCode: 404, Body: http.NoBody, Request: r}, nil
			})})
		h.Versions(t.Context(), "mod.example.com/basic")
		if got != tt.want {
			t.Errorf("%s: sent %q, want %q", tt.url, got, tt.want)
		}
	}
	h := newHTTP(t, HTTPConfig{URL: "https://proxy.example.com", Transport: roundTrip(nil),
		Credentials: func(context.Context, *url.URL) (http.Header, error) { return nil, errors.New("no netrc") }})
	_, err := h.Versions(t.Context(), "mod.example.com/basic")
	wantKind(t, err, "unavailable")
}

func TestHTTPKeepsSecrets(t *testing.T) {
	h := startHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "no access for %s with %s and %s\nsee https://bob:s3cret@wiki.example.com\n", r.Header.Get("Authorization"), r.URL.RawQuery, "hunter2")
	}), HTTPConfig{})
	h.user = url.UserPassword("user", "hunter2")
	h.base.RawQuery = "token=abcdef"
	_, err := h.Versions(t.Context(), "mod.example.com/basic")
	wantKind(t, err, "refused")
	for _, secret := range []string{"hunter2", "abcdef", "dXNlcjpodW50ZXIy", "s3cret", "bob"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q is in the error: %v", secret, err)
		}
	}
	if !strings.Contains(err.Error(), "no access for") || !strings.Contains(err.Error(), "wiki.example.com") {
		t.Errorf("the text is lost: %v", err)
	}
	for _, bad := range []string{"https://user:hunter2@host.example.com:x/", "ftp://user:hunter2@host.example.com", "http://user:hunter2@host.example.com", "user:hunter2", "https:///x"} {
		if _, err := NewHTTP(HTTPConfig{URL: bad}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	named := newHTTP(t, HTTPConfig{URL: "https://tokenuser@proxy.example.com/base/?key=abc#x"})
	if named.label != "https://proxy.example.com/base" {
		t.Errorf("name %q", named.label)
	}
}
