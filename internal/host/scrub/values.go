package scrub

import (
	"slices"
	"strings"
)

// secretName reports whether the name of a variable, setting, header or option says that its value is secret.
func secretName(name string) bool {
	if len(name) > 100 || !hintsAtSecret(name) {
		return false
	}
	return namesSecret(name)
}

// hintsAtSecret reports whether a name has the beginning of a word that namesSecret looks for: every word of every text
// is asked, and this is a tenth of the work.
func hintsAtSecret(name string) bool {
	for i := 1; i < len(name); i++ {
		a, b := uint32(name[i-1]|0x20), uint32(name[i]|0x20)
		if a == 'p' && b == 'w' {
			return true
		}
		if i+1 == len(name) {
			return false
		}
		switch a<<16 | b<<8 | uint32(name[i+1]|0x20) {
		case 't'<<16 | 'o'<<8 | 'k', 's'<<16 | 'e'<<8 | 'c', 'p'<<16 | 'a'<<8 | 's', 'c'<<16 | 'r'<<8 | 'e', 'a'<<16 | 'u'<<8 | 't',
			'k'<<16 | 'e'<<8 | 'y', 'c'<<16 | 'o'<<8 | 'o', 'b'<<16 | 'e'<<8 | 'a', 'p'<<16 | 'a'<<8 | 't', 'o'<<16 | 't'<<8 | 'p',
			's'<<16 | 'i'<<8 | 'g', 'j'<<16 | 'w'<<8 | 't', 'p'<<16 | 's'<<8 | 'k':
			return true
		}
	}
	return false
}

// namesSecret is secretName for a name of moderate length.
func namesSecret(name string) bool {
	lower := strings.ToLower(name)
	switch {
	case slices.Contains([]string{"goauth", "pwd", "oldpwd", "credsstore", "credhelpers"}, lower) || strings.HasPrefix(lower, "git_config_key_"):
		return false // choices of programs, folders, names of settings
	case strings.Contains(lower, "passenv") || strings.Contains(lower, "passthr") || strings.Contains(lower, "askpass") || strings.Contains(lower, "bypass"):
		return false
	}
	for _, part := range []string{"token", "secret", "password", "passwd", "passphrase", "credential", "authorization", "apikey", "accesskey",
		"privatekey", "signingkey", "authkey", "sshkey", "cookie", "bearer"} {
		if strings.Contains(lower, part) {
			return true
		}
	}
	words := nameWords(name)
	if slices.Contains(words, "public") {
		return false
	}
	return strings.HasSuffix(lower, "pass") && !strings.HasSuffix(lower, "compass") || slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains([]string{"key", "auth", "pass", "pwd", "pw", "pat", "otp", "sig", "signature", "jwt", "psk", "cred", "creds"}, w)
	})
}

// nameWords splits a name such as MY_API_KEY, my-api-key or myApiKey into words in lower case. KEYBOARD is one word.
func nameWords(name string) []string {
	var words []string
	start := 0
	cut := func(i int) {
		if i > start {
			words = append(words, strings.ToLower(name[start:i]))
		}
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '_' || c == '-' || c == '.' || '0' <= c && c <= '9':
			cut(i)
			start = i + 1
		case i > start && 'A' <= c && c <= 'Z' && 'a' <= name[i-1] && name[i-1] <= 'z':
			cut(i)
			start = i
		}
	}
	cut(len(name))
	return words
}

// harmless reports whether a value is not the secret that the name promises: empty, a switch, a reference to another
// variable, or the place of a file that the name says it is.
func harmless(name, value string) bool {
	switch strings.ToLower(value) {
	case "", "true", "false", "null", "nil", "none", "on", "off", "yes", "no":
		return true
	}
	if reference(value) || isMark(value) {
		return true
	}
	words := nameWords(name)
	last := ""
	if len(words) > 0 {
		last = words[len(words)-1]
	}
	switch last {
	case "file", "path", "dir", "directory", "folder", "sock", "socket", "helper", "command", "program":
		return strings.HasPrefix(value, "/") || strings.HasPrefix(value, "~") || strings.HasPrefix(value, ".") || strings.HasPrefix(value, "$") ||
			strings.HasPrefix(value, "%") || len(value) > 2 && value[1] == ':' && (value[2] == '\\' || value[2] == '/')
	}
	return false
}

