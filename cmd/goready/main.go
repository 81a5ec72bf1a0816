// Goready explains, checks and repairs Go development environments.
package main

import (
	"os"

	"github.com/goready/goready/internal/cli"
	"github.com/goready/goready/internal/host/local"
)

func main() {
	os.Exit(cli.Main(cli.Program{
		Host:   local.New(),
		Args:   os.Args[1:],
		Dir:    os.Getwd,
		Stdin:  os.Stdin,
		Stdout: os.Stdout,
		Stderr: os.Stderr,
	}))
}
