package check

// shellChecks are the checks of the category shell.
func shellChecks() []Check { return nil }
