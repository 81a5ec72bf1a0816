package cli

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// When a command that works begins to show it.
const (
	spinnerAfter = 300 * time.Millisecond
	slowAfter    = 3 * time.Second
	frameTime    = 100 * time.Millisecond
)

// progress tells on stderr that a command works: on a terminal with a spinner, which it takes away again; anywhere with
// one line, when it becomes slow, that says what is waited for.
type progress struct {
	w      io.Writer
	lang   msg.Lang
	frames []string // of the spinner; nil: none
	quit   chan struct{}
	done   chan struct{}

	mu      sync.Mutex // guards running
	running []running  // the programs that were started and have not ended, the oldest first
}

// running is a program that is waited for.
type running struct {
	id       *host.Command
	deadline time.Time // zero: none
}

// progress starts to watch what is asked of h. The Host to use instead is returned.
func (a *app) progress(h host.Host) (host.Host, *progress, error) {
	l, err := a.language()
	if err != nil {
		return nil, nil, err
	}
	p := &progress{w: a.Stderr, lang: l, quit: make(chan struct{}), done: make(chan struct{})}
	if a.quiet {
		p.w = io.Discard
	} else if _, ok := terminal(a.Stderr); ok && a.getenv("TERM") != "dumb" {
		p.frames = []string{"|", "/", "-", `\`}
		if a.utf8() {
			p.frames = []string{"⠋", "⠙", "⠸", "⠴", "⠦", "⠇"}
		}
	}
	go p.show()
	return &watched{h, p}, p, nil
}

// stop ends it and takes the spinner away.
func (p *progress) stop() {
	close(p.quit)
	<-p.done
}

// show prints until stop is called.
func (p *progress) show() {
	defer close(p.done)
	slow := time.NewTimer(slowAfter)
	defer slow.Stop()
	spin := time.NewTicker(spinnerAfter)
	defer spin.Stop()
	const clear = "\r\x1b[K"
	spinning := false
	for i := 0; ; {
		select {
		case <-p.quit:
			if spinning {
				fmt.Fprint(p.w, clear)
			}
			return
		case <-slow.C:
			if spinning {
				fmt.Fprint(p.w, clear)
			}
			fmt.Fprintf(p.w, "goready: %s\n", visible(msg.New("slow: waiting for %s", p.waitingFor()).In(p.lang)))
		case <-spin.C:
			if len(p.frames) == 0 {
				spin.Stop()
				continue
			}
			if !spinning {
				spin.Reset(frameTime)
			}
			spinning = true
			fmt.Fprintf(p.w, "\r%s ", p.frames[i%len(p.frames)])
			i++
		}
	}
}

// waitingFor says what keeps the command.
func (p *progress) waitingFor() msg.Text {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.running) == 0 {
		return msg.New("the files of this machine")
	}
	r := p.running[0]
	name := strings.TrimSuffix(path.Base(strings.ReplaceAll(r.id.Path, `\`, "/")), ".exe")
	what := msg.New("%s", r.id.Path)
	if slices.Contains([]string{"bash", "zsh", "fish", "sh", "dash", "ksh", "pwsh", "powershell"}, name) {
		what = msg.New("the user's shell, %s", r.id.Path)
	}
	if !r.deadline.IsZero() {
		if left := time.Until(r.deadline).Round(time.Second); left > 0 {
			return msg.New("%s (at most %d s more)", what, int(left.Seconds()))
		}
	}
	return what
}

// watched is a Host that tells what it runs.
type watched struct {
	host.Host
	progress *progress
}

var _ host.HeadReader = (*watched)(nil) // else the whole file would be read

// ReadHead implements host.HeadReader.
func (w *watched) ReadHead(name string, n int) ([]byte, error) { return host.Head(w.Host, name, n) }

// Run implements host.Host.
func (w *watched) Run(ctx context.Context, cmd host.Command) (host.Result, error) {
	p := w.progress
	r := running{id: &cmd}
	r.deadline, _ = ctx.Deadline()
	p.mu.Lock()
	p.running = append(p.running, r)
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.running = slices.DeleteFunc(p.running, func(o running) bool { return o.id == r.id })
	}()
	return w.Host.Run(ctx, cmd)
}
