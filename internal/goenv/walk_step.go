package goenv

import (
	"strings"

	"github.com/goready/goready/internal/msg"
)

// proxyWalker walks the entries of a GOPROXY list for one module.
type proxyWalker struct {
	in      WalkInput
	list    []ProxyEntry
	answers []Answer // one for each entry
	unused  []string
	private bool // the module matches GONOPROXY; false for the checksum database
	vcs     *VCSDecision
	sumdb   SumDBDecision
	// database, if not "", makes it a walk for the checksum database of that name.
	database string
}

func newProxyWalker(in WalkInput, list []ProxyEntry) *proxyWalker {
	s := &proxyWalker{in: in, list: list}
	s.answers, s.unused = in.Answers.forList(list)
	_, s.private = MatchPattern(in.GONOPROXY, in.Module)
	for _, e := range list {
		if s.fetchesVCS(e) {
			d := DecideVCS(in)
			s.vcs = &d
			break
		}
	}
	return s
}

// fetchesVCS reports whether e leads to version control: cmd/go/internal/modfetch.lookup.
func (s *proxyWalker) fetchesVCS(e ProxyEntry) bool {
	return s.database == "" && (e.URL == ProxyDirect || e.URL == ProxyNone && s.private)
}

// proxyReply is what an entry comes to for one file.
type proxyReply struct {
	outcome  WalkOutcome // served, blocks, unknown, skipped (failed without being asked), or stop (failed)
	why      msg.Text
	err      string
	notFound bool // goes on to the next entry in any case
	fatal    bool // ends the go command itself, whatever the separator
	final    bool // the last entry by its nature: why says enough
	direct   bool // an error from version control, which Go reports before all others
	requests []string
}

// run walks once for every file until one of the walks fails.
func (s *proxyWalker) run(w *Walk) {
	w.Steps = make([]WalkStep, len(s.list))
	for i, e := range s.list {
		w.Steps[i].Entry = e
	}
	for _, file := range walkFiles(s.in) {
		end := s.walk(file, w.Steps)
		w.Err, w.Blocks, w.Depends = end.failure.err, end.blocks, end.depends
		if end.servedBy < 0 {
			w.Served = ""
			break
		}
		if file == ".zip" {
			if err := s.zipError(end.servedBy); err != "" {
				w.Err, w.Served = err, ""
				break
			}
		}
		w.Served = s.servedName(end.servedBy)
	}
	for i := range w.Steps {
		s.finish(&w.Steps[i], s.answers[i])
	}
}

func (s *proxyWalker) servedName(i int) string {
	if e := s.list[i]; e.IsURL() {
		return e.Redacted()
	}
	return ProxyDirect
}

// zipError returns the error of a .zip that cannot be used. Go looks into it only after the walk, so nothing falls back.
func (s *proxyWalker) zipError(i int) string {
	if k := s.answers[i].Kind; s.list[i].IsURL() && (k == AnswerHTML || k == AnswerEmpty) {
		return "zip: not a valid zip file"
	}
	if s.sumdb.Used && s.sumdb.Err != "" {
		return "verifying module: " + s.sumDBError("") // only toolchains come here, whose go.mod is not asked for
	}
	return ""
}

// finish sums up a step after the last walk.
func (s *proxyWalker) finish(step *WalkStep, a Answer) {
	step.Asked = len(step.Requests) > 0
	if step.Asked {
		step.Answer = a
	}
	for _, f := range step.Files {
		if step.Outcome == "" || step.Outcome == WalkSkipped && f.Outcome != WalkSkipped {
			step.Outcome, step.Why, step.Err = f.Outcome, f.Why, f.Err
		}
	}
	if step.Outcome == "" {
		step.Outcome, step.Why = WalkSkipped, msg.New("the walk ends before this entry")
	}
	if step.Asked && !strings.HasPrefix(step.Requests[0], "file:") {
		step.HTTPProxy = s.in.Proxy.Decide(step.Requests[0])
	}
}

// walkEnd is how the walk for one file ends.
type walkEnd struct {
	servedBy int        // index of the entry, or -1
	failure  proxyReply // the failure that Go reports
	blocks   bool
	depends  bool
}

