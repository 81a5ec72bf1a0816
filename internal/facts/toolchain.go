package facts

import "context"

// Toolchain is what is known of the go commands of a machine, whoever finds them.
type Toolchain struct{}

func (g *gatherer) toolchain(context.Context) *Toolchain { return &Toolchain{} }
