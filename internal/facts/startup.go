package facts

import "context"

// Startup is what is known of the start-up files of the user's shell besides the environments they make.
type Startup struct{}

func (g *gatherer) startup(context.Context) *Startup { return &Startup{} }
