// Goready explains, checks and repairs Go development environments.
package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/goready/goready/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
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
