package sysenv

import (
	"strconv"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
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

// CrontabKind is the kind of a crontab.
type CrontabKind int

// The kinds of crontabs.
const (
	UserCrontab   CrontabKind = iota // edited with crontab -e
	SystemCrontab                    // /etc/crontab and /etc/cron.d: with a user column
)

// cronLine is the number of bytes of an assignment that cron keeps (MAX_ENVSTR - 2).
const cronLine = 998

// maxCronLines is the number of lines above which cron ignores a crontab (MAX_TAB_LINES).
const maxCronLines = 10000

// ParseCrontab parses a crontab by the rules of Debian's cron (Vixie cron 3.0pl1, env.c load_env, entry.c load_entry).
// In a system crontab each job names its user. Like that cron it gives up the whole file, which then has no jobs, for
// one line it does not understand and for a last line without an end.
func ParseCrontab(name string, data []byte, kind CrontabKind) ([]Job, []Problem) {
	p := crontabParser{name: name, kind: kind}
	if !p.parse(data) {
		return nil, p.problems
	}
	return p.jobs, p.problems
}

// parse takes a whole crontab. ok is false if cron ignores it.
func (p *crontabParser) parse(data []byte) (ok bool) {
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		text, ended := strings.CutSuffix(line, "\n")
		text = strings.TrimLeft(text, " \t")
		switch {
		case text == "" || text[0] == '#':
		case !ended:
			p.problem(n, "", msg.New("the last line has no line end, so cron ignores the whole file"))
			return false
		case n > maxCronLines || !p.line(n, text):
			p.problem(n, "", msg.New("cron does not understand the line and ignores the whole file"))
			return false
		}
	}
	return true
}

type crontabParser struct {
	name     string
	kind     CrontabKind
	env      []Assignment
	jobs     []Job
	problems []Problem
}

func (p *crontabParser) problem(line int, key string, why msg.Text) {
	p.problems = append(p.problems, Problem{File: p.name, Line: line, Key: key, Why: why})
}

// maxCronEnv bounds the copies of the environment that jobs keep.
const maxCronEnv = 1000

// line takes one line that is neither blank nor a comment. ok is false for a syntax error.
func (p *crontabParser) line(n int, text string) (ok bool) {
	kept := text[:min(len(text), cronLine)]
	if key, value, ok := parseCronAssignment(kept); ok {
		p.assign(n, key, value, len(text) > cronLine)
		return len(p.env) <= maxCronEnv
	}
	job, ok := parseCronJob(text, p.kind)
	if !ok {
		return false
	}
	job.File, job.Line = p.name, n
	// The environment is shared until the next assignment, which copies it.
	job.Env = p.env[:len(p.env):len(p.env)]
	p.jobs = append(p.jobs, job)
	return true
}

func (p *crontabParser) assign(n int, key, value string, cut bool) {
	a := Assignment{Key: key, Value: value, File: p.name, Line: n}
	if cut {
		p.problem(n, key, msg.New("the line is longer than %d bytes, and cron cuts it there", cronLine))
	} else if v := findVariable(value); v != "" {
		p.problem(n, key, msg.New("%s is not expanded in this file", v))
	}
	env := make([]Assignment, 0, len(p.env)+1)
	for _, b := range p.env {
		if b.Key != key {
			env = append(env, b)
		}
	}
	p.env = append(env, a)
}

// parseCronAssignment parses NAME=value as env.c load_env does: either side may be quoted, blanks around the "=" and
// after the value are dropped, and a value may only be empty in quotes.
func parseCronAssignment(s string) (key, value string, ok bool) {
	key, rest, ok := cutCronName(s)
	if !ok {
		return "", "", false
	}
	rest = strings.TrimLeft(rest, cronSpace)
	if !strings.HasPrefix(rest, "=") {
		return "", "", false
	}
	rest = strings.TrimLeft(rest[1:], cronSpace)
	if rest == "" {
		return "", "", false
	}
	quote := rest[0]
	if quote != '"' && quote != '\'' {
		return key, strings.TrimRight(rest, cronSpace), true
	}
	value, rest, ok = strings.Cut(rest[1:], string(rune(quote)))
	return key, unquoteCron(value), ok && strings.TrimLeft(rest, cronSpace) == ""
}

