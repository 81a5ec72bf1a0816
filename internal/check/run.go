package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/msg"
)

// State is what became of a check, or of one finding of it.
type State string

// The states.
const (
	StateOK      State = "ok"
	StateInfo    State = "info"
	StateWarning State = "warning"
	StateError   State = "error"
	StateSkipped State = "skipped" // not looked at, or the consequence of something else; see Result.CausedBy
	StateUnknown State = "unknown" // could not be found out: a time limit, a crash, no permission
	StateKnown   State = "known"   // found, and declared as known
)

// Result is a check's outcome: one for each finding, or one that says there is none.
type Result struct {
	Check *Check
	State State
	// Finding is what was found; zero if the state is ok.
	Finding Finding
	// Reason says why the state is skipped, unknown or known.
	Reason msg.Text
	// CausedBy are the ids of the checks whose findings explain this one.
	CausedBy []string
	// Duration is how long the check took; it is that of the whole check for each of its results.
	Duration time.Duration
}

// Limit is how long a check may take if Options.Limit is 0. Checks compute; only a bug makes one slow.
const Limit = 5 * time.Second

// Options say how to run checks.
type Options struct {
	// Limit is the time each check may take; 0 means [Limit].
	Limit time.Duration
	// Known are findings that were declared as known.
	Known []Known
	// Baseline has findings of an earlier run, by [Identity]: they are known too.
	Baseline map[string]bool
	// Shown returns an object as it is shown, and so declared as known; nil means as it is.
	Shown func(object string) string
	// Now decides whether what is known has expired; zero means that nothing has.
	Now time.Time
}

// Known is a finding that somebody has declared as known.
type Known struct {
	ID     string
	Object string // empty: whatever the object is
	// Until is the day it expires; zero means never. The finding is still known on that day.
	Until  time.Time
	Reason string
	From   string // file:line of the declaration
}

// Identity names a finding across runs: the same check about the same object.
func Identity(id, object string) string { return id + "\x00" + object }

// Run runs those of checks that apply to the machine of f, all at once, and returns their results in the order of
// checks. A check that panics or exceeds its time is a result with the state unknown.
func Run(ctx context.Context, f *facts.Facts, checks []Check, o Options) []Result {
	if o.Limit == 0 {
		o.Limit = Limit
	}
	var applicable []*Check
	for i := range checks {
		if checks[i].AppliesTo(f) {
			applicable = append(applicable, &checks[i])
		}
	}
	outcomes := make([]outcome, len(applicable))
	var wg sync.WaitGroup
	for i, c := range applicable {
		wg.Go(func() { outcomes[i] = runOne(ctx, f, c, o.Limit) })
	}
	wg.Wait()
	found := map[string]*outcome{}
	for i := range outcomes {
		found[outcomes[i].check.ID] = &outcomes[i]
	}
	for i := range outcomes {
		outcomes[i].raiseCauses(found)
	}
	failed := failure(f)
	var results []Result
	for i := range outcomes {
		slices.SortStableFunc(outcomes[i].findings, order)
		results = append(results, outcomes[i].results(found, failed, o)...)
	}
	return results
}

// outcome is what one check returned.
type outcome struct {
	check    *Check
	findings []Finding
	failed   msg.Text // why there is none: a crash, the time limit
	took     time.Duration
}

// runOne runs one check, if what it looks at is known. One that exceeds its time is left behind: it is a pure function and ends with the program.
func runOne(ctx context.Context, f *facts.Facts, c *Check, limit time.Duration) outcome {
	for _, section := range c.Facts {
		if why := f.Unknown[section]; !why.IsZero() {
			return outcome{check: c, failed: why}
		}
	}
	done := make(chan outcome, 1)
	start := time.Now()
	go func() {
		out := outcome{check: c}
		defer func() {
			if p := recover(); p != nil {
				out.findings, out.failed = nil, msg.New("a bug in goready: %s", fmt.Sprint(p))
			}
			out.took = time.Since(start)
			done <- out
		}()
		out.findings = c.Run(f)
		for i := range out.findings {
			if out.findings[i].Severity == "" {
				out.findings[i].Severity = c.Severity
			}
		}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case out := <-done:
		return out
	case <-timer.C:
		return outcome{check: c, took: limit, failed: msg.New("it took longer than %s", limit.String())}
	case <-ctx.Done():
		return outcome{check: c, took: time.Since(start), failed: msg.New("interrupted")}
	}
}

// order puts what is worse first; otherwise findings stay as the check has them.
func order(a, b Finding) int { return cmp.Compare(a.rank(), b.rank()) }

func (f *Finding) rank() int {
	if !f.Unknown.IsZero() {
		return 3
	}
	return f.Severity.rank()
}

