package goenv

// LintPatterns remarks on a list of module patterns: the value of GOPRIVATE, GONOPROXY, GONOSUMDB or GOINSECURE.
func LintPatterns(patterns string) []ValueProblem { return nil }
