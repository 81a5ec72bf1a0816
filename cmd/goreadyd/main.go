// Goreadyd is a Go module proxy.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/goready/goready/internal/serve"
)

func main() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	os.Exit(serve.Main(context.Background(), serve.Program{
		Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, Signals: signals,
	}))
}
