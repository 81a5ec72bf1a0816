package sysenv

import (
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
)

// WindowsEnv returns a new environment: the variables of the registry as Windows gives them to a program started from
// the desktop: the machine's, the user's over them, PATH joined, %NAME% expanded in values of type REG_EXPAND_SZ.
func WindowsEnv(h host.Host) (*layer.Env, []Problem) { return nil, nil }