// cronSpace is what isspace(3) knows.
const cronSpace = " \t\n\v\f\r"

// cutCronName cuts the name before the "=".
func cutCronName(s string) (name, rest string, ok bool) {
	if quote := s[0]; quote == '"' || quote == '\'' {
		name, rest, ok = strings.Cut(s[1:], string(rune(quote)))
		return name, rest, ok && !strings.Contains(name, "=")
	}
	i := strings.IndexAny(s, "="+cronSpace)
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i:], true
}

// unquoteCron trims a quoted value and removes a second pair of quotes in the first.
func unquoteCron(value string) string {
	value = strings.TrimRight(value, cronSpace)
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		return value[1 : n-1]
	}
	return value
}

// parseCronJob parses an entry.
func parseCronJob(s string, kind CrontabKind) (Job, bool) {
	rest, ok := cutSchedule(s)
	if !ok {
		return Job{}, false
	}
	job := Job{Schedule: strings.Join(words(s[:len(s)-len(rest)]), " ")}
	rest = strings.TrimLeft(rest, " \t")
	if kind == UserCrontab {
		job.Command = rest
		return job, !strings.HasPrefix(rest, "*")
	}
	i := strings.IndexAny(rest, " \t")
	if i < 0 {
		return Job{}, false
	}
	job.User, job.Command = rest[:i], strings.TrimLeft(rest[i:], " \t")
	return job, job.User != ""
}

// cutSchedule cuts the five fields, or @daily and its like, from the start of an entry.
func cutSchedule(s string) (rest string, ok bool) {
	if special, found := strings.CutPrefix(s, "@"); found {
		word, rest := cutWord(special)
		switch word {
		case "reboot", "yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly":
			return rest, true
		}
		return "", false
	}
	rest = s
	for _, f := range cronFields() {
		if rest, ok = f.cut(rest); !ok {
			return "", false
		}
	}
	return rest, true
}

// cronField is one of the five fields of a schedule.
type cronField struct {
	low, high int
	names     string // three letters each, the first stands for low
}

func cronFields() []cronField {
	return []cronField{
		{0, 59, ""}, {0, 23, ""}, {1, 31, ""},
		{1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
		{0, 7, "sunmontuewedthufrisatsun"},
	}
}

// cut cuts a list of ranges from s (entry.c, get_list): what follows the last one up to a blank is ignored.
func (f cronField) cut(s string) (rest string, ok bool) {
	for {
		if s, ok = f.cutRange(s); !ok {
			return "", false
		}
		var more bool
		if s, more = strings.CutPrefix(s, ","); !more {
			break
		}
	}
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return strings.TrimLeft(s[i:], " \t"), true
	}
	return "", true
}

func (f cronField) cutRange(s string) (rest string, ok bool) {
	low, high := f.low, f.high
	rest, star := strings.CutPrefix(s, "*")
	if !star {
		if low, rest, ok = f.cutNumber(s); !ok {
			return "", false
		}
		after, isRange := strings.CutPrefix(rest, "-")
		if !isRange {
			return rest, !strings.HasPrefix(rest, "/") && f.low <= low && low <= f.high
		}
		if high, rest, ok = f.cutNumber(after); !ok {
			return "", false
		}
	}
	if after, hasStep := strings.CutPrefix(rest, "/"); hasStep {
		step := 0
		if step, rest, ok = (cronField{}).cutNumber(after); !ok || step <= 0 {
			return "", false
		}
	}
	return rest, f.low <= low && low <= f.high && f.low <= high && high <= f.high
}

func (f cronField) cutNumber(s string) (n int, rest string, ok bool) {
	end := 0
	for end < len(s) && isNameByte(s[end]) && s[end] != '_' {
		end++
	}
	word := strings.ToLower(s[:end])
	if i := strings.Index(f.names, word); len(word) == 3 && i >= 0 && i%3 == 0 {
		return f.low + i/3, s[end:], true
	}
	n, err := strconv.Atoi(word)
	return n, s[end:], err == nil
}

// HasCron reports whether a cron is installed.
func HasCron(h host.Host) bool {
	for _, name := range []string{"/usr/sbin/cron", "/usr/sbin/crond", "/etc/crontab"} {
		if _, err := h.Lstat(name); err == nil {
			return true
		}
	}
	return false
}

