package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goready/goready/internal/msg"
)

// style writes text for people: in their language, with their home folder as ~, in colours and beyond ASCII only where
// the output can show it.
type style struct {
	w      io.Writer
	lang   msg.Lang
	home   string
	sep    string // the path separator of the machine described
	wide   bool   // sentences may be as long as width
	colour bool
	ascii  bool
	width  int // columns of the output
	// cuts: the output is a terminal, where lines that are only shown, not read whole, end at its edge.
	cuts bool
}

func (a *app) style(w io.Writer, home, sep string) (style, error) {
	l, err := a.language()
	if err != nil {
		return style{}, err
	}
	s := style{w: w, lang: l, home: home, sep: sep, colour: a.colours(), ascii: !a.utf8(), width: 100}
	if columns, ok := terminal(a.Stdout); ok && a.output == "" {
		s.width, s.cuts = columns, true
	} else if n, err := strconv.Atoi(a.getenv("COLUMNS")); err == nil && n >= 20 {
		s.width, s.wide = n, true
	}
	return s, nil
}

// utf8 reports whether the locale of the output has UTF-8. A Chinese or unset locale is taken to have it.
func (a *app) utf8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(a.getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return a.mine().Platform().OS != "linux"
}

func (s style) printf(format string, args ...any) { fmt.Fprintf(s.w, format, args...) }

// t puts a sentence into words, ready to be printed.
func (s style) t(format msg.Text) string { return s.clean(format.In(s.lang)) }

// clean makes text fit for the output: control characters visible, ~ for the home folder, and ASCII where the output has
// nothing else. Chinese is left as it is: who asks for it there has a reason.
func (s style) clean(text string) string {
	text = s.tilde(visible(text))
	if s.ascii && s.lang != msg.Chinese {
		return asciiOnly(text)
	}
	return text
}

// verbatim is clean for what is quoted from a file: there ~ may mean something else than the home folder.
func (s style) verbatim(text string) string {
	if text = visible(text); s.ascii && s.lang != msg.Chinese {
		return asciiOnly(text)
	}
	return text
}

// tilde replaces the home folder by ~ wherever a word of text begins with it. What stands behind "=" is a value, and most
// programs that read one do not know ~.
func (s style) tilde(text string) string {
	if len(s.home) < 2 || !strings.Contains(text, s.home) {
		return text
	}
	var b strings.Builder
	for {
		i := strings.Index(text, s.home)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		rest := text[i+len(s.home):]
		b.WriteString(text[:i])
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(rest)
		starts := i == 0 || strings.ContainsRune(" \t\"'`(<[（：，；、“", before)
		ends := rest == "" || strings.HasPrefix(rest, s.sep) || strings.ContainsRune(" \t\"'`):,;>]）：，；、。”", after)
		if starts && ends {
			b.WriteString("~")
		} else {
			b.WriteString(s.home)
		}
		text = rest
	}
}

// command returns a line of a command, to be copied: a shell expands ~ only at the beginning of a word without quotes.
func (s style) command(line string) string {
	line = visible(line)
	if s.sep == `\` || len(s.home) < 2 || strings.ContainsAny(line, "'\"") {
		return line
	}
	words := strings.Split(line, " ")
	for i, word := range words {
		if rest, ok := strings.CutPrefix(word, s.home); ok && (rest == "" || strings.HasPrefix(rest, "/")) {
			words[i] = "~" + rest
		}
	}
	return strings.Join(words, " ")
}

// The parts of an answer that are told apart by colour.
func (s style) bold(text string) string  { return s.paint("1", text) }
func (s style) good(text string) string  { return s.paint("32", text) }
func (s style) warn(text string) string  { return s.paint("33", text) }
func (s style) bad(text string) string   { return s.paint("31", text) }
func (s style) faint(text string) string { return s.paint("2", text) }

func (s style) paint(code, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// mark returns a sign, or its ASCII form where the output has no UTF-8.
func (s style) mark(sign, ascii string) string {
	if s.ascii {
		return ascii
	}
	return sign
}

// list writes items separated by commas, wrapped to the width of the output; lines after the first are indented.
func (s style) list(items []string, first, rest string) {
	line := first
	for i, item := range items {
		if i < len(items)-1 {
			item += ","
		}
		if columns(line)+1+columns(item) > s.width && columns(line) > columns(rest) {
			s.printf("%s\n", strings.TrimRight(line, " "))
			line = rest
		}
		line += item + " "
	}
	s.printf("%s\n", strings.TrimRight(line, " "))
}

// show makes a value visible: control characters and invalid UTF-8 are escaped, an empty value is shown as such.
func (s style) show(value string) string {
	if value == "" {
		return s.faint(msg.New("(empty)").In(s.lang))
	}
	clean := utf8.ValidString(value)
	for _, r := range value {
		if r < 0x20 || r == 0x7f || (s.ascii && r > 0x7e) {
			clean = false
		}
	}
	if value != strings.TrimSpace(value) {
		clean = false
	}
	switch {
	case clean:
		sep := ":"
		if s.sep == `\` {
			sep = ";"
		}
		list := strings.Split(value, sep) // such as PATH
		for i := range list {
			list[i] = s.tilde(list[i])
		}
		return strings.Join(list, sep)
	case s.ascii:
		return fmt.Sprintf("%+q", value)
	}
	return fmt.Sprintf("%q", value)
}

// columns returns the number of terminal columns text takes.
func columns(text string) int {
	n := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		i += size
		switch {
		case r == 0x1b: // a colour
			if end := strings.IndexByte(text[i:], 'm'); end >= 0 {
				i += end + 1
			}
		case r < 0x7f:
			n++
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
		case wide(r):
			n += 2
		default:
			n++
		}
	}
	return n
}
