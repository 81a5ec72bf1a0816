package explain

import (
	"fmt"
	"strings"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Module explains where a module comes from.
type Module struct {
	Path   string  `json:"path"`
	Routes []Route `json:"routes"`
}

// Route is the way to a module for consumers that agree in every variable that decides it.
type Route struct {
	Consumers []string `json:"consumers"`
	// Variables are the values that decide, as `go env` prints them.
	Variables map[string]string `json:"variables"`
	Unknown   msg.Text          `json:"unknown,omitzero"` // why the way cannot be told
	Steps     []RouteStep       `json:"steps"`
	Served    string            `json:"served,omitempty"`
	Error     string            `json:"error,omitempty"` // in the go command's own words
	Blocks    bool              `json:"blocks,omitempty"`
	Depends   bool              `json:"depends,omitempty"`   // on answers that were not given
	Private   string            `json:"private,omitempty"`   // the pattern that sends it to version control
	PrivateBy string            `json:"privateBy,omitempty"` // the variable that has the pattern
	SumDB     msg.Text          `json:"sumdb"`
	walk      goenv.Walk
}

// RouteStep is one entry of the proxy list.
type RouteStep struct {
	Entry     string            `json:"entry"`
	Separator string            `json:"separator,omitempty"` // after it: "," or "|"
	Asked     bool              `json:"asked"`
	Outcome   goenv.WalkOutcome `json:"outcome"`
	Why       msg.Text          `json:"why"`
	Requests  []string          `json:"requests,omitempty"`
	HTTPProxy string            `json:"httpProxy,omitempty"` // "direct", the proxy's URL, or empty if nothing is sent
	ProxyWhy  msg.Text          `json:"httpProxyWhy,omitzero"`
}

// RouteVariables returns the variables that decide where a module comes from.
func RouteVariables() []string {
	return []string{"GOPROXY", "GONOPROXY", "GONOSUMDB", "GOPRIVATE", "GOINSECURE", "GOSUMDB", "GOVCS", "GOAUTH"}
}

// proxyVariables are those of the process environment that decide how a request travels.
var proxyVariables = [...]string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "REQUEST_METHOD"}

// Modules explains the proxy list for a module, "path" or "path@version", given what the entries answer.
func Modules(f *facts.Facts, spec, answers string) ([]Module, error) {
	path, version, _ := strings.Cut(spec, "@")
	given, err := goenv.ParseAnswers(answers)
	if err != nil {
		return nil, fmt.Errorf("--answers: %w", err)
	}
	if err := module.CheckPath(path); err != nil {
		return nil, fmt.Errorf("--module: %w", err)
	}
	m := Module{Path: path, Routes: []Route{}}
	index := map[string]int{}
	for i := range f.Consumers {
		c := &f.Consumers[i]
		if !c.Absent.IsZero() {
			continue
		}
		in, vars, derived, unknown := walkInput(f, c)
		in.Module, in.Version, in.Answers = path, version, given
		key := fmt.Sprint(vars, unknown.String())
		if at, ok := index[key]; ok {
			m.Routes[at].Consumers = append(m.Routes[at].Consumers, c.ID)
			continue
		}
		index[key] = len(m.Routes)
		r := route(in, vars, unknown)
		if r.PrivateBy != "" && derived[r.PrivateBy] {
			r.PrivateBy = "GOPRIVATE"
		}
		r.Consumers = []string{c.ID}
		m.Routes = append(m.Routes, r)
	}
	return []Module{m}, nil
}

// walkInput resolves what decides the way to a module for one consumer.
func walkInput(f *facts.Facts, c *facts.Consumer) (in goenv.WalkInput, vars map[string]string, derived map[string]bool, unknown msg.Text) {
	vars, derived = map[string]string{}, map[string]bool{}
	for _, name := range RouteVariables() {
		d := Decide(f, c, name)
		vars[name] = d.Value
		if w, ok := d.Winner(); ok && w.Layer == layer.GoDerived {
			derived[name] = true
		}
		if d.State == Unknown && unknown.IsZero() {
			unknown = msg.New("%s is unknown: %s", name, d.Reason)
		}
	}
	for _, name := range proxyVariables {
		v, ok, why := c.Env.Lookup(name)
		if !why.IsZero() && unknown.IsZero() {
			unknown = msg.New("%s is unknown: %s", name, why)
		}
		if ok && v != "" {
			vars[name] = v
		}
	}
	return goenv.WalkInput{
		Platform: f.Platform,
		GOPROXY:  vars["GOPROXY"], GONOPROXY: vars["GONOPROXY"], GONOSUMDB: vars["GONOSUMDB"], GOPRIVATE: vars["GOPRIVATE"],
		GOINSECURE: vars["GOINSECURE"], GOSUMDB: vars["GOSUMDB"], GOVCS: vars["GOVCS"], GOAUTH: vars["GOAUTH"],
		Proxy: goenv.HTTPProxyFromEnv(c.Env.Get),
	}, vars, derived, unknown
}

