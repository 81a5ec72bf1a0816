package sysenv

import (
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
)

// ApplyPAM adds to env what pam_env sets for a session that the PAM service (a file of /etc/pam.d: "login", "sshd",
// "su", "su-l", "sudo", "cron", "systemd-user") opens for u: the lines of pam_env.conf, of /etc/environment and of
// other files named there. All of them have the layer etc-environment.
//
// If the service's file does not load pam_env, nothing is set, and the lines of /etc/environment are added as skipped.
// If it cannot be read, they are added as unknown.
func ApplyPAM(h host.Host, env *layer.Env, service string, u User) []Problem { return nil }

// ParsePAMEnvironment parses a file in the format of /etc/environment by the rules of pam_env (Linux-PAM,
// modules/pam_env/pam_env.c, _parse_env_file). An Assignment with Unset removes a variable that was set before.
func ParsePAMEnvironment(name string, data []byte) ([]Assignment, []Problem) { return nil, nil }
