package check

import (
	"slices"

	"github.com/goready/goready/internal/facts"
)

// consumerOf returns a consumer that exists, nil if it does not.
func consumerOf(f *facts.Facts, id string) *facts.Consumer {
	for i := range f.Consumers {
		if c := &f.Consumers[i]; c.ID == id && c.Known() {
			return c
		}
	}
	return nil
}

// developers returns the consumers that a developer works in, or all if only others were asked for. The others see less
// than a shell on every healthy machine.
func developers(f *facts.Facts) []*facts.Consumer {
	var all []*facts.Consumer
	for i := range f.Consumers {
		if c := &f.Consumers[i]; c.Known() {
			all = append(all, c)
		}
	}
	other := func(c *facts.Consumer) bool { return !facts.ForDevelopers(c.ID) }
	if !slices.ContainsFunc(all, func(c *facts.Consumer) bool { return !other(c) }) {
		return all
	}
	return slices.DeleteFunc(all, other)
}
