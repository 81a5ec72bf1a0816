package goenv

import (
	"cmp"
	"net/url"

	"golang.org/x/mod/module"

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

// RouteSumDB says how the go command reaches the checksum database that in.GOSUMDB names, as
// cmd/go/internal/modfetch.dbClient.initBase does: once per process, without regard to the module.
func RouteSumDB(in WalkInput) SumDBRoute {
	db, err := ParseSumDB(in.GOSUMDB)
	switch {
	case err != nil:
		return SumDBRoute{Err: err.Error()}
	case db.Off:
		return SumDBRoute{Err: errTextSumDBOff}
	case db.URL != "":
		r := SumDBRoute{Why: msg.New("GOSUMDB names the URL, so GOPROXY is not asked")}
		u, err := url.Parse(db.URL)
		if err == nil && u.Scheme == "" {
			u, err = url.Parse("https://" + db.URL) // what cmd/go/internal/web.Get makes of it
		}
		if err != nil {
			r.Err = redactURLError(err).Error()
			return r
		}
		r.lookup(in, u, in.SumDBLookup)
		return r
	}
	list, err := ParseProxyList(in.GOPROXY, in.GONOPROXY, in.Platform)
	if err != nil {
		return SumDBRoute{Err: err.Error()}
	}
	s := &proxyWalker{in: in, list: list, database: db.Name}
	s.answers, _ = in.Answers.forList(list)
	own, _ := in.SumDBAnswers.forList(list)
	for i, a := range own {
		if !a.IsZero() {
			s.answers[i] = a
		}
	}
	return s.routeSumDB()
}

// routeSumDB asks the entries of the list.
func (s *proxyWalker) routeSumDB() SumDBRoute {
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
		r.Why = msg.New("%s carries the checksum database, so nothing else is asked for it", e.Redacted())
		answer := s.in.SumDBLookup
		if k := s.answers[end.servedBy].Kind; answer.IsZero() && k != AnswerOK {
			answer = Answer{Kind: k} // a captive portal answers everything
		}
		r.lookup(s.in, joinURLPath(u, "sumdb/"+s.database), answer)
	case end.failure.notFound:
		r.Direct = true
		r.Why = msg.New("no entry of GOPROXY carries the checksum database, so it is asked itself")
		direct, err := url.Parse("https://" + s.database)
		if err != nil {
			break // unreachable: ParseSumDB parsed it
		}
		r.lookup(s.in, direct, s.in.SumDBLookup)
	default:
		r.Err = end.failure.err
		r.Why = msg.New("an entry of GOPROXY fails when asked for the checksum database, and nothing else is asked")
	}
	return r
}

// lookup adds what becomes of a lookup below base: cmd/go/internal/modfetch.dbClient.ReadRemote.
func (r *SumDBRoute) lookup(in WalkInput, base *url.URL, a Answer) {
	r.Base = base.Redacted()
	escaped, err := module.EscapePath(in.Module)
	if err != nil {
		return // Go says so before it comes here.
	}
	u := joinURLPath(base, "lookup/"+escaped+"@"+cmp.Or(in.Version, unknownVersion))
	r.HTTPProxy = in.Proxy.Decide(u.String())
	switch a.Kind {
	case "", AnswerOK:
	case AnswerSilent:
		r.Blocks = true
	case AnswerHTML, AnswerEmpty:
		r.Err = "malformed record data"
	default:
		r.Err = answerError(u, a, in)
	}
}
