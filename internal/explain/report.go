package explain

import (
	"slices"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/shell"
)

// Schema names the JSON form of a [Report].
const Schema = "goready.explain/v1"

// Report is the answer to one call of goready explain.
type Report struct {
	Schema    string     `json:"schema"`
	Workspace string     `json:"workspace"`
	Variables []Variable `json:"variables"`
	Consumers []Consumer `json:"consumers"`
	Modules   []Module   `json:"modules,omitempty"`
	URLs      []URL      `json:"urls,omitempty"`
	Chains    []Chain    `json:"chains,omitempty"`
	// Ineffective are settings that have no effect, or not the one they seem to have.
	Ineffective []facts.Problem `json:"ineffective,omitempty"`
}

// Consumer says which programs a consumer runs.
type Consumer struct {
	ID string `json:"id"`
	// Go is the go command it finds itself; empty if it finds none.
	Go string `json:"go"`
	// Found says how: "PATH", or a rule of the Go extension.
	Found   string            `json:"found,omitempty"`
	GOROOT  string            `json:"goroot,omitempty"`
	Version string            `json:"version,omitempty"`
	Tools   map[string]string `json:"tools,omitempty"` // gopls or dlv: its path, empty if it is not found
}

// Programs returns which programs the consumers of f run.
func Programs(f *facts.Facts) []Consumer {
	out := []Consumer{}
	for i := range f.Consumers {
		c := &f.Consumers[i]
		if !c.Absent.IsZero() {
			continue
		}
		p := Consumer{ID: c.ID, Tools: c.Tools}
		if c.Go.Note.IsZero() && c.Go.SDK.Root != "" {
			p.Go, p.Found, p.GOROOT, p.Version = c.Go.SDK.GoCommand, c.Go.Found, c.Go.SDK.Root, c.Go.SDK.Version
		}
		out = append(out, p)
	}
	return out
}

// Group is a set of consumers that get the same answer.
type Group struct {
	Decisions []*Decision
}

// Fold puts consumers with the same answer together, in the order of their first members; what is known comes before
// what is not.
func Fold(ds []Decision) []Group {
	groups := fold(ds, func(a, b *Decision) bool {
		return a.State == b.State && a.Value == b.Value && a.Reason.String() == b.Reason.String()
	})
	slices.SortStableFunc(groups, func(a, b Group) int {
		return rank(a.Decisions[0].State) - rank(b.Decisions[0].State)
	})
	return groups
}

func rank(s State) int { return slices.Index([]State{Set, Unset, Unknown, Absent}, s) }

// FoldWinners splits the consumers of one answer by what decided it.
func FoldWinners(ds []*Decision) []Group {
	var flat []Decision
	for _, d := range ds {
		flat = append(flat, *d)
	}
	return fold(flat, func(a, b *Decision) bool {
		x, _ := a.Winner()
		y, _ := b.Winner()
		return x.Layer == y.Layer && x.From == y.From
	})
}

func fold(ds []Decision, same func(a, b *Decision) bool) []Group {
	var groups []Group
	for i := range ds {
		d := &ds[i]
		g := slices.IndexFunc(groups, func(g Group) bool { return same(g.Decisions[0], d) })
		if g < 0 {
			groups = append(groups, Group{})
			g = len(groups) - 1
		}
		groups[g].Decisions = append(groups[g].Decisions, d)
	}
	return groups
}

// Note is a remark and the consumers it is about.
type Note struct {
	Text msg.Text
	IDs  []string
}

// FoldNotes returns the remarks (and errors) of decisions, each once.
func FoldNotes(ds []*Decision) []Note {
	var notes []Note
	add := func(t msg.Text, id string) {
		if t.IsZero() {
			return
		}
		text := t.String()
		i := slices.IndexFunc(notes, func(n Note) bool { return n.Text.String() == text })
		if i < 0 {
			notes = append(notes, Note{Text: t})
			i = len(notes) - 1
		}
		if !slices.Contains(notes[i].IDs, id) {
			notes[i].IDs = append(notes[i].IDs, id)
		}
	}
	for _, d := range ds {
		if !d.Error.IsZero() {
			add(msg.New("the go command stops with: %s", d.Error), d.Consumer)
		}
		for _, n := range d.Notes {
			add(n, d.Consumer)
		}
	}
	return notes
}

// Chain is how the environment of one consumer comes about.
type Chain struct {
	Consumer string      `json:"consumer"`
	Links    []ChainLink `json:"links"`
}

// ChainLink is a step of a chain: one program that starts the next.
type ChainLink struct {
	What  msg.Text    `json:"what"`
	Files []ChainFile `json:"files,omitempty"`
}

// ChainFile is a file that was read, or would have been, at a step.
type ChainFile struct {
	File  string      `json:"file"`
	By    string      `json:"by,omitempty"`
	State shell.State `json:"state"`
	Why   msg.Text    `json:"why,omitzero"`
	Depth int         `json:"depth"`
}

// Chains returns the start-up chain of every consumer of f that exists.
func Chains(f *facts.Facts) []Chain {
	var out []Chain
	for i := range f.Consumers {
		c := &f.Consumers[i]
		if !c.Absent.IsZero() {
			continue
		}
		chain := Chain{Consumer: c.ID}
		for _, l := range c.Chain {
			link := ChainLink{What: l.What}
			for _, v := range l.Files {
				link.Files = append(link.Files, ChainFile{v.File, v.By, v.State, v.Why, v.Depth})
			}
			chain.Links = append(chain.Links, link)
		}
		out = append(out, chain)
	}
	return out
}
