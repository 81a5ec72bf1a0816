package check

// envChecks are the checks of the category env.
func envChecks() []Check { return nil }
