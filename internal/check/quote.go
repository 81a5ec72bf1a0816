package check

import (
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/shell"
)

// quote makes text one word of a command for the shell that commands are given for: PowerShell on Windows, else the user's.
func quote(f *facts.Facts, text string) string {
	switch {
	case plainWord(text):
		return text
	case f.Platform.Windows():
		return quotePowerShell(text)
	case shellKind(f) == shell.Fish:
		return fishQuote(text)
	}
	if strings.Contains(text, "'") && !strings.ContainsAny(text, "\"$`\\!\n") {
		return `"` + text + `"`
	}
	return singleQuoted(text)
}

// singleQuoted quotes text for the shells that are like sh.
func singleQuoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// doubleQuoted is text for the inside of double quotes of such a shell, in which it means itself.
func doubleQuoted(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(text)
}

// plainWord reports whether no shell takes text for anything but one word.
func plainWord(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("=/:.,_-+@%", c)
	})
}

func quotePowerShell(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// fishQuote makes one word of text for fish, which knows two escapes inside single quotes.
func fishQuote(text string) string {
	if plainWord(text) {
		return text
	}
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