// reference reports whether value is nothing but $NAME, ${…}, $1, $(…, %NAME% or {{…}}.
func reference(value string) bool {
	upper := func(s string) bool {
		return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == ""
	}
	switch {
	case strings.HasPrefix(value, "${") && strings.HasSuffix(value, "}") && strings.Count(value, "}") == 1 && !strings.ContainsAny(value, "-=:+?"),
		strings.HasPrefix(value, "${env:") && strings.IndexByte(value, '}') == len(value)-1,
		strings.HasPrefix(value, "$(") || strings.HasPrefix(value, "`"),
		strings.HasPrefix(value, "{{") && strings.HasSuffix(value, "}}"):
		return true
	case strings.HasPrefix(value, "%") && strings.HasSuffix(value, "%") && len(value) > 2:
		return upper(value[1 : len(value)-1])
	case strings.HasPrefix(value, "$env:"):
		return upper(value[5:])
	}
	return strings.HasPrefix(value, "$") && upper(value[1:])
}

// values removes what follows the names of secrets: NAME=value, "name": "value", --name value, set NAME value,
// <name>value</name>, and other ways to write a value after a name.
func (s *scrubber) values(text string, st style) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(text); {
		if !letter(text[i]) || i > 0 && (alphanumeric(text[i-1]) || text[i-1] == '_') {
			i++
			continue
		}
		end := i + 1
		for end < len(text) && (alphanumeric(text[end]) || strings.IndexByte("_-.", text[end]) >= 0) {
			end++
		}
		a := assignment{text: text, st: st, name: strings.TrimRight(text[i:end], "-."), start: i}
		a.pos = i + len(a.name)
		if (secretName(a.name) || a.option() && (userOption(a.name) || secretMacro(a.name))) && a.findValue() && !harmless(a.name, text[a.from:a.to]) {
			b.WriteString(text[done:a.from] + a.replacement(s))
			done, end = a.to, a.to
		}
		i = max(end, i+1)
	}
	return b.String() + text[done:]
}

// secretMacro reports whether the name of an option is -D of a C compiler and the name of a secret.
func secretMacro(option string) bool { return option[0] == 'D' && secretName(option[1:]) }

func letter(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }

// assignment is a name in a text and the place of the value that it is given, if it is given one.
type assignment struct {
	text  string
	st    style
	name  string
	start int // of the name
	pos   int // how far the text has been read

	quoted   bool   // the name is in quotes
	sep      string // between name and value
	spaced   bool   // with blanks
	from, to int    // of the value, without its quotes
	number   bool   // the value is a number that JSON must keep as one
	list     bool   // the value is in brackets
}

func (a *assignment) rest() string { return a.text[a.pos:] }

func (a *assignment) skipBlanks() {
	a.pos += len(a.rest()) - len(strings.TrimLeft(a.rest(), " \t"))
}

// replacement is what the value becomes.
func (a *assignment) replacement(s *scrubber) string {
	value := a.text[a.from:a.to]
	switch {
	case a.number:
		return "0"
	case a.list && strings.ContainsAny(value, `"'`):
		return s.quotedStrings(value)
	case a.list && a.quoted && (strings.TrimSpace(value) == "" || strings.ContainsAny(value, "[{")):
		return value
	case a.list && a.quoted: // numbers: JSON must stay JSON
		s.secret(value)
		return "0" + breaks(value)
	}
	return s.secret(value)
}

// quotedStrings replaces all strings in quotes.
func (s *scrubber) quotedStrings(text string) string {
	var b strings.Builder
	for {
		q := strings.IndexAny(text, `"'`)
		if q < 0 {
			return b.String() + text
		}
		end, _ := closing(text[q+1:], text[q:q+1], true)
		b.WriteString(text[:q+1] + s.secret(text[q+1:q+1+end]))
		text = text[q+1+end:]
		if text == "" {
			return b.String()
		}
		b.WriteString(text[:1])
		text = text[1:]
	}
}

// findValue looks for the value after the name.
func (a *assignment) findValue() bool {
	if q := quoteAt(a.rest()); q != "" {
		a.quoted = true
		a.pos += len(q)
	}
	if a.markup() {
		return true
	}
	if a.attribute() {
		return false
	}
	blanks := a.pos
	a.skipBlanks()
	a.spaced = a.pos > blanks
	if !a.separator() {
		return false
	}
	blanks = a.pos
	a.skipBlanks()
	a.spaced = a.spaced || a.pos > blanks
	rest := a.rest()
	switch {
	case rest == "" || strings.HasPrefix(rest, "$(") || rest[0] == '`' || rest[0] == '{' || a.sep == ":" && strings.HasPrefix(rest, "//"):
		return false
	case rest[0] == '\n' || rest[0] == '\r':
		return false
	case a.sep == ":" && (rest[0] == '|' || rest[0] == '>'):
		return a.block()
	case rest[0] == '[' && a.sep != "" && a.sep != ",":
		return a.brackets()
	}
	if strings.HasPrefix(rest, "$'") || strings.HasPrefix(rest, `$"`) {
		a.pos++
	}
	if q := quoteAt(a.rest()); q != "" {
		return a.inQuotes(q)
	}
	return a.sep != "," && a.bare()
}

