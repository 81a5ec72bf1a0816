package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/local"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/team"
)

// wishes are what flags and goready.toml say about a run of the doctor. Flags come first.
type wishes struct {
	severity check.Severity // what is printed; empty: what the format prints otherwise
	failOn   string
	skip     []string
	known    []check.Known
	baseline map[string]bool
}

// wishes returns what is wanted: flags, then the goready.toml of the workspace dir.
func (a *app) wishes(flags *doctorFlags, dir string) (*wishes, error) {
	if err := flags.check(); err != nil {
		return nil, err
	}
	w := &wishes{severity: check.Severity(flags.severity), failOn: flags.failOn, skip: flags.skip}
	file, err := a.teamFile(dir)
	if err != nil {
		return nil, err
	}
	if file != nil {
		w.add(file, dir, a.Host.Platform())
	}
	if w.failOn == "" {
		w.failOn = string(check.Error)
	}
	if flags.baseline != "" {
		if w.baseline, err = a.baseline(flags.baseline); err != nil {
			return nil, usagef("a baseline is written by: goready doctor --format json -o FILE", "--baseline: %w", err)
		}
	}
	return w, nil
}

// add adds what the flags left open. --skip replaces the list of the file.
func (w *wishes) add(file *team.File, dir string, p host.Platform) {
	if w.severity == "" {
		w.severity = check.Severity(file.Doctor.Severity)
	}
	if w.failOn == "" {
		w.failOn = file.Doctor.FailOn
	}
	if len(w.skip) == 0 {
		w.skip = file.Doctor.Skip
	}
	name := file.Name
	if rest, ok := strings.CutPrefix(name, strings.TrimSuffix(dir, p.Separator())+p.Separator()); ok {
		name = rest
	}
	for i := range file.Doctor.Known {
		k := &file.Doctor.Known[i]
		w.known = append(w.known, check.Known{ID: k.ID, Object: k.Object, Until: k.Day(), Reason: k.Reason,
			From: layer.Place(name, k.Line)})
	}
}

// teamFile returns the goready.toml that concerns the workspace, nil if there is none. On a machine that was recorded
// without it there is none either: doctor runs as it would without.
func (a *app) teamFile(dir string) (*team.File, error) {
	p := a.Host.Platform()
	if info, err := host.Stat(a.Host, dir); err == nil && !info.Mode.IsDir() { // a .code-workspace file
		dir = p.Dir(dir)
	}
	home := lookup(a.Host, "HOME")
	if p.Windows() {
		home = lookup(a.Host, "USERPROFILE")
	}
	name, data, err := team.Find(a.Host, dir, home)
	switch {
	case errors.Is(err, host.ErrUnknown):
		return nil, nil
	case err != nil:
		return nil, teamError(err)
	case name == "":
		return nil, nil
	}
	file, err := team.Decode(name, data, a.ids())
	if err != nil {
		return nil, teamError(err)
	}
	return file, nil
}

// teamError gives an error of goready.toml its hint.
func teamError(err error) error {
	e, ok := errors.AsType[*team.Error](err)
	switch {
	case !ok:
		return err
	case e.Near != "":
		return usagef("did you mean "+e.Near, "%w", err)
	}
	return usagef("", "%w", err)
}

// ids returns the ids of all checks.
func (a *app) ids() []string {
	var ids []string
	for _, c := range a.checks() {
		ids = append(ids, c.ID)
	}
	return ids
}

// baseline returns the identities of the warnings and errors of an earlier report. The file belongs to who called
// goready, not to the machine described.
func (a *app) baseline(name string) (map[string]bool, error) {
	path := name
	if !filepath.IsAbs(path) {
		dir, err := a.here()
		if err != nil {
			return nil, fmt.Errorf("current folder: %w", err)
		}
		path = filepath.Join(dir, path)
	}
	data, err := local.New().ReadFile(path)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	var report struct {
		Schema  *string `json:"schema"`
		Results []struct {
			ID     string      `json:"id"`
			Object string      `json:"object"`
			State  check.State `json:"state"`
		} `json:"results"`
	}
	if err := json.Unmarshal(data, &report); err != nil {
		return nil, fmt.Errorf("%s is no report of goready doctor: %w", name, err)
	}
	switch {
	case report.Schema == nil:
		return nil, fmt.Errorf("%s is no report of goready doctor: it has no schema", name)
	case *report.Schema != check.Schema:
		return nil, fmt.Errorf("%s is no report of goready doctor: its schema is %q, not %q", name, *report.Schema, check.Schema)
	case report.Results == nil:
		return nil, fmt.Errorf("%s is no report of goready doctor: it has no results", name)
	}
	known := map[string]bool{}
	for _, r := range report.Results {
		if slices.Contains([]check.State{check.StateWarning, check.StateError}, r.State) {
			known[check.Identity(r.ID, r.Object)] = true
		}
	}
	return known, nil
}