// CronJobs returns the jobs of all crontabs that run as u: /etc/crontab, /etc/cron.d and the user's own.
func CronJobs(h host.Host, u User) ([]Job, []Problem) {
	jobs, problems := ownJobs(h, u)
	files := []string{"/etc/crontab"}
	entries, err := h.ReadDir("/etc/cron.d")
	if err != nil {
		if why := unread("/etc/cron.d", err); !why.IsZero() {
			problems = append(problems, Problem{File: "/etc/cron.d", Why: why})
		}
	}
	for _, e := range entries {
		if validCronName(e.Name) {
			files = append(files, "/etc/cron.d/"+e.Name)
		}
	}
	for _, name := range files {
		data, found, why := read(h, name)
		if !found {
			if !why.IsZero() {
				problems = append(problems, Problem{File: name, Why: why})
			}
			continue
		}
		more, moreProblems := ParseCrontab(name, data, SystemCrontab)
		problems = append(problems, moreProblems...)
		for _, j := range more {
			if j.User == u.Name {
				jobs = append(jobs, j)
			}
		}
	}
	return jobs, problems
}

// validCronName reports whether cron reads a file of this name in /etc/cron.d (database.c, valid_name).
func validCronName(name string) bool {
	for i := range len(name) {
		if !isNameByte(name[i]) && name[i] != '-' {
			return false
		}
	}
	return name != ""
}

// ownCrontab returns the user's own crontab: Debian's place, else that of cronie.
func ownCrontab(h host.Host, u User) (name string, data []byte, found bool, why msg.Text) {
	for _, dir := range []string{"/var/spool/cron/crontabs/", "/var/spool/cron/"} {
		name = dir + u.Name
		if data, found, why = read(h, name); found || !why.IsZero() {
			return name, data, found, why
		}
	}
	return name, nil, false, msg.Text{}
}

func ownJobs(h host.Host, u User) ([]Job, []Problem) {
	name, data, found, why := ownCrontab(h, u)
	if !found {
		if !why.IsZero() {
			return nil, []Problem{{File: name, Why: why}}
		}
		return nil, nil
	}
	jobs, problems := ParseCrontab(name, data, UserCrontab)
	for i := range jobs {
		jobs[i].User = u.Name
	}
	return jobs, problems
}

// CronEnv returns a new environment: what cron starts job for u with. A nil job stands for one at the end of u's own
// crontab, which only root may read on most systems: to others everything it may set is unknown.
//
// The order is that of Debian's cron (do_command.c, build_env; entry.c, load_entry): what PAM sets, over it the
// defaults, over them the crontab's lines, except for LOGNAME.
func CronEnv(h host.Host, u User, job *Job) (*layer.Env, []Problem) {
	env := &layer.Env{}
	service := "cron"
	if !hasPAM(h, service) && hasPAM(h, "crond") {
		service = "crond"
	}
	problems := ApplyPAM(h, env, service, u)
	for _, kv := range [][2]string{{"SHELL", "/bin/sh"}, {"HOME", u.Home}, {"PATH", "/usr/bin:/bin"}} {
		env.Add(kv[0], layer.Set{Layer: layer.Crontab, From: "cron", Value: kv[1], Why: msg.New("cron sets it for every job")})
	}
	if job == nil {
		problems = append(problems, addOwnCrontab(h, u, env)...)
	} else {
		for _, a := range job.Env {
			env.Add(a.Key, a.set(layer.Crontab))
		}
	}
	env.Add("LOGNAME", layer.Set{Layer: layer.Crontab, From: "cron", Value: u.Name, Why: msg.New("cron sets it for every job")})
	return env, problems
}

// addOwnCrontab adds every assignment of u's crontab.
func addOwnCrontab(h host.Host, u User, env *layer.Env) []Problem {
	name, data, found, why := ownCrontab(h, u)
	if !found {
		if !why.IsZero() {
			opaque(env, layer.Crontab, name, why)
			return []Problem{{File: name, Why: why}}
		}
		return nil
	}
	p := crontabParser{name: name}
	if !p.parse(data) {
		return p.problems
	}
	for _, a := range p.env {
		env.Add(a.Key, a.set(layer.Crontab))
	}
	return p.problems
}
