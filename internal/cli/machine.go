package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/scrub"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/snapshot"
)

// look makes a.Host the machine to look at: this one, or with --from the recorded one, at its time and with its
// workspace as the current folder. Whatever it is asked is remembered, so that a.cleaner knows the machine's secrets.
func (a *app) look(ctx context.Context) error {
	if a.from != "" {
		s, err := a.readSnapshot(ctx)
		if err != nil {
			return err
		}
		a.own, a.Host, a.now = a.Host, s.Host, s.Taken
		a.Dir = func() (string, error) { return s.Workspace, nil }
		if strings.HasSuffix(s.Workspace, ".code-workspace") && a.dir != "" {
			a.Dir = func() (string, error) { return s.Host.Machine.Dir(s.Workspace), nil }
		}
		if err := a.sayRecorded(s); err != nil {
			return err
		}
	}
	a.asked = host.Record(a.Host, snapshot.Limits())
	a.Host = a.asked
	return nil
}

// lookHere is look, and returns the folder of the workspace on that machine.
func (a *app) lookHere(ctx context.Context) (dir string, err error) {
	if err := a.look(ctx); err != nil {
		return "", err
	}
	return a.workspace()
}

// sayRecorded tells people that they do not look at this machine.
func (a *app) sayRecorded(s *snapshot.Snapshot) error {
	if a.quiet {
		return nil
	}
	l, err := a.language()
	if err != nil {
		return err
	}
	p := s.Host.Platform()
	a.say(l, msg.New("a machine with %s/%s as recorded on %s by goready %s", p.OS, p.Arch, s.Taken.UTC().Format(time.DateTime+" UTC"), s.Version))
	return nil
}

// say writes a line to stderr.
func (a *app) say(l msg.Lang, text msg.Text) {
	fmt.Fprintf(a.Stderr, "goready: %s\n", printable(text.In(l)))
}

// readSnapshot reads the file of --from.
func (a *app) readSnapshot(ctx context.Context) (*snapshot.Snapshot, error) {
	data, err := a.readFrom(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("--from: %w", ctx.Err())
	case err != nil:
		return nil, usagef("", "--from: %w", err)
	}
	s, err := snapshot.Decode(data)
	if err != nil {
		hint := "'goready snapshot -o FILE' makes one"
		if version, ok := errors.AsType[*snapshot.VersionError](err); ok && version.Newer() {
			hint = "a newer goready made it: update this one"
		}
		return nil, usagef(hint, "--from: %s: %w", a.from, err)
	}
	return s, nil
}

func (a *app) readFrom(ctx context.Context) ([]byte, error) {
	if a.from != "-" {
		name := a.from
		if p := a.Host.Platform(); !p.IsAbs(name) {
			dir, err := a.Dir()
			if err != nil {
				return nil, fmt.Errorf("current folder: %w", err)
			}
			name = p.Join(dir, name)
		}
		return a.Host.ReadFile(name)
	}
	var data []byte
	var err error
	done := make(chan struct{})
	go func() { // nothing ends a read of a terminal or a pipe; goready then ends without it
		defer close(done)
		data, err = io.ReadAll(io.LimitReader(a.Stdin, snapshot.MaxFile+1))
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-done:
	}
	if err == nil && len(data) > snapshot.MaxFile {
		err = snapshot.ErrLarge
	}
	return data, err
}

// cleaner returns what removes the secrets of the machine that is looked at. It is called when all was asked.
func (a *app) cleaner() *scrub.Cleaner {
	switch {
	case a.clean != nil:
		return a.clean
	case a.asked == nil:
		return scrub.NewCleaner(&host.Fixture{})
	}
	a.recorded = a.asked.Part(mayHoldSecrets)
	a.clean = scrub.NewCleaner(a.recorded)
	return a.clean
}

// learnSecrets makes the cleaner in the background, while something else is computed from what was asked. The returned
// function waits for it.
func (a *app) learnSecrets() (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.cleaner()
	}()
	return func() { <-done }
}

// mayHoldSecrets reports whether a file is one in which somebody may have written a secret, and not one that a
// distribution brings along. Those are most of what is read, and looking through them takes longest.
func mayHoldSecrets(name string) bool {
	for _, dir := range []string{"/usr/", "/lib/", "/bin/", "/sbin/", "/proc/", "/sys/", "/etc/pam.d/", "/etc/login.defs", "/etc/passwd"} {
		if strings.HasPrefix(name, dir) {
			return strings.HasPrefix(name, "/usr/local/")
		}
	}
	return true
}

// cleanResults removes secrets from results, which may be quoted from files, values or errors.
func cleanResults(c *scrub.Cleaner, results []check.Result) {
	for i := range results {
		r := &results[i]
		f := &r.Finding
		r.Reason = r.Reason.Map(c.Line)
		f.Object, f.Message.Text = c.Name(f.Object), f.Message.Text.Map(c.Line)
		f.Cause, f.Unknown = f.Cause.Map(c.Line), f.Unknown.Map(c.Line)
		args := make(map[string]any, len(f.Message.Args))
		for name, value := range f.Message.Args {
			if text, ok := value.(string); ok {
				value = c.Line(text)
			}
			args[name] = value
		}
		if f.Message.Args != nil {
			f.Message.Args = args
		}
		for j := range f.Evidence {
			e := &f.Evidence[j]
			e.Path, e.Text = c.Name(e.Path), c.Line(e.Text)
		}
		for j := range f.Steps {
			s := &f.Steps[j]
			s.Text, s.Command = s.Text.Map(c.Line), c.Line(s.Command)
		}
	}
}

// printable returns text without what could make a terminal do more than show it: control characters other than line
// breaks, tabs and colours. A snapshot may come from anybody.
func printable(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return control(r) }) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		if !control(r) || r == 0x1b && colourAt(text[i:]) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func control(r rune) bool {
	return r < 0x20 && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0
}

// colourAt reports whether text begins with a sequence that changes only the look of what follows.
func colourAt(text string) bool {
	rest, ok := strings.CutPrefix(text, "\x1b[")
	return ok && strings.HasPrefix(strings.TrimLeft(rest, "0123456789;"), "m")
}
