package sysenv

import (
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
)

// Job is an entry of a crontab.
type Job struct {
	File     string
	Line     int
	Schedule string
	User     string // only in /etc/crontab and /etc/cron.d; otherwise the owner of the crontab
	Command  string // with the text after an unescaped "%", which becomes the standard input
	// Env are the assignments above the job, each name once with the last one before the job.
	Env []Assignment
}

// ParseCrontab parses a crontab by the rules of Debian's cron (Vixie cron 3.0pl1, env.c load_env, entry.c load_entry).
// In a system crontab (/etc/crontab, /etc/cron.d) each job names its user.
func ParseCrontab(name string, data []byte, kind CrontabKind) ([]Job, []Problem) { return nil, nil }

// CrontabKind is the kind of a crontab.
type CrontabKind int

// The kinds of crontabs.
const (
	UserCrontab   CrontabKind = iota // edited with crontab -e
	SystemCrontab                    // /etc/crontab and /etc/cron.d: with a user column
)

// CronJobs returns the jobs of all crontabs that run as u: /etc/crontab, /etc/cron.d and the user's own.
func CronJobs(h host.Host, u User) ([]Job, []Problem) { return nil, nil }

// CronEnv returns a new environment: what cron starts job for u with. A nil job stands for a job in u's own crontab
// with nothing but that crontab's assignments.
func CronEnv(h host.Host, u User, job *Job) (*layer.Env, []Problem) { return nil, nil }
