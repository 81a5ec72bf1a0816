package check

// envValueChecks are about what values mean.
func envValueChecks() []Check { return nil }
