package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/goready/goready/docs"
	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/msg"
)

// The objects of a SARIF 2.1.0 log that goready writes.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool                `json:"tool"`
		Invocations []sarifInvocation        `json:"invocations"`
		Bases       map[string]sarifArtifact `json:"originalUriBaseIds"`
		ColumnKind  string                   `json:"columnKind"`
		Language    string                   `json:"language"`
		Results     []sarifResult            `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		URI     string      `json:"informationUri"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID         string         `json:"id"`
		Short      sarifMessage   `json:"shortDescription"`
		Help       sarifHelp      `json:"help"`
		HelpURI    string         `json:"helpUri"`
		Default    sarifDefault   `json:"defaultConfiguration"`
		Properties map[string]any `json:"properties"`
	}
	sarifHelp struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifNotification struct {
		Level   string       `json:"level"`
		Message sarifMessage `json:"message"`
		Rule    sarifRuleRef `json:"associatedRule"`
	}
	sarifRuleRef struct {
		ID    string `json:"id"`
		Index int    `json:"index"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifMessage       `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Related      []sarifLocation    `json:"relatedLocations,omitempty"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Properties   map[string]any     `json:"properties"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification"`
	}
	sarifLocation struct {
		ID       int            `json:"id,omitempty"`
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
		Message  *sarifMessage  `json:"message,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"name"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine int           `json:"startLine"`
		Snippet   *sarifMessage `json:"snippet,omitempty"`
	}
)

const (
	sarifSchema = "https://json.schemastore.org/sarif-2.1.0.json"
	sourceRoot  = "%SRCROOT%"
	homepage    = "https://github.com/goready/goready"
)

// doctorSARIF prints a diagnosis as a SARIF 2.1.0 log: rules are checks, results are findings. What is known is
// suppressed; what could not be found out is a notification, and the run is not successful then.
func (a *app) doctorSARIF(d *diagnosis) error {
	p, err := a.plain(d)
	if err != nil {
		return err
	}
	run := sarifRun{ColumnKind: "utf16CodeUnits", Language: "en", Results: []sarifResult{},
		Tool:        sarifTool{sarifDriver{Name: "goready", Version: version(), URI: homepage, Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{{Successful: true, Notifications: []sarifNotification{}}},
		Bases:       map[string]sarifArtifact{sourceRoot: {URI: strings.TrimSuffix(fileURI(d.facts.Platform, d.folder), "/") + "/"}}}
	if p.lang == msg.Chinese {
		run.Language = "zh-CN"
	}
	index := map[string]int{}
	for i := range d.checks {
		index[d.checks[i].ID] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, p.rule(&d.checks[i]))
	}
	seen := map[string]int{}
	for i := range d.results {
		r := &d.results[i]
		switch {
		case r.State == check.StateUnknown:
			inv := &run.Invocations[0]
			inv.Successful = false
			inv.Notifications = append(inv.Notifications, sarifNotification{"warning", sarifMessage{p.message(r)},
				sarifRuleRef{r.Check.ID, index[r.Check.ID]}})
		case found(r) && d.shown(r):
			run.Results = append(run.Results, p.sarifResult(d, r, index[r.Check.ID], seen))
		}
	}
	return a.json(sarifLog{sarifSchema, "2.1.0", []sarifRun{run}})
}

func (p plain) rule(c *check.Check) sarifRule {
	title := p.t(c.Title)
	return sarifRule{ID: c.ID, Short: sarifMessage{title}, HelpURI: docsURL(c.ID),
		Help:       sarifHelp{title + "\ngoready explain " + c.ID + "\n" + docsURL(c.ID), docs.Check(c.ID)},
		Default:    sarifDefault{sarifLevel(c.Severity)},
		Properties: map[string]any{"tags": []string{c.Category()}}}
}

func sarifLevel(s check.Severity) string {
	if s == check.Info {
		return "note"
	}
	return string(s)
}

// sarifResult returns the result for a finding. seen counts fingerprints, so that no two results have the same.
func (p plain) sarifResult(d *diagnosis, r *check.Result, rule int, seen map[string]int) sarifResult {
	f := &r.Finding
	text := []string{p.message(r)}
	if !f.Cause.IsZero() {
		text = append(text, p.t(f.Cause))
	}
	out := sarifResult{RuleID: r.Check.ID, RuleIndex: rule, Level: sarifLevel(f.Severity), Locations: []sarifLocation{},
		Message:      sarifMessage{strings.Join(append(text, p.steps(f)...), "\n")},
		Fingerprints: map[string]string{"goready/v1": d.fingerprint(r, seen)},
		Properties:   map[string]any{"object": f.Object, "key": f.Message.Key}}
	if len(f.Consumers) > 0 {
		out.Properties["consumers"] = f.Consumers
	}
	if r.State == check.StateKnown {
		out.Suppressions = []sarifSuppression{{"external", "accepted", p.t(r.Reason)}}
	}
	for _, e := range f.Evidence {
		location := p.location(d, e)
		switch {
		case location.Physical != nil && len(out.Locations) == 0:
			out.Locations = append(out.Locations, location)
		default:
			location.ID = len(out.Related) + 1
			out.Related = append(out.Related, location)
		}
	}
	if len(out.Locations) == 0 && f.Object != "" {
		out.Locations = append(out.Locations, sarifLocation{Logical: []sarifLogical{{visible(f.Object)}}})
	}
	return out
}

func (p plain) location(d *diagnosis, e check.Evidence) sarifLocation {
	if e.Path == "" {
		return sarifLocation{Message: &sarifMessage{p.clean(e.Text)}}
	}
	artifact := sarifArtifact{URI: fileURI(d.facts.Platform, e.Path)}
	if rel, ok := d.relative(e.Path); ok {
		artifact = sarifArtifact{URI: relativeURI(rel), Base: sourceRoot}
	}
	location := sarifLocation{Physical: &sarifPhysical{Artifact: artifact}}
	switch {
	case e.Line > 0:
		location.Physical.Region = &sarifRegion{StartLine: e.Line}
		if e.Text != "" {
			location.Physical.Region.Snippet = &sarifMessage{visible(e.Text)}
		}
	case e.Text != "":
		location.Message = &sarifMessage{p.clean(e.Text)}
	}
	return location
}

// fingerprint names a finding so that it is recognised in later runs: by its check and object, and the file that it is
// about and what stands there, but not the line, which changes with what is above it.
func (d *diagnosis) fingerprint(r *check.Result, seen map[string]int) string {
	parts := []string{r.Check.ID, r.Finding.Object}
	if len(r.Finding.Evidence) > 0 {
		e := r.Finding.Evidence[0]
		path, ok := d.relative(e.Path)
		if !ok {
			path = check.Tilde(d.facts.Platform, d.facts.Home, e.Path)
		}
		parts = append(parts, path, e.Text)
	}
	key := strings.Join(parts, "\x00")
	seen[key]++
	sum := sha256.Sum256([]byte(key + strings.Repeat("\x00+", seen[key]-1)))
	return hex.EncodeToString(sum[:16])
}
