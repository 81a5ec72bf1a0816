package check

import (
	"go/version"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/msg"
)

// goRelease is the month in which a minor version of Go 1 came out.
type goRelease struct {
	minor int
	month string
}

// goReleases are the versions that existed on tableDate. Go supports the last two: an older one gets no security fixes.
var goReleases = []goRelease{{18, "2022-03"}, {19, "2022-08"}, {20, "2023-02"}, {21, "2023-08"}, {22, "2024-02"}, {23, "2024-08"},
	{24, "2025-02"}, {25, "2025-08"}, {26, "2026-02"}, {27, "2026-08"}}

const (
	tableDate = "2026-11-25"
	supported = 2
	// oldestUsable is the first version that reads today's go.mod files and can fetch another toolchain.
	oldestUsable = "go1.21"
)

// newestMinor returns the newest minor version that is known, and the one to expect at a time: since 2023 there is one
// each February and August.
func newestMinor(now time.Time) (known, expected int) {
	last := goReleases[len(goReleases)-1]
	known, expected = last.minor, last.minor
	month, err := time.Parse("2006-01", last.month)
	if err == nil && now.After(month) {
		expected += ((now.Year()-month.Year())*12 + int(now.Month()) - int(month.Month())) / 6
	}
	return known, expected
}

// minorOf returns N of go1.N; -1 if the version is not of that form.
func minorOf(v string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(version.Lang(v), "go1."))
	if err != nil {
		return -1
	}
	return n
}

// usedPrograms returns the go commands that a developer runs, each once.
func usedPrograms(t *facts.Toolchain) []int {
	var list []int
	for i := range t.Uses {
		if u := &t.Uses[i]; u.Runs >= 0 && facts.ForDevelopers(u.Consumer) && !slices.Contains(list, u.Runs) && !hasRoot(t, list, u.Runs) {
			list = append(list, u.Runs)
		}
	}
	return list
}

// versionAge reports versions that get no security fixes any more, and builds that are older than a year.
func versionAge(f *facts.Facts, t *facts.Toolchain) []Finding {
	var findings []Finding
	known, expected := newestMinor(f.Now)
	for _, i := range usedPrograms(t) {
		p := &t.Commands[i]
		v := versionOf(p.SDK)
		minor := minorOf(v)
		finding := Finding{Object: p.SDK.Root, Evidence: []Evidence{row(p, users(t, i))},
			Cause: msg.New("programs built with it have the faults of its standard library that were found since"),
			Steps: []Step{{Text: msg.New("install a newer Go")}}}
		switch {
		case v == "" || minor < 0 || version.Compare(v, oldestUsable) < 0: // go.version-min says more
			continue
		case minor <= known-supported:
			finding.Message = say("go.version-age.unsupported", "version date oldest newest",
				msg.New("%s gets no security fixes any more: on %s, only %s and %s did", v, tableDate, lang(known-1), lang(known)))
		case minor <= expected-supported:
			finding.Message = say("go.version-age.probably", "version date expected",
				msg.New("%s probably gets no security fixes any more: goready knows releases until %s, and by now there should be %s", v, tableDate, lang(expected)))
		case !p.Time.IsZero() && !f.Now.IsZero() && f.Now.Sub(p.Time) > 366*24*time.Hour:
			finding.Message = say("go.version-age.year", "version date", msg.New("%s was made on %s; there are newer releases of it with security fixes", v, p.Time.Format(time.DateOnly)))
		default:
			continue
		}
		findings = append(findings, finding)
	}
	return findings
}

func lang(minor int) string { return "go1." + strconv.Itoa(minor) }

// versionMin reports a Go that cannot work with today's modules.
func versionMin(f *facts.Facts, t *facts.Toolchain) []Finding {
	var findings []Finding
	for _, i := range usedPrograms(t) {
		p := &t.Commands[i]
		v := versionOf(p.SDK)
		if v == "" || version.Compare(v, oldestUsable) >= 0 {
			continue
		}
		finding := Finding{Object: theGo, Consumers: users(t, i), Evidence: []Evidence{row(p, nil)},
			Message: say("go.version-min.old", "path version origin", msg.New("%s is %s, from %s: too old for today's modules", p.Path, v, originText(p.Origin))),
			Cause:   msg.New("it stops at lines such as \"go 1.23.0\" or \"toolchain\" in go.mod, cannot fetch a newer toolchain, and cannot install gopls")}
		finding.Evidence = append(finding.Evidence, entryEvidence(f, p.Path, finding.Consumers)...)
		if better := newest(t, oldestUsable, nil); better != nil {
			finding.Evidence = append(finding.Evidence, row(better, nil))
			finding.Steps = []Step{{Text: msg.New("put %s (%s), which is here, first on PATH", better.Path, shownVersion(better.SDK)), Command: pathCommand(f, f.Platform.Dir(better.Path))}}
		} else {
			finding.Steps = installSteps(f, t)
		}
		findings = append(findings, finding)
	}
	return findings
}