// markup finds <name>value</name> and <key>name</key><string>value</string>.
func (a *assignment) markup() bool {
	rest := a.rest()
	switch {
	case strings.HasPrefix(rest, ">") && a.start > 0 && a.text[a.start-1] == '<' && !strings.EqualFold(a.name, "key"):
		a.from = a.pos + 1
	case strings.HasPrefix(rest, "</key>"):
		after := strings.TrimLeft(rest[len("</key>"):], " \t\r\n")
		if !strings.HasPrefix(after, "<string>") {
			return false
		}
		a.from = len(a.text) - len(after) + len("<string>")
	default:
		return false
	}
	n := strings.IndexByte(a.text[a.from:], '<')
	a.to = a.from + max(n, 0)
	return n > 0
}

// attribute reports whether the name is key as an attribute of markup: <add key="name" value="…"/> has the name there.
func (a *assignment) attribute() bool {
	line := a.near()
	return strings.EqualFold(a.name, "key") && strings.HasPrefix(a.rest(), "=") && strings.LastIndexByte(line, '<') > strings.LastIndexAny(line, ">\n")
}

// separator reads what is between the name and its value.
func (a *assignment) separator() bool {
	rest := a.rest()
	if a.quoted && strings.HasPrefix(rest, "value=") { // <add key="name" value="…"/>
		a.sep = "="
		a.pos += len("value=")
		return true
	}
	for _, sep := range []string{":=", "?=", "+=", "=>", "==", "=", ":"} {
		if strings.HasPrefix(rest, sep) {
			a.sep = sep
			a.pos += len(sep)
			return true
		}
	}
	if a.quoted && strings.HasPrefix(rest, ",") {
		a.sep = ","
		a.pos++
		return true
	}
	return a.spaced && (a.option() || a.command()) && !strings.HasPrefix(rest, "-")
}

// option reports whether the name is that of a command line option.
func (a *assignment) option() bool { return !a.quoted && a.start > 0 && a.text[a.start-1] == '-' }

// command reports whether the name is the first argument of a command that sets a variable.
func (a *assignment) command() bool {
	words := strings.Fields(a.before())
	if len(words) > 1 && words[0] == "launchctl" {
		words = words[1:]
	}
	if len(words) == 0 || !slices.Contains([]string{"set", "setenv", "setx"}, words[0]) {
		return false
	}
	return !slices.ContainsFunc(words[1:], func(w string) bool { return w[0] != '-' && w[0] != '/' })
}

// before returns what stands before the name in its command.
func (a *assignment) before() string {
	line := a.near()
	return line[strings.LastIndexAny(line, "\n\x00;&|({")+1:]
}

// window is how far from a name it is looked for what belongs to it. It bounds the time that a long line takes.
const window = 512

// near returns what stands before the name.
func (a *assignment) near() string { return a.text[max(0, a.start-window):a.start] }

// inQuotes finds the value in the quotes q, the closing ones of which may be on another line only if they follow an
// "=" at once, since an apostrophe may also be one.
func (a *assignment) inQuotes(q string) bool {
	a.from = a.pos + len(q)
	n, closed := closing(a.text[a.from:], q, a.sep == "=" && !a.spaced)
	a.to = a.from + n
	if !closed {
		return a.to > a.from
	}
	// In a shell the word may go on.
	if after := a.text[min(a.to+len(q), len(a.text)):]; a.sep == "=" && !a.spaced && a.from < a.to && after != "" && alphanumeric(after[0]) {
		a.from--
		a.to += len(q) + wordLen(after, " \t\r\n;&|()<>\x00\"'`")
	}
	return a.to > a.from
}