// walk asks the entries for one file, in order, and records in steps what becomes of each: TryProxies.
func (s *proxyWalker) walk(file string, steps []WalkStep) walkEnd {
	best := proxyReply{notFound: true}
	for i, e := range s.list {
		r := s.reply(i, file)
		if !s.fetchesVCS(e) || len(steps[i].Requests) == 0 { // version control is looked up once for all files
			steps[i].Requests = append(steps[i].Requests, r.requests...)
		}
		switch r.outcome {
		case WalkServed:
			steps[i].record(file, r)
			return walkEnd{servedBy: i}
		case WalkBlocks:
			steps[i].record(file, r)
			return walkEnd{servedBy: -1, blocks: true}
		case WalkUnknown:
			s.describeRest(i, file, steps)
			return walkEnd{servedBy: -1, depends: true}
		}
		best = betterFailure(best, r)
		stop := r.fatal || !e.Pipe && !r.notFound
		steps[i].record(file, r.after(e.Pipe, stop, i == len(s.list)-1))
		if stop {
			break
		}
	}
	return walkEnd{servedBy: -1, failure: best}
}

// after returns the reply that failed with what comes of that at its place in the list.
func (r proxyReply) after(pipe, stop, last bool) proxyReply {
	if r.outcome != WalkStop || r.fatal || r.final {
		return r
	}
	switch {
	case last:
		r.why = msg.New("%s, and no entry is left", r.why)
	case stop:
		r.why = msg.New("%s, and after a comma only 404 and 410 go on", r.why)
	case r.notFound:
		r.outcome, r.why = WalkNext, msg.New("%s, so the next entry is asked", r.why)
	case pipe:
		r.outcome, r.why = WalkNext, msg.New("%s, and after | any failure goes on", r.why)
	}
	return r
}

// betterFailure returns which of two failures Go reports: those of version control before those of proxies, and these
// before "not found"; of equal ones the later, except that the first of several "not found" gives way too.
func betterFailure(best, r proxyReply) proxyReply {
	switch {
	case r.fatal || r.direct:
		return r
	case best.direct:
		return best
	case !r.notFound || best.notFound:
		return r
	}
	return best
}

func (step *WalkStep) record(file string, r proxyReply) {
	step.Files = append(step.Files, WalkFile{Name: file, Outcome: r.outcome, Why: r.why, Err: r.err})
}

// describeRest records, from the entry i on, whose answer is not known, what each class of answer would lead to.
func (s *proxyWalker) describeRest(i int, file string, steps []WalkStep) {
	for ; i < len(s.list); i++ {
		e := s.list[i]
		r := proxyReply{outcome: WalkUnknown}
		next := s.nextAsked(i)
		switch {
		case !s.asked(e):
			r = s.reply(i, file)
			if e.URL == ProxyOff {
				r.outcome = WalkUnknown
			}
		case next == "":
			r.why = msg.New("any failure is final")
		case e.Pipe:
			r.why = msg.New("any failure goes on to %s", next)
		default:
			r.why = msg.New("404 and 410 go on to %s; any other failure is final", next)
		}
		steps[i].record(file, r)
	}
}

// asked reports whether the walk sends anything to e, if it comes there.
func (s *proxyWalker) asked(e ProxyEntry) bool {
	return s.fetchesVCS(e) || e.IsURL() && !s.private
}

// nextAsked returns the name of the entry to which a failure of the entry i leads, "" if none follows.
func (s *proxyWalker) nextAsked(i int) string {
	for _, e := range s.list[i+1:] {
		if s.asked(e) || e.URL == ProxyOff && !s.private {
			return e.Redacted()
		}
	}
	return ""
}

// errTextProxyOff is cmd/go/internal/modfetch.errProxyOff.
const errTextProxyOff = "module lookup disabled by GOPROXY=off"

// reply says what the entry i comes to for a file: cmd/go/internal/modfetch.lookup and the requests behind it.
func (s *proxyWalker) reply(i int, file string) proxyReply {
	e := s.list[i]
	switch {
	case s.fetchesVCS(e):
		return s.vcsReply(s.answers[i], file)
	case e.URL == ProxyNone:
		return proxyReply{outcome: WalkSkipped, notFound: true, err: "path does not match GOPRIVATE/GONOPROXY",
			why: msg.New("the module matches no pattern of GONOPROXY")}
	case s.private:
		return proxyReply{outcome: WalkSkipped, notFound: true, err: "disabled by GOPRIVATE/GONOPROXY",
			why: msg.New("the module matches GONOPROXY, so no proxy is asked")}
	case e.URL == ProxyDirect: // for the checksum database
		return proxyReply{outcome: WalkStop, notFound: true, direct: true, final: true, err: errTextProxyOff,
			why: msg.New("direct ends the list: the checksum database itself is asked")}
	case e.URL == ProxyOff:
		return proxyReply{outcome: WalkStop, notFound: true, final: true, err: errTextProxyOff,
			why: msg.New("off ends the list: nothing is downloaded")}
	}
	r := s.urlReply(e, s.answers[i], file)
	if s.repeated(i, file) {
		r.requests = nil
	}
	return r
}
