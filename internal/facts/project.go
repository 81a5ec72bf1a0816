package facts

// Project is what the workspace asks of Go.
type Project struct{}

func (g *gatherer) project() *Project { return &Project{} }
