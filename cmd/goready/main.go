// Goready explains, checks and repairs Go development environments.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/goready/goready/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), signals()...)
	context.AfterFunc(ctx, stop) // a second signal ends goready at once
	status := cli.Main(ctx, cli.Program{
		Args:   os.Args[1:],
		Dir:    os.Getwd,
		Stdin:  os.Stdin,
		Stdout: os.Stdout,
		Stderr: os.Stderr,
	})
	stop()
	os.Exit(status)
}

// signals are those that interrupt goready. Whichever it is, the programs that it has started must end with it: they
// have sessions of their own, which no terminal ends.
func signals() []os.Signal {
	list := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as by nohup
		list = append(list, syscall.SIGHUP)
	}
	return list
}
