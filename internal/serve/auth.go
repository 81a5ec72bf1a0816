package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/goready/goready/internal/goenv"
)

const (
	// authTimeout is how long a program of GOAUTH may take.
	authTimeout = 30 * time.Second
	// authPause is how soon the programs are asked again about a server that does not like what they gave.
	authPause = 30 * time.Second
	// maxNetrc and maxAuthOutput are the largest netrc file and answer of a program that are read.
	maxNetrc      = 1 << 20
	maxAuthOutput = 1 << 20
)

// credentials knows what to say to servers to be let in, as GOAUTH describes it ("go help goauth"): entries of the netrc
// file, and what programs say. It is safe for concurrent use.
//
// Unlike the go command it lives: the netrc file is read again when it has changed, and programs are run again, but not
// more often than every half minute for each server.
type credentials struct {
	commands []goenv.AuthCommand
	netrc    string // the file; "": there is none
	log      *slog.Logger

	running sync.Mutex // held while programs run; guards started and paused
	started bool       // the programs ran once, without a URL
	paused  map[string]time.Time

	mu   sync.Mutex // guards what follows
	read fs.FileInfo
	said []headers // by command
}

// headers are HTTP headers by the prefix of a URL without "https://".
type headers map[string]http.Header

// newCredentials returns the credentials that a value of GOAUTH stands for.
func newCredentials(goauth string, log *slog.Logger) (*credentials, error) {
	var on goenv.CredentialInput // for the name of the system, in the type that goenv wants
	on.Platform.OS = runtime.GOOS
	commands, err := goenv.ParseGOAUTH(goauth, on.Platform)
	if err != nil {
		return nil, err
	}
	c := &credentials{commands: commands, log: log, said: make([]headers, len(commands)), paused: map[string]time.Time{}}
	for _, cmd := range commands {
		if !cmd.Problem.IsZero() {
			return nil, fmt.Errorf("GOAUTH: %s: %s", cmd.Text, cmd.Problem)
		}
		if cmd.Kind != goenv.AuthNetrc {
			continue
		}
		for _, name := range goenv.NetrcFiles(os.Getenv, on.Platform) {
			if c.netrc = name; exists(name) {
				break
			}
		}
	}
	return c, nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// header returns the headers for a URL. It is what upstream.HTTPConfig calls Credentials.
func (c *credentials) header(ctx context.Context, u *url.URL) (http.Header, error) {
	if u.Scheme != "https" {
		return nil, nil // as the go command, which is also why none need be kept from http on the way
	}
	if c.programs() {
		c.running.Lock()
		if !c.started {
			c.started = true
			c.run(ctx, "", nil)
		}
		c.running.Unlock()
	}
	return c.known(u), nil
}

// known returns the headers for the longest prefix of a URL; for the same prefix the first command of GOAUTH counts.
func (c *credentials) known(u *url.URL) http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readNetrc()
	for prefix := authPrefix(u.String()); ; {
		for _, said := range c.said {
			if h := said[prefix]; h != nil {
				return h
			}
		}
		i := strings.LastIndexByte(prefix, '/')
		if i < 0 {
			return nil
		}
		prefix = prefix[:i]
	}
}

func authPrefix(s string) string {
	return strings.TrimSuffix(strings.TrimPrefix(s, "https://"), "/")
}

