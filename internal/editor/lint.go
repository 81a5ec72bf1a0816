package editor

// Lint returns what in the settings has no effect, is retired, has the wrong type or the wrong scope.
func (s *Settings) Lint(m Model) []Problem { return nil }

// LintLaunch returns what is wrong with debug configurations.
func LintLaunch(s *Settings, configs []LaunchConfig) []Problem { return nil }
