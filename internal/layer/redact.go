package layer

import "strings"

// Masked stands for a secret that is not shown.
const Masked = "xxxxx"

// Redact returns value with secrets masked: passwords in URLs, user names in URLs that look like tokens, and the whole
// value if the variable's name says that it is secret.
func Redact(name, value string) string {
	if value != "" && secretName(name) {
		return Masked
	}
	return redactURLs(value)
}

func secretName(name string) bool {
	upper := strings.ToUpper(name)
	for _, word := range []string{"TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "APIKEY", "API_KEY", "PRIVATE_KEY", "ACCESS_KEY"} {
		if strings.Contains(upper, word) {
			return true
		}
	}
	return false
}

// redactURLs masks what stands before the "@" of every URL in text.
func redactURLs(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	var b strings.Builder
	for {
		i := strings.Index(text, "://")
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i+3])
		text = text[i+3:]
		end := strings.IndexAny(text, "/?#,| \t\n\"'")
		if end < 0 {
			end = len(text)
		}
		if at := strings.LastIndexByte(text[:end], '@'); at >= 0 {
			b.WriteString(redactUser(text[:at]))
			text = text[at:]
		}
	}
}

func redactUser(user string) string {
	name, _, hasPassword := strings.Cut(user, ":")
	if len(name) >= 20 { // a token given as the user's name
		name = Masked
	}
	if hasPassword {
		return name + ":" + Masked
	}
	return name
}
