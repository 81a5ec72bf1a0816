package cli

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// visible makes text harmless and honest: control and format characters, which may move the cursor or turn the reading
// direction, and invalid UTF-8 are written as escapes; a tab is a blank.
func visible(text string) string {
	if !strings.ContainsFunc(text, hidden) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case r == '\t':
			b.WriteByte(' ')
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case !hidden(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += size
	}
	return b.String()
}

// hidden reports whether a character does not show itself.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// asciiOnly writes what is not ASCII as escapes.
func asciiOnly(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r > 0x7e }) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '…':
			b.WriteString("...")
		case r <= 0x7e:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// wide reports whether a character takes two columns. Lines may be broken beside such characters: Chinese has no blanks.
func wide(r rune) bool {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return true
	}
	return false
}

// Characters that do not begin a line, and those that do not end one.
const (
	noBegin = "，。；：、！？）」』】》〉”’…%,.;:!?)]}"
	noEnd   = "（「『【《〈“‘([{"
)

// wrap breaks text into lines: the first of at most first columns, the others of at most rest. It breaks at blanks and
// beside wide characters, but not within a word, however long: a path or command is there to be copied.
func wrap(text string, first, rest int) []string {
	var lines []string
	line, limit := "", first
	blank := false // a blank stands before the next unit
	for unit := ""; text != ""; {
		if unit, text = nextUnit(text); unit == " " {
			blank = true
			continue
		}
		gap := ""
		if blank && line != "" {
			gap = " "
		}
		if line != "" && columns(line)+len(gap)+columns(unit) > limit {
			lines, line, gap, limit = append(lines, line), "", "", rest
		}
		line += gap + unit
		blank = false
	}
	return append(lines, line)
}

// nextUnit returns what must stay on one line at the beginning of text: a word, a wide character with its punctuation,
// or blanks, which are returned as " ".
func nextUnit(text string) (unit, rest string) {
	if trimmed := strings.TrimLeft(text, " \n"); trimmed != text {
		return " ", trimmed
	}
	var last rune
	for i, r := range text {
		if i > 0 && (r == ' ' || r == '\n' || mayBreak(last, r)) {
			return text[:i], text[i:]
		}
		last = r
	}
	return text, ""
}

// mayBreak reports whether a line may end between two characters that are no blanks.
func mayBreak(before, after rune) bool {
	return (wide(before) || wide(after)) && !unicode.Is(unicode.M, after) && !strings.ContainsRune(noBegin, after) && !strings.ContainsRune(noEnd, before)
}

// cut shortens text to at most limit columns; mark then stands at its end.
func cut(text string, limit int, mark string) string {
	if columns(text) <= limit {
		return text
	}
	limit -= columns(mark)
	n := 0
	for i, r := range text {
		if n += columns(string(r)); n > limit {
			return strings.TrimRight(text[:i], " ") + mark
		}
	}
	return text
}
