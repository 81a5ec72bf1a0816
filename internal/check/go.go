package check

// goChecks are the checks of the category go.
func goChecks() []Check { return nil }
