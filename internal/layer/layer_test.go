package layer

import (
	"slices"
	"testing"

	"github.com/goready/goready/internal/msg"
)

func TestLookup(t *testing.T) {
	reason := msg.New("an if that cannot be decided")
	set := func(v string) Set { return Set{Layer: ShellFile, From: "/f:1", Value: v} }
	for _, tt := range []struct {
		name    string
		build   func(e *Env)
		value   string
		ok      bool
		unknown bool
		trail   int
	}{
		{"nothing", func(e *Env) {}, "", false, false, 0},
		{"last_wins", func(e *Env) { e.Add("X", set("1")); e.Add("X", set("2")) }, "2", true, false, 2},
		{"unset_after_set", func(e *Env) { e.Add("X", set("1")); e.Add("X", Set{Unset: true}) }, "", false, false, 2},
		{"skipped_changes_nothing", func(e *Env) { e.Add("X", set("1")); e.Add("X", Set{Value: "2", Skipped: reason}) }, "1", true, false, 2},
		{"only_skipped", func(e *Env) { e.Add("X", Set{Value: "2", Skipped: reason}) }, "", false, false, 1},
		{"unknown", func(e *Env) { e.Add("X", set("1")); e.Add("X", Set{Value: "$(x)", Unknown: reason}) }, "$(x)", false, true, 2},
		{"known_again", func(e *Env) { e.Add("X", Set{Unknown: reason}); e.Add("X", set("3")) }, "3", true, false, 2},
		{"opaque_after_set", func(e *Env) { e.Add("X", set("1")); e.Opaque(Set{Unknown: reason}) }, "1", false, true, 2},
		{"opaque_never_set", func(e *Env) { e.Opaque(Set{Unknown: reason}) }, "", false, true, 1},
		{"set_after_opaque", func(e *Env) { e.Opaque(Set{Unknown: reason}); e.Add("X", set("4")) }, "4", true, false, 1},
		{"skipped_after_opaque", func(e *Env) {
			e.Add("X", set("1"))
			e.Opaque(Set{Unknown: reason})
			e.Add("X", Set{Value: "5", Skipped: reason})
		}, "1", false, true, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := new(Env)
			tt.build(e)
			for _, e := range []*Env{e, e.Clone()} {
				value, ok, unknown := e.Lookup("X")
				if value != tt.value || ok != tt.ok || unknown.IsZero() == tt.unknown {
					t.Errorf("Lookup = %q, %v, %q; want %q, %v, unknown %v", value, ok, unknown, tt.value, tt.ok, tt.unknown)
				}
				if got := len(e.Trail("X")); got != tt.trail {
					t.Errorf("trail has %d entries, want %d", got, tt.trail)
				}
			}
		})
	}
}

func TestCloneIsIndependent(t *testing.T) {
	e := FromList([]string{"A=1"}, OSEnv, "test", false)
	c := e.Clone()
	c.Add("A", Set{Value: "2"})
	c.Add("B", Set{Value: "3"})
	e.Add("A", Set{Value: "4"})
	if got := e.List(); !slices.Equal(got, []string{"A=4"}) {
		t.Errorf("original = %q", got)
	}
	if got := c.List(); !slices.Equal(got, []string{"A=2", "B=3"}) {
		t.Errorf("clone = %q", got)
	}
}

func TestFromList(t *testing.T) {
	e := FromList([]string{"A=1", "Path=x", "PATH=y", "=C:=C:\\w", "novalue", "", "E="}, OSEnv, "test", true)
	if got, want := e.List(), []string{"A=1", "Path=y", "=C:=C:\\w", "E="}; !slices.Equal(got, want) {
		t.Errorf("List = %q, want %q", got, want)
	}
	if e.Get("path") != "y" {
		t.Errorf("names do not fold case: %q", e.Get("path"))
	}
}

func TestNilEnv(t *testing.T) {
	var e *Env
	if v, ok, unknown := e.Lookup("X"); v != "" || ok || !unknown.IsZero() || e.Trail("X") != nil || e.Names() != nil {
		t.Error("a nil Env is not empty")
	}
	e.Clone().Add("X", Set{Value: "1"})
}