// readNetrc reads the netrc file again if it has changed. The mutex mu is held.
func (c *credentials) readNetrc() {
	if c.netrc == "" {
		return
	}
	info, err := os.Stat(c.netrc)
	if err == nil && c.read != nil && info.ModTime().Equal(c.read.ModTime()) && info.Size() == c.read.Size() {
		return
	}
	var lines headers
	if err == nil {
		var data []byte
		if data, err = readLimited(c.netrc, maxNetrc); err == nil {
			lines = parseNetrc(string(data))
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.log.Warn("netrc file not read", "error", err.Error())
	}
	c.read = info
	for i, cmd := range c.commands {
		if cmd.Kind == goenv.AuthNetrc {
			c.said[i] = lines
		}
	}
}

// parseNetrc returns what a netrc file says about each machine. Of several entries for one the first counts.
func parseNetrc(data string) headers {
	lines := headers{}
	goenv.ReadNetrc(data, func(e goenv.NetrcEntry, password string) {
		if at := authPrefix(e.Machine); lines[at] == nil {
			lines[at] = basicAuth(e.Login, password)
		}
	})
	return lines
}

func basicAuth(user, password string) http.Header {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return r.Header
}

// programs reports whether something can be asked about a server that lets nobody in.
func (c *credentials) programs() bool {
	return slices.ContainsFunc(c.commands, func(cmd goenv.AuthCommand) bool {
		return cmd.Kind == goenv.AuthProgram || cmd.Kind == goenv.AuthGit
	})
}

// transport returns a transport that asks the programs of GOAUTH when a server refuses, and then tries again.
func (c *credentials) transport(next http.RoundTripper) http.RoundTripper {
	if !c.programs() {
		return next
	}
	return &authTransport{c, next}
}

type authTransport struct {
	credentials *credentials
	next        http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *authTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil || r.URL.Scheme != "https" || !refusal(resp.StatusCode) {
		return resp, err
	}
	h := t.credentials.again(r.Context(), r.URL, resp)
	if h == nil {
		return resp, nil
	}
	resp.Body.Close()
	next := r.Clone(r.Context())
	maps.Copy(next.Header, h)
	return t.next.RoundTrip(next)
}

// refusal reports whether a status may mean that the server wants to know who asks. The go command takes every 4xx for
// that; but for a module proxy a 404 is everyday life.
func refusal(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// CloseIdleConnections lets http.Client do so.
func (t *authTransport) CloseIdleConnections() {
	if next, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

// again asks the programs about a URL that was refused, and returns other headers than were sent, or nil.
func (c *credentials) again(ctx context.Context, u *url.URL, resp *http.Response) http.Header {
	c.running.Lock()
	defer c.running.Unlock()
	sent := resp.Request.Header
	if h := c.known(u); differs(h, sent) {
		return h // somebody else has asked meanwhile
	}
	now := time.Now()
	if now.Sub(c.paused[u.Host]) < authPause {
		return nil
	}
	c.paused[u.Host] = now
	c.run(ctx, (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String(), resp)
	if h := c.known(u); differs(h, sent) {
		return h
	}
	return nil
}

// differs reports whether h has a header that was not sent.
func differs(h, sent http.Header) bool {
	for name, values := range h {
		if !slices.Equal(values, sent[http.CanonicalHeaderKey(name)]) {
			return true
		}
	}
	return false
}

// run runs the programs. rawURL is "" at the start, else it was refused by resp. The mutex running is held.
func (c *credentials) run(ctx context.Context, rawURL string, resp *http.Response) {
	// A client that leaves does not end what all of them need.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), authTimeout)
	defer cancel()
	for i, cmd := range c.commands {
		var said headers
		var err error
		switch {
		case cmd.Kind == goenv.AuthProgram:
			said, err = askProgram(ctx, cmd.Args, rawURL, resp)
		case cmd.Kind == goenv.AuthGit && rawURL != "":
			said, err = askGit(ctx, cmd.Args[1], rawURL)
		}
		if err != nil {
			c.log.Warn("no credentials from GOAUTH", "command", cmd.Args[0], "error", err.Error())
		}
		c.learn(i, said)
	}
}

// learn takes what a command said.
func (c *credentials) learn(command int, said headers) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for prefix, h := range said {
		if c.said[command] == nil {
			c.said[command] = headers{}
		}
		c.said[command][authPrefix(prefix)] = h
		if len(h) == 0 {
			delete(c.said[command], authPrefix(prefix))
		}
	}
}

// askProgram runs a program of GOAUTH.
func askProgram(ctx context.Context, args []string, rawURL string, resp *http.Response) (headers, error) {
	if rawURL != "" {
		args = append(slices.Clone(args), rawURL)
	}
	var stdin bytes.Buffer
	if resp != nil {
		fmt.Fprintf(&stdin, "%s %s\n", resp.Proto, resp.Status)
		for name, values := range resp.Header {
			fmt.Fprintf(&stdin, "%s: %s\n", name, strings.Join(values, ", "))
		}
		stdin.WriteByte('\n')
	}
	out, err := output(ctx, "", &stdin, args)
	if err != nil {
		return nil, err
	}
	return parseAuth(out)
}

// askGit asks git's credential helpers.
func askGit(ctx context.Context, dir, rawURL string) (headers, error) {
	out, err := output(ctx, dir, strings.NewReader("url="+rawURL+"\n"), []string{"git", "credential", "fill"})
	if err != nil {
		return nil, err
	}
	var at url.URL
	var user, password string
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "protocol":
			at.Scheme = value
		case "host":
			at.Host = value
		case "path":
			at.Path = "/" + strings.TrimPrefix(value, "/")
		case "username":
			user = value
		case "password":
			password = value
		}
	}
	if at.Host == "" || !strings.HasPrefix(rawURL, at.String()) {
		return nil, errors.New("git has credentials for another URL than was asked for")
	}
	return headers{at.String(): basicAuth(user, password)}, nil
}

// output runs a program and returns what it prints. What goes wrong must not show what it printed: that is secret.
func output(ctx context.Context, dir string, stdin io.Reader, args []string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(childEnv(), "GIT_TERMINAL_PROMPT=0", "GCM_INTERACTIVE=never")
	cmd.Stdin = stdin
	cmd.WaitDelay = time.Second
	out := &limitedBuffer{max: maxAuthOutput}
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w", args[0], err)
	}
	return string(out.data), nil
}

// limitedBuffer takes a limited number of bytes.
type limitedBuffer struct {
	data []byte
	max  int
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if len(b.data)+len(p) > b.max {
		return 0, fmt.Errorf("more than %d bytes", b.max)
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

// parseAuth reads what a program of GOAUTH prints: groups of URLs, an empty line, headers, an empty line.
func parseAuth(out string) (headers, error) {
	all := headers{}
	for out != "" {
		var urls, lines []string
		var ok bool
		if urls, out, ok = paragraph(out); !ok {
			return nil, errors.New("no empty line after URLs")
		}
		if lines, out, ok = paragraph(out); !ok {
			return nil, errors.New("no empty line after headers")
		}
		h := http.Header{}
		for _, line := range lines {
			name, value, ok := strings.Cut(line, ": ")
			value = strings.TrimSpace(value)
			if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
				return nil, errors.New("a line that is no header")
			}
			h.Add(name, value)
		}
		for _, raw := range urls {
			u, err := url.ParseRequestURI(raw)
			if err != nil {
				return nil, errors.New("a line that is no URL")
			}
			all[u.String()] = h.Clone()
		}
	}
	return all, nil
}

// paragraph returns the lines up to an empty one, and what follows it.
func paragraph(s string) (lines []string, rest string, ok bool) {
	for {
		line, rest, ok := strings.Cut(s, "\n")
		if !ok {
			return nil, "", false
		}
		if line == "" {
			return lines, rest, true
		}
		lines, s = append(lines, line), rest
	}
}
