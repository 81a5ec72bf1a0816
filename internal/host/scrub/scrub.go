// Package scrub makes the recording of a machine fit to be shared.
//
// Its one invariant: it never adds or removes a line, so that what goready says about a scrubbed recording has the line
// numbers of the machine. What goready prints about a machine goes through a [Cleaner], which finds the same secrets:
// a recording, scrubbed, gives the same answers as the machine.
package scrub

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/goready/goready/internal/host"
)

// Mark stands for a secret that was removed.
const Mark = "xxxxx"

// Options says what [Fixture] removes besides secrets.
type Options struct {
	// Names replaces the names of the user and of the machine that the fixture tells of (USER, HOME, HOSTNAME,
	// /etc/hostname, …) by made-up ones, everywhere and consistently, so that replaying still finds every file. Names
	// that say nothing about anybody (root, ubuntu, localhost) are kept.
	Names bool
	// Users and Hosts are more names to replace.
	Users, Hosts []string
}

// Fixture returns a copy of f without secrets, to be shared: user information in URLs, values of variables, settings and
// options whose name says that they are secret, headers with credentials, access tokens that can be told by their
// form, private keys, and every further occurrence of a secret found in one of these places. In contents each secret
// is replaced within its line, so that lines keep their numbers.
//
// Whether something is a secret is guessed from names and forms. It would rather remove too much; what no name and
// no form gives away, it cannot find.
func Fixture(f *host.Fixture, o Options) *host.Fixture {
	clean, _ := Count(f, o)
	return clean
}

// Count is Fixture; removed is the number of places where a secret was found by its name or form.
func Count(f *host.Fixture, o Options) (clean *host.Fixture, removed int) {
	s, clean := find(f, o.Names)
	users, hosts := o.Users, o.Hosts
	if o.Names {
		moreUsers, moreHosts := namesIn(f)
		users, hosts = slices.Concat(users, moreUsers), slices.Concat(hosts, moreHosts)
	}
	known, names := s.known(), newPseudonyms(f, users, hosts)
	return clean.Rewrite(everything(func(text string) string { return names.replace(known.Replace(text)) })), s.removed
}

// find removes the secrets of f that can be told where they stand, and returns the scrubber that remembers them.
func find(f *host.Fixture, names bool) (*scrubber, *host.Fixture) {
	s := &scrubber{found: map[string]bool{}, names: names, marks: map[string]int{}}
	return s, f.Rewrite(host.Rewriter{Name: s.tokens, Text: s.line, Environ: s.environ, Args: s.args, Content: s.content})
}

// everything is a rewriter that treats all text alike.
func everything(f func(string) string) host.Rewriter {
	return host.Rewriter{
		Name: f, Text: f, Environ: f,
		Args:    func(list []string) []string { return each(list, f) },
		Content: func(_ string, c host.Content) host.Content { return mapText(c, f) },
	}
}

func each(list []string, f func(string) string) []string {
	out := slices.Clone(list)
	for i, s := range out {
		out[i] = f(s)
	}
	return out
}

// scrubber removes secrets and remembers them.
type scrubber struct {
	found   map[string]bool
	names   bool
	removed int            // places where a secret stood
	marks   map[string]int // the number of each secret; nil: all have the same mark
}

// secret returns what stands for the secret v: a mark, and the line breaks of v.
func (s *scrubber) secret(v string) string {
	plain := strings.TrimSpace(v)
	if !isMark(plain) {
		s.removed++
	}
	if distinctive(plain) && !isMark(plain) {
		s.found[plain] = true
	}
	return s.mark(plain) + breaks(v)
}

// mark returns what stands for a secret without blanks around it. In a fixture different secrets have different marks,
// so that values that differed still do.
func (s *scrubber) mark(plain string) string {
	switch {
	case s.marks == nil:
		return Mark
	case isMark(plain):
		return plain
	}
	n, ok := s.marks[plain]
	if !ok {
		n = len(s.marks) + 1
		s.marks[plain] = n
	}
	if n == 1 {
		return Mark
	}
	return Mark + strconv.Itoa(n)
}

// isMark reports whether v stands for a secret that was removed before.
func isMark(v string) bool {
	rest, ok := strings.CutPrefix(v, Mark)
	rest = strings.TrimLeft(rest, "0123456789")
	return ok && (rest == "" || rest == invalid || rest == ":"+invalid)
}

// invalid follows the mark of user information that makes a URL invalid, so that it still does; after a colon if it
// had one, because then errors do not quote it.
const invalid = "%"

