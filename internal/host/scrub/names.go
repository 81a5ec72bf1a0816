package scrub

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goready/goready/internal/host"
)

// namesIn returns the names of users and machines that f tells of.
func namesIn(f *host.Fixture) (users, hosts []string) {
	for _, kv := range f.Env {
		key, value, _ := strings.Cut(kv, "=")
		switch strings.ToUpper(key) {
		case "USER", "LOGNAME", "USERNAME", "SUDO_USER":
			users = append(users, value)
		case "HOME", "USERPROFILE":
			if dir := f.Machine.Dir(value); strings.EqualFold(f.Machine.Base(dir), "home") || strings.EqualFold(f.Machine.Base(dir), "users") {
				users = append(users, f.Machine.Base(value))
			}
		case "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL":
			users = append(users, value)
		case "HOST", "HOSTNAME", "COMPUTERNAME", "USERDOMAIN", "LOGONSERVER":
			hosts = append(hosts, strings.TrimLeft(value, `\`))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Files)) {
		if file := f.Files[name]; file != nil && file.Content != nil && gitConfig(name) {
			users = append(users, gitIdentity(string(*file.Content))...)
		}
	}
	if file := f.Files["/etc/hostname"]; file != nil && file.Content != nil {
		hosts = append(hosts, strings.TrimSpace(string(*file.Content)))
	}
	for _, h := range hosts {
		if label, _, ok := strings.Cut(h, "."); ok {
			hosts = append(hosts, label)
		}
	}
	return users, hosts
}

// gitConfig reports whether a file is a configuration of git.
func gitConfig(name string) bool {
	name = strings.ReplaceAll(name, `\`, "/")
	return strings.HasSuffix(name, "/.gitconfig") || strings.HasSuffix(name, "/gitconfig") || strings.HasSuffix(name, "git/config")
}

// gitIdentity returns the names and addresses of the sections of a configuration of git that say who somebody is.
func gitIdentity(config string) []string {
	var out []string
	person := false
	for line := range strings.Lines(config) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section, _, _ := strings.Cut(strings.ToLower(strings.Trim(line, "[]")), " ")
			person = section == "user" || section == "author" || section == "committer"
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if value = strings.Trim(strings.TrimSpace(value), `"`); ok && person && value != "" {
			switch strings.ToLower(strings.TrimSpace(key)) {
			case "name", "email":
				out = append(out, value)
			}
		}
	}
	slices.Sort(out)
	return out
}

// pseudonyms replaces names.
type pseudonyms struct {
	list []pseudonym
	fold bool // in any letter case
}

type pseudonym struct {
	old, made string
	// cautious: old is also a word, and is replaced only where it must be the name.
	cautious bool
}

func newPseudonyms(f *host.Fixture, users, hosts []string) *pseudonyms {
	p := &pseudonyms{fold: f.Machine.Windows()}
	used := ""
	for _, group := range []struct {
		names []string
		made  string
	}{{users, "someone"}, {hosts, "somehost"}} {
		n := 0
		for _, name := range group.names {
			if impersonal(name) || slices.ContainsFunc(p.list, func(q pseudonym) bool { return q.old == name }) {
				continue
			}
			if used == "" {
				used = allText(f)
			}
			made := ""
			for made == "" || strings.Contains(used, made) {
				n++
				made = group.made
				if n > 1 {
					made += strconv.Itoa(n)
				}
			}
			p.list = append(p.list, pseudonym{name, made, commonWord(name)})
			if short := shortName(name); p.fold && short != "" {
				p.list = append(p.list, pseudonym{short, made, false})
			}
		}
	}
	// The longer first: a machine's full name contains its short one.
	slices.SortStableFunc(p.list, func(a, b pseudonym) int { return len(b.old) - len(a.old) })
	return p
}

// shortName returns the 8.3 name that Windows gives a folder with a long name, "" if it is short.
func shortName(name string) string {
	plain := strings.NewReplacer(" ", "", ".", "").Replace(name)
	if len(name) <= 8 && plain == name || len(plain) < 6 {
		return ""
	}
	return strings.ToUpper(plain[:6]) + "~1"
}

// allText returns all text of f.
func allText(f *host.Fixture) string {
	var b strings.Builder
	f.Rewrite(everything(func(s string) string {
		b.WriteString(s)
		b.WriteByte('\n')
		return s
	}))
	return b.String()
}

// impersonal reports whether name is one that many machines have.
func impersonal(name string) bool {
	switch strings.ToLower(name) {
	case "root", "user", "users", "ubuntu", "debian", "fedora", "arch", "runner", "vscode", "codespace", "node", "admin", "administrator",
		"nobody", "dev", "developer", "jenkins", "gitpod", "coder", "ec2-user", "pi", "docker", "guest", "public", "default", "system",
		"localhost", "localhost.localdomain", "host", "workgroup", "buildkitsandbox", "container", "local", "":
		return true
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' || r >= 0x80 })
}

// commonWord reports whether name may be part of a file's name or a word of a shell that means something to goready.
func commonWord(name string) bool {
	if len(name) < 4 {
		return true
	}
	common := strings.Fields(`home code code-server config local share cache golang gopath goroot work workspace workspaces project
		projects source src build test tests true false export source eval then else elif done case esac while until function return
		unset alias path shell bash fish profile login environment service systemd cron crontab server desktop linux windows darwin
		data tools tool public proxy direct gopls settings tasks launch extensions extension editor remote vscodium cursor insiders
		library application support roaming appdata program files go1 sdk module modules main master github gitlab example mark will
		sudo root daemon bin sbin opt tmp var usr etc lib run mnt media proc dev null name value type text json yaml toml http https`)
	return slices.Contains(common, strings.ToLower(name))
}

func (p *pseudonyms) replace(text string) string {
	for _, q := range p.list {
		text = p.replaceOne(text, q)
	}
	return text
}

func (p *pseudonyms) replaceOne(text string, q pseudonym) string {
	searched, old := text, q.old
	if p.fold {
		searched, old = asciiLower(text), asciiLower(old)
	}
	var b strings.Builder
	done := 0
	for i := 0; ; {
		n := strings.Index(searched[i:], old)
		if n < 0 {
			break
		}
		from, to := i+n, i+n+len(old)
		i = to
		if isWord(text, from, to) && (!q.cautious || isAccount(text, from, to)) {
			b.WriteString(text[done:from] + q.made)
			done = to
		} else {
			i = from + 1
		}
	}
	return b.String() + text[done:]
}

// asciiLower lowers the ASCII letters and so keeps all indices.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// isWord reports whether text[from:to] is not part of a longer word.
func isWord(text string, from, to int) bool {
	return (from == 0 || !alphanumeric(text[from-1])) && (to == len(text) || !alphanumeric(text[to]))
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c >= 0x80
}

// isAccount reports whether text[from:to] stands where the name of a user or machine does: as a home folder, as the
// value of a variable that has it, before an @, or at the start of a line of /etc/passwd.
func isAccount(text string, from, to int) bool {
	before := strings.ToLower(strings.ReplaceAll(text[max(0, from-24):from], `\`, "/"))
	for _, end := range []string{"/home/", "/users/", "//users//", "/crontabs/", "/spool/cron/", "/spool/mail/", "/linger/", "user=", "logname=", "username=", "hostname=", "computername=", "@"} {
		if strings.HasSuffix(before, end) {
			return true
		}
	}
	after := text[to:]
	lineStart := from == 0 || text[from-1] == '\n'
	return strings.HasPrefix(after, "@") || lineStart && (strings.HasPrefix(after, ":x:") || strings.TrimSpace(text) == text[from:to])
}