// bare finds a value without quotes.
func (a *assignment) bare() bool {
	a.from = a.pos
	rest := a.rest()
	lower := strings.ToLower(a.name)
	switch {
	case a.quoted && a.sep == ":": // JSON
		a.to = a.from + len(strings.TrimRight(rest[:wordLen(rest, ",]}\r\n\x00")], " \t"))
		a.number = strings.Trim(a.text[a.from:a.to], "0123456789.eE+-") == ""
	case a.sep == ":" && !a.lineStart() && (strings.HasSuffix(lower, "authorization") || strings.HasSuffix(lower, "cookie")):
		a.to = a.from + wordLen(rest, "\r\n\x00\"'")
	case a.sep == "" && userOption(a.name):
		a.to = a.from + a.shellWord(" \t\r\n;|()<>\x00\"'`")
		return strings.Contains(a.text[a.from:a.to], ":")
	case a.st.lines && a.sep == ":" && a.start > 0 && (a.text[a.start-1] == '"' || a.text[a.start-1] == '\''):
		a.to = a.from + wordLen(rest, "\r\n\x00"+a.text[a.start-1:a.start]) // 'Name: value'
	case a.st.lines && a.sep != "" && (a.lineStart() || a.sep == ":"), a.sep == "" && a.command() && !a.option():
		a.to = a.from + wordLen(rest, "\r\n\x00")
	default:
		delimiters := " \t\r\n;|()<>\x00\"'`"
		if a.start > 0 && strings.IndexByte("?&", a.text[a.start-1]) >= 0 {
			delimiters += "&,#" // in a URL
		}
		a.to = a.from + a.shellWord(delimiters)
	}
	return a.to > a.from
}

// shellWord returns the length of a word which may have parts in quotes and escaped characters.
func (a *assignment) shellWord(delimiters string) int {
	rest := a.rest()
	n := 0
	for n < len(rest) {
		c := rest[n]
		switch {
		case c == '\\' && n+1 < len(rest):
			n += 2
		case (c == '"' || c == '\'') && n > 0:
			end, closed := closing(rest[n+1:], rest[n:n+1], false)
			if !closed || strings.ContainsAny(rest[n+1:n+1+end], " \t") {
				return n // it closes quotes around all of this
			}
			n += end + 2
		case strings.IndexByte(delimiters, c) >= 0, c == '&' && (n+1 == len(rest) || strings.IndexByte("& \t\r\n", rest[n+1]) >= 0):
			return n
		default:
			n++
		}
	}
	return n
}

// lineStart reports whether the name is the first word of its line, or only export or the like is before it.
func (a *assignment) lineStart() bool {
	line := a.near()
	line = strings.Trim(line[strings.LastIndexAny(line, "\n\x00")+1:], " \t\"'-")
	return line == "" || line == "export" || line == "set" || strings.HasPrefix(line, "//")
}

// block finds the indented lines after "name: |" in YAML.
func (a *assignment) block() bool {
	first := a.near()
	first = first[strings.LastIndexByte(first, '\n')+1:]
	indent := len(first) - len(strings.TrimLeft(first, " "))
	a.from = a.pos + lineLen(a.rest())
	a.to = a.from
	for a.to < len(a.text) {
		line := a.text[a.to+1:]
		line = line[:lineLen(line)]
		if strings.TrimSpace(line) != "" && len(line)-len(strings.TrimLeft(line, " ")) <= indent {
			break
		}
		a.to += 1 + len(line)
	}
	if a.to = min(a.to, len(a.text)); a.from < a.to {
		a.from++ // behind the line break
		a.from += len(a.text[a.from:a.to]) - len(strings.TrimLeft(a.text[a.from:a.to], " "))
	}
	return a.to > a.from
}

// brackets finds a list in brackets.
func (a *assignment) brackets() bool {
	rest := a.rest()
	n := strings.IndexByte(rest[:min(64*window, len(rest))], ']')
	a.from, a.to, a.list = a.pos+1, a.pos+n, true
	return n > 1
}

// quoteAt returns the quote that text begins with, with the backslashes before it if it is inside other quotes.
func quoteAt(text string) string {
	n := len(text) - len(strings.TrimLeft(text, `\`))
	if n < len(text) && n < 8 && (text[n] == '"' || text[n] == '\'') {
		return text[:n+1]
	}
	return ""
}

// closing returns the index of the quote q that closes what text begins with. If there is none, in the same line unless
// lines is set, it returns where the line ends.
func closing(text, q string, lines bool) (end int, closed bool) {
	if q == `"` {
		for end < len(text) && text[end] != '"' && (lines || text[end] != '\n') {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(text))
		closed = end < len(text) && text[end] == '"'
	} else if end = strings.Index(text, q); end >= 0 {
		closed = lines || !strings.Contains(text[:end], "\n")
	}
	if !closed {
		end = lineLen(text)
	}
	return end, closed
}

func lineLen(text string) int { return wordLen(text, "\r\n\x00") }

// wordLen returns the length of text up to the first of the delimiters.
func wordLen(text, delimiters string) int {
	if n := strings.IndexAny(text, delimiters); n >= 0 {
		return n
	}
	return len(text)
}