// plainMarks makes all marks of text Mark.
func plainMarks(text string) string {
	if !strings.Contains(text, Mark) {
		return text
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, Mark)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		b.WriteString(Mark)
		text = strings.TrimLeft(rest, "0123456789")
		for _, end := range []string{invalid, ":" + invalid} {
			if strings.HasPrefix(text, end+"@") {
				text = text[len(end):]
			}
		}
	}
}

// breaks returns the line breaks of v.
func breaks(v string) string {
	out := ""
	for line := range strings.Lines(v) {
		if body := strings.TrimRight(line, "\r\n"); len(body) < len(line) {
			out += line[len(body):]
		}
	}
	return out
}

// distinctive reports whether v can only be the secret that it was found to be, and not the name of a file or a word,
// so that it is to be removed wherever it stands.
func distinctive(v string) bool {
	if len(v) < 8 || len(v) > 512 || strings.ContainsAny(v, "\r\n") || strings.HasPrefix(v, "/") || strings.HasPrefix(v, "~/") || strings.Contains(v, `:\`) {
		return false
	}
	letters := strings.ContainsFunc(v, func(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' })
	others := strings.ContainsFunc(v, func(r rune) bool { return r >= '0' && r <= '9' || strings.ContainsRune("!#$%^&*+=?~", r) })
	return letters && others || len(v) >= 24 && !strings.ContainsAny(v, " /")
}

// known returns a replacer of all secrets found.
func (s *scrubber) known() *strings.Replacer {
	secrets := slices.SortedFunc(maps.Keys(s.found), func(a, b string) int { // the longer first: it may contain the other
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	var pairs []string
	for _, v := range secrets {
		pairs = append(pairs, v, s.mark(v))
	}
	for _, v := range secrets {
		for _, spelled := range []string{url.QueryEscape(v), url.PathEscape(v), jsonEscape(v), base64.StdEncoding.EncodeToString([]byte(v))} {
			if spelled != v {
				pairs = append(pairs, spelled, s.mark(v))
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

// jsonEscape returns v as it stands between the quotes of JSON.
func jsonEscape(v string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return v // unreachable: a string has a JSON form
	}
	quoted := strings.TrimSuffix(b.String(), "\n")
	return quoted[1 : len(quoted)-1]
}

// line scrubs text that is no file.
func (s *scrubber) line(text string) string { return s.text(text, style{}) }

// environ scrubs one "KEY=value".
func (s *scrubber) environ(kv string) string {
	i := strings.Index(kv[min(1, len(kv)):], "=") + 1
	if i <= 0 {
		return s.line(kv)
	}
	key, value := kv[:i], kv[i+1:]
	if secretName(key) && !harmless(key, value) {
		return key + "=" + s.secret(value)
	}
	return key + "=" + s.line(value)
}

// args scrubs the arguments of a program, where the value of an option may be the next argument.
func (s *scrubber) args(list []string) []string {
	out := each(list, s.line)
	for i := 1; i < len(list); i++ {
		option := strings.TrimLeft(list[i-1], "-")
		if option == list[i-1] || strings.ContainsAny(option, "=: ") || strings.HasPrefix(list[i], "-") {
			continue
		}
		if secretName(option) && !harmless(option, list[i]) || userOption(option) && strings.Contains(list[i], ":") {
			out[i] = s.secret(list[i])
		}
	}
	return out
}

// userOption reports whether an option takes user:password, as those of curl.
func userOption(option string) bool {
	return option == "u" || option == "U" || option == "user" || option == "proxy-user"
}

// content scrubs a file, or the output of a program if name is "".
func (s *scrubber) content(name string, c host.Content) host.Content {
	return mapText(c, func(text string) string {
		base := strings.ToLower(name[strings.LastIndexAny(name, `/\`)+1:])
		switch {
		case strings.HasPrefix(name, host.RegistryPrefix):
			return eachLine(text, s.registryLine)
		case strings.Contains(text, "\x00"): // env -0, /proc/PID/environ
			return strings.Join(each(strings.Split(text, "\x00"), s.environ), "\x00")
		case base == "passwd" && s.names:
			text = eachLine(text, withoutFullName)
		case base == ".netrc" || base == "_netrc" || strings.HasPrefix(strings.TrimSpace(text), "machine "):
			text = s.netrc(text)
		case base == "fish_variables":
			text = eachLine(text, s.fishVariable)
		case base == ".pam_environment" || base == "pam_env.conf":
			text = eachLine(text, s.pamLine)
		}
		return s.text(text, style{lines: !shellLike(base, text), noValues: base == "nsswitch.conf" || strings.Contains(name, "/pam.d/")})
	})
}

// shellLike reports whether a file has commands, so that a value ends where a word of a shell does.
func shellLike(base, text string) bool {
	if strings.HasPrefix(text, "#!") {
		return true
	}
	_, ext, _ := strings.Cut(strings.TrimPrefix(base, "."), ".")
	switch ext {
	case "sh", "bash", "zsh", "ksh", "csh", "fish", "ps1", "cmd", "bat", "service":
		return true
	}
	for _, end := range []string{"rc", "profile", "login", "logout", "zshenv", "zprofile", "bash_aliases", "bash_env"} {
		if strings.HasSuffix(base, end) && base != ".npmrc" && base != ".pypirc" {
			return true
		}
	}
	return false
}

// registryLine scrubs a line KEY=TYPE:value.
func (s *scrubber) registryLine(line string) string {
	key, rest, _ := strings.Cut(line, "=")
	typ, value, ok := strings.Cut(rest, ":")
	if !ok {
		return s.line(line)
	}
	_, value, _ = strings.Cut(s.environ(key+"="+value), "=")
	return key + "=" + typ + ":" + value
}

// fishVariable scrubs a line "SETUVAR --export NAME:value", where fish has escaped all but letters, digits, / and _.
func (s *scrubber) fishVariable(line string) string {
	command, value, ok := strings.Cut(line, ":")
	if !ok || !strings.HasPrefix(command, "SETUVAR ") {
		return line
	}
	name := command[strings.LastIndexByte(command, ' ')+1:]
	plain := unescapeFish(value)
	_, clean, _ := strings.Cut(s.environ(name+"="+plain), "=")
	if clean == plain {
		return line
	}
	var b strings.Builder
	for i := 0; i < len(clean); i++ {
		if c := clean[i]; alphanumeric(c) || c == '/' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return command + ":" + b.String()
}

// unescapeFish replaces \xHH.
func unescapeFish(text string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, `\x`)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		c, err := strconv.ParseUint(rest[:min(2, len(rest))], 16, 8)
		if err != nil || len(rest) < 2 {
			b.WriteString(`\x`)
			text = rest
			continue
		}
		b.WriteByte(byte(c))
		text = rest[2:]
	}
}

// pamLine scrubs a line "NAME DEFAULT=value OVERRIDE=value" of pam_env.
func (s *scrubber) pamLine(line string) string {
	name, _, _ := strings.Cut(strings.TrimLeft(line, " \t"), " ")
	name, _, _ = strings.Cut(name, "\t")
	if !secretName(name) {
		return line
	}
	for _, key := range []string{"DEFAULT=", "OVERRIDE="} {
		before, value, ok := strings.Cut(line, key)
		if !ok {
			continue
		}
		end := len(value)
		for _, other := range []string{" DEFAULT=", "\tDEFAULT=", " OVERRIDE=", "\tOVERRIDE="} {
			if i := strings.Index(value, other); i >= 0 {
				end = min(end, i)
			}
		}
		if quoted := strings.Trim(value[:end], " \t\r\""); !harmless(name, quoted) {
			line = before + key + s.secret(quoted) + value[end:]
		}
	}
	return line
}

// withoutFullName empties the fifth field of a line of /etc/passwd, which has the name and the telephone of a person.
func withoutFullName(line string) string {
	fields := strings.Split(line, ":")
	if len(fields) == 7 {
		fields[4] = ""
	}
	return strings.Join(fields, ":")
}

// eachLine applies f to each line of text without its end.
func eachLine(text string, f func(string) string) string {
	return strings.Join(each(strings.Split(text, "\n"), f), "\n")
}

// mapText applies f to c as text, which may be UTF-16 as programs on Windows write it.
func mapText(c host.Content, f func(string) string) host.Content {
	big, ok := utf16Order(c)
	if !ok {
		return host.Content(f(string(c)))
	}
	at := func(i int) uint16 {
		if big {
			return uint16(c[i])<<8 | uint16(c[i+1])
		}
		return uint16(c[i+1])<<8 | uint16(c[i])
	}
	var units []uint16
	for i := 0; i+1 < len(c); i += 2 {
		units = append(units, at(i))
	}
	var out host.Content
	for _, u := range utf16.Encode([]rune(f(string(utf16.Decode(units))))) {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

// utf16Order reports whether c begins with the byte order mark of UTF-16.
func utf16Order(c host.Content) (big, ok bool) {
	switch {
	case len(c) < 2 || len(c)%2 != 0:
		return false, false
	case c[0] == 0xfe && c[1] == 0xff:
		return true, true
	}
	return false, c[0] == 0xff && c[1] == 0xfe
}
