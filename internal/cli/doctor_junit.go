package cli

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/goready/goready/internal/check"
)

// The elements of a JUnit report, as docs/schema/junit.xsd has them.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
		seconds  float64
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		ClassName string        `xml:"classname,attr"`
		Time      string        `xml:"time,attr"`
		Skipped   *junitOutcome `xml:"skipped"`
		Error     *junitOutcome `xml:"error"`
		Failure   *junitOutcome `xml:"failure"`
		SystemOut *junitText    `xml:"system-out"`
	}
	junitOutcome struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
	junitText struct {
		Text string `xml:",chardata"`
	}
)

// doctorJUnit prints a diagnosis as a JUnit report: a case for each check, a suite for each category. A case fails if
// the check found something that makes goready's exit status 1, and is an error if it could not look; what else was
// found is in its output.
func (a *app) doctorJUnit(d *diagnosis) error {
	p, err := a.plain(d)
	if err != nil {
		return err
	}
	all := junitSuites{Name: "goready doctor"}
	for _, results := range byCheck(d.results) {
		c := results[0].Check
		if n := len(all.Suites); n == 0 || all.Suites[n-1].Name != c.Category() {
			all.Suites = append(all.Suites, junitSuite{Name: c.Category()})
		}
		all.Suites[len(all.Suites)-1].add(p.junitCase(d, results), results[0].Duration.Seconds())
	}
	seconds := 0.0
	for i := range all.Suites {
		s := &all.Suites[i]
		s.Time = junitTime(s.seconds)
		all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors
		seconds += s.seconds
	}
	all.Time = junitTime(seconds)
	out, err := xml.MarshalIndent(all, "", " ")
	if err != nil {
		return fmt.Errorf("cannot write XML: %w", err)
	}
	// Attributes are of one line, so that what was a line break is one in text, where it need not be escaped.
	fmt.Fprintf(&a.out, "%s%s\n", xml.Header, bytes.ReplaceAll(out, []byte("&#xA;"), []byte("\n")))
	return nil
}

func junitTime(seconds float64) string { return fmt.Sprintf("%.3f", seconds) }

func (s *junitSuite) add(c junitCase, seconds float64) {
	c.Time = junitTime(seconds)
	s.seconds += seconds
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

// byCheck returns results in groups, one for each check.
func byCheck(results []check.Result) [][]*check.Result {
	var out [][]*check.Result
	for i := range results {
		r := &results[i]
		if n := len(out); n > 0 && out[n-1][0].Check.ID == r.Check.ID {
			out[n-1] = append(out[n-1], r)
			continue
		}
		out = append(out, []*check.Result{r})
	}
	return out
}

// junitCase returns the case of a check with its results. Of several outcomes it has the worst: readers expect one.
func (p plain) junitCase(d *diagnosis, results []*check.Result) junitCase {
	c := junitCase{Name: results[0].Check.ID, ClassName: "goready." + results[0].Check.Category()}
	var failures, unknown, skipped, output []*check.Result
	for _, r := range results {
		switch {
		case d.fails(r):
			failures = append(failures, r)
		case r.State == check.StateUnknown:
			unknown = append(unknown, r)
		case r.State == check.StateSkipped:
			skipped = append(skipped, r)
		case r.State != check.StateOK && d.shown(r):
			output = append(output, r)
		}
	}
	switch {
	case len(failures) > 0:
		c.Failure = p.junitOutcome(failures, string(failures[0].State))
		output = append(append(unknown, skipped...), output...)
	case len(unknown) > 0:
		c.Error = p.junitOutcome(unknown, string(check.StateUnknown))
		output = append(skipped, output...)
	case len(skipped) == len(results):
		c.Skipped = &junitOutcome{Message: p.t(skipped[0].Reason)}
	default:
		output = append(skipped, output...)
	}
	if len(output) > 0 {
		c.SystemOut = &junitText{p.texts(output)}
	}
	return c
}

func (p plain) junitOutcome(results []*check.Result, typ string) *junitOutcome {
	return &junitOutcome{Message: p.message(results[0]), Type: typ, Text: "\n" + p.texts(results)}
}

// texts writes results one after the other, each with its state.
func (p plain) texts(results []*check.Result) string {
	var b strings.Builder
	for _, r := range results {
		b.WriteString(string(r.State) + ": " + strings.ReplaceAll(p.whole(r), "\n", "\n  ") + "\n")
	}
	return b.String()
}