// results turns what a check returned into results, with regard to what the others found. failed is why there may be
// more to find, if that is so.
func (out *outcome) results(found map[string]*outcome, failed msg.Text, o Options) []Result {
	base := Result{Check: out.check, Duration: out.took}
	if !out.failed.IsZero() {
		base.State, base.Reason = StateUnknown, out.failed
		return []Result{base}
	}
	for _, id := range out.check.Needs {
		if need := found[id]; need != nil && need.broken() {
			base.State, base.CausedBy, base.Reason = StateSkipped, []string{id}, msg.New("caused by %s", id)
			return []Result{base}
		}
	}
	var results []Result
	for _, finding := range out.findings {
		results = append(results, out.result(finding, found, o))
	}
	if len(results) == 0 {
		base.State = StateOK
		if !failed.IsZero() {
			base.State, base.Reason = StateUnknown, failed
		}
		return []Result{base}
	}
	return results
}

// failure returns why a consumer of f could not be gathered, zero if all could: then what no check has found may yet be
// there.
func failure(f *facts.Facts) msg.Text {
	for i := range f.Consumers {
		if why := f.Consumers[i].Failed; !why.IsZero() {
			return why
		}
	}
	return msg.Text{}
}

// broken reports whether a check found an error.
func (out *outcome) broken() bool {
	return slices.ContainsFunc(out.findings, func(f Finding) bool {
		return f.Unknown.IsZero() && f.Severity == Error
	})
}

func (out *outcome) result(finding Finding, found map[string]*outcome, o Options) Result {
	r := Result{Check: out.check, Duration: out.took, Finding: finding, State: State(finding.Severity)}
	switch {
	case !finding.Unknown.IsZero():
		r.State, r.Reason = StateUnknown, finding.Unknown
		return r
	case finding.Severity != Info:
		if causes := out.causes(&finding, found, nil); len(causes) > 0 {
			r.State, r.CausedBy, r.Reason = StateSkipped, causes, msg.New("caused by %s", causes[0])
			return r
		}
	}
	r.State, r.Reason = o.known(out.check.ID, finding.Object, r.State)
	return r
}

// causes returns the ids of the checks whose findings explain a finding: the first causes, not what lies between.
func (out *outcome) causes(finding *Finding, found map[string]*outcome, seen []string) []string {
	var ids []string
	out.explained(finding, found, seen, func(before *outcome, cause *Finding, seen []string) {
		if deeper := before.causes(cause, found, seen); len(deeper) > 0 {
			ids = append(ids, deeper...)
		} else {
			ids = append(ids, before.check.ID)
		}
	})
	slices.Sort(ids)
	return slices.Compact(ids)
}

// raiseCauses makes each cause as bad as the worst of what follows from it: that is not reported besides.
func (out *outcome) raiseCauses(found map[string]*outcome) {
	for i := range out.findings {
		if f := &out.findings[i]; f.Unknown.IsZero() && f.Severity != Info {
			out.raise(f, f.Severity, found, nil)
		}
	}
}

func (out *outcome) raise(finding *Finding, to Severity, found map[string]*outcome, seen []string) {
	out.explained(finding, found, seen, func(before *outcome, cause *Finding, seen []string) {
		if to.rank() < cause.Severity.rank() {
			cause.Severity, cause.raised = to, true
		}
		before.raise(cause, to, found, seen)
	})
}

// explained calls f for each finding that explains a finding, with the checks that were seen on the way.
func (out *outcome) explained(finding *Finding, found map[string]*outcome, seen []string, f func(before *outcome, cause *Finding, seen []string)) {
	for _, id := range slices.Concat(out.check.After, out.check.AfterLine) {
		before := found[id]
		if before == nil || slices.Contains(seen, id) {
			continue
		}
		byObject := slices.Contains(out.check.After, id) && finding.Object != ""
		for i := range before.findings {
			cause := &before.findings[i]
			if cause.Unknown.IsZero() && cause.Severity != Info &&
				(byObject && cause.Object == finding.Object || cause.sharesPlace(finding)) {
				f(before, cause, append(slices.Clone(seen), id, out.check.ID))
			}
		}
	}
}

// sharesPlace reports whether two findings name the same line, or quote the same of no file.
func (f *Finding) sharesPlace(g *Finding) bool {
	for _, a := range f.Evidence {
		for _, b := range g.Evidence {
			if a.Path == b.Path && a.Line == b.Line && (a.Line > 0 || a.Text == b.Text) {
				return true
			}
		}
	}
	return false
}

// known says whether a finding was declared as known, and otherwise returns its state. What has expired is found again,
// unless another declaration still holds.
func (o *Options) known(id, object string, state State) (State, msg.Text) {
	if o.Shown != nil {
		object = o.Shown(object)
	}
	var expired msg.Text
	for _, k := range o.Known {
		switch {
		case k.ID != id || k.Object != "" && k.Object != object:
		case k.Until.IsZero():
			return StateKnown, msg.New("known (%s): %s", k.From, k.Reason)
		case o.Now.Before(k.Until.AddDate(0, 0, 1)):
			return StateKnown, msg.New("known until %s (%s): %s", k.Until.Format(time.DateOnly), k.From, k.Reason)
		case expired.IsZero():
			expired = msg.New("it was known until %s (%s)", k.Until.Format(time.DateOnly), k.From)
		}
	}
	if o.Baseline[Identity(id, object)] {
		return StateKnown, msg.New("it is in the baseline")
	}
	return state, expired
}
