package goenv

import (
	"net/url"
	"slices"

	"github.com/goready/goready/internal/msg"
)

// SumDBRoute is how the checksum database is reached.
type SumDBRoute struct {
	// Base is the URL, password masked, below which lookups are asked; "" if none is found.
	Base string
	// Steps are the entries of GOPROXY asked whether they carry the database; none if GOSUMDB has a URL.
	Steps []WalkStep
	// Direct: the database itself is asked, because no entry carries it.
	Direct  bool
	Blocks  bool
	Depends bool // the route depends on answers that were not given
	// HTTPProxy is the way of the lookups.
	HTTPProxy ProxyDecision
	Why       msg.Text
	// Err is, in Go's own words, why lookups fail.
	Err string
}

// SumDBInput is what decides how a checksum database is reached.
type SumDBInput struct {
	// Walk has GOPROXY, GONOPROXY and GOSUMDB; its Answers are those to "<proxy>/sumdb/<name>/supported".
	Walk WalkInput
	// Lookup is the answer to the lookup itself, at whatever place it is asked.
	Lookup Answer
}

// RouteSumDB says how the go command reaches the checksum database, as cmd/go/internal/modfetch.dbClient.initBase
// does: once per process, without regard to the module.
func RouteSumDB(in SumDBInput) SumDBRoute {
	db, err := ParseSumDB(in.Walk.GOSUMDB)
	switch {
	case err != nil:
		return SumDBRoute{Err: err.Error()}
	case db.Off:
		return SumDBRoute{Err: "checksum database disabled by GOSUMDB=off"}
	case db.URL != "":
		r := SumDBRoute{Base: redactURLText(db.URL), Why: msg.New("GOSUMDB names the URL, so GOPROXY is not asked")}
		r.lookup(in, db.URL)
		return r
	}
	list, err := ParseProxyList(in.Walk.GOPROXY, in.Walk.GONOPROXY, in.Walk.Platform)
	if err != nil {
		return SumDBRoute{Err: err.Error()}
	}
	s := &proxyWalker{in: in.Walk, list: list, database: db.Name}
	s.answers, _ = in.Walk.Answers.forList(list)
	return s.routeSumDB(in)
}

// routeSumDB asks the entries of the list.
func (s *proxyWalker) routeSumDB(in SumDBInput) SumDBRoute {
	r := SumDBRoute{Steps: make([]WalkStep, len(s.list))}
	for i, e := range s.list {
		r.Steps[i].Entry = e
	}
	end := s.walk("supported", r.Steps)
	for i := range r.Steps {
		s.finish(&r.Steps[i], s.answers[i])
	}
	r.Blocks, r.Depends = end.blocks, end.depends
	switch {
	case end.blocks || end.depends:
	case end.servedBy >= 0:
		e := s.list[end.servedBy]
		u, err := url.Parse(e.URL)
		if err != nil {
			break // unreachable: ParseProxyList parsed it
		}
		base := joinURLPath(u, "sumdb/"+s.database)
		r.Base = base.Redacted()
		r.Why = msg.New("%s carries the checksum database, so nothing else is asked for it", e.Redacted())
		if k := s.answers[end.servedBy].Kind; in.Lookup.IsZero() && k != AnswerOK {
			in.Lookup = Answer{Kind: k}
		}
		r.lookup(in, base.String())
	case end.failure.notFound:
		r.Base, r.Direct = "https://"+s.database, true
		r.Why = msg.New("no entry of GOPROXY carries the checksum database, so it is asked itself")
		r.lookup(in, r.Base)
	default:
		r.Err = end.failure.err
		r.Why = msg.New("an entry of GOPROXY fails when asked for the checksum database, and nothing else is asked")
	}
	return r
}

// lookup adds what becomes of a lookup below base.
func (r *SumDBRoute) lookup(in SumDBInput, base string) {
	r.HTTPProxy = in.Walk.Proxy.Decide(base + "/lookup")
	u, err := url.Parse(base + "/lookup")
	switch {
	case err != nil || in.Lookup.IsZero() || in.Lookup.Kind == AnswerOK:
	case in.Lookup.Kind == AnswerSilent:
		r.Blocks = true
	case slices.Contains([]AnswerKind{AnswerHTML, AnswerEmpty}, in.Lookup.Kind):
		r.Err = "malformed record data"
	default:
		r.Err = answerError(u, in.Lookup, in.Walk)
	}
}