func route(in goenv.WalkInput, vars map[string]string, unknown msg.Text) Route {
	r := Route{Variables: vars, Unknown: unknown, Steps: []RouteStep{}}
	if !unknown.IsZero() {
		return r
	}
	r.walk = goenv.SimulateWalk(in)
	w := &r.walk
	r.Served, r.Error, r.Blocks, r.Depends = w.Served, w.Err, w.Blocks, w.Depends
	r.Private, r.PrivateBy = w.Private.Pattern, w.Private.Variable
	r.SumDB = w.SumDB.Why
	for _, s := range w.Steps {
		step := RouteStep{Entry: s.Entry.Redacted(), Asked: s.Asked, Outcome: s.Outcome, Why: s.Why, Requests: s.Requests,
			HTTPProxy: travel(s.HTTPProxy), ProxyWhy: s.HTTPProxy.Why}
		if s.Entry.IsURL() {
			step.Separator = ","
			if s.Entry.Pipe {
				step.Separator = "|"
			}
		}
		r.Steps = append(r.Steps, step)
	}
	return r
}

// travel says how a request travels: "direct", by the URL of a proxy, or not at all.
func travel(d goenv.ProxyDecision) string {
	switch {
	case d.Err != "":
		return d.Err
	case d.Direct:
		return "direct"
	}
	return d.Proxy
}

// Line is a line of text with its indentation.
type Line struct {
	Indent int
	Text   msg.Text
}

// Lines returns r in words; verbose adds the requests.
func (r *Route) Lines(verbose bool) []Line {
	if !r.Unknown.IsZero() {
		return []Line{{0, msg.New("the way cannot be told: %s", r.Unknown)}}
	}
	var lines []Line
	add := func(indent int, t msg.Text) {
		if !t.IsZero() {
			lines = append(lines, Line{indent, t})
		}
	}
	if r.Private != "" {
		add(0, msg.New("it matches %q of %s, so it comes from version control", r.Private, r.PrivateBy))
	}
	n := 0
	for _, s := range r.Steps {
		if s.Entry == goenv.ProxyNone && s.Outcome == goenv.WalkNext {
			continue
		}
		n++
		if s.Entry == goenv.ProxyNone {
			add(0, msg.New("%d. version control, before the list", n))
		} else {
			add(0, msg.New("%d. %s", n, s.Entry))
		}
		add(2, s.Why)
		if s.Asked && s.HTTPProxy != "" {
			add(2, msg.New("the request travels: %s (%s)", s.HTTPProxy, s.ProxyWhy))
		}
		if verbose {
			for _, q := range s.Requests {
				add(2, msg.New("asks %s", q))
			}
		}
	}
	add(0, r.end())
	add(0, r.SumDB)
	return lines
}

func (r *Route) end() msg.Text {
	switch {
	case r.Error != "":
		return msg.New("it fails: %s", r.Error)
	case r.Blocks:
		return msg.New("the go command waits for ever: it has no time limit of its own")
	case r.Served != "":
		return msg.New("it comes from %s", r.Served)
	}
	return msg.Text{}
}

// URL explains how a request for a URL travels.
type URL struct {
	URL    string     `json:"url"`
	Routes []URLRoute `json:"routes"`
}

// URLRoute is the way of a request for consumers that agree in it.
type URLRoute struct {
	Consumers []string `json:"consumers"`
	Direct    bool     `json:"direct"`
	Proxy     string   `json:"proxy,omitempty"`
	Variable  string   `json:"variable,omitempty"`
	Rule      string   `json:"rule,omitempty"`
	Error     string   `json:"error,omitempty"`
	Unknown   bool     `json:"unknown,omitempty"`
	Why       msg.Text `json:"why"`
}

// Answer returns the way in words.
func (r *URLRoute) Answer() msg.Text {
	switch {
	case r.Unknown:
		return msg.New("(unknown)")
	case r.Error != "":
		return msg.New("fails: %s", r.Error)
	case r.Direct:
		return msg.New("direct, without an HTTP proxy")
	}
	return msg.New("through %s", r.Proxy)
}

// URLs explains which HTTP proxy requests for the URLs take.
func URLs(f *facts.Facts, urls []string) ([]URL, error) {
	var out []URL
	for _, raw := range urls {
		if !strings.Contains(raw, "://") {
			return nil, fmt.Errorf("--url: %q is not a URL with a scheme", raw)
		}
		u := URL{URL: raw, Routes: []URLRoute{}}
		for i := range f.Consumers {
			c := &f.Consumers[i]
			if c.Absent.IsZero() {
				u.add(c.ID, urlRoute(c, raw))
			}
		}
		out = append(out, u)
	}
	return out, nil
}

func (u *URL) add(id string, r URLRoute) {
	for i := range u.Routes {
		x := &u.Routes[i]
		if x.Direct == r.Direct && x.Proxy == r.Proxy && x.Error == r.Error && x.Why.String() == r.Why.String() {
			x.Consumers = append(x.Consumers, id)
			return
		}
	}
	r.Consumers = []string{id}
	u.Routes = append(u.Routes, r)
}

func urlRoute(c *facts.Consumer, raw string) URLRoute {
	for _, name := range proxyVariables {
		if _, _, unknown := c.Env.Lookup(name); !unknown.IsZero() {
			return URLRoute{Unknown: true, Why: msg.New("%s is unknown: %s", name, unknown)}
		}
	}
	d := goenv.HTTPProxyFromEnv(c.Env.Get).Decide(raw)
	return URLRoute{Direct: d.Direct, Proxy: d.Proxy, Variable: d.Variable, Rule: d.Rule, Error: d.Err, Why: d.Why}
}
