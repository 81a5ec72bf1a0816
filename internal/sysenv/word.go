package sysenv

import (
	"errors"
	"strings"
	"unicode/utf8"
)

var errQuoting = errors.New("unbalanced quotes or bad escape")

// cutQuoted cuts the first word from s as systemd does with EXTRACT_UNQUOTE (src/basic/extract-word.c,
// extract_first_word). With escapes, a backslash begins an escape of C (EXTRACT_CUNESCAPE); otherwise it quotes one
// character. ok is false at the end of s.
func cutQuoted(s string, escapes bool) (word, rest string, ok bool, err error) {
	s = strings.TrimLeft(s, systemdSpace)
	if s == "" {
		return "", "", false, nil
	}
	var out strings.Builder
	quote := byte(0)
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\\':
			n, err := unescape(&out, s[i+1:], escapes)
			if err != nil {
				return "", "", false, err
			}
			i += n + 1
			continue
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && isSpace(c):
			return out.String(), strings.TrimLeft(s[i:], systemdSpace), true, nil
		default:
			out.WriteByte(c)
		}
		i++
	}
	if quote != 0 {
		return "", "", false, errQuoting
	}
	return out.String(), "", true, nil
}

// unescape writes what the escape at the start of s, without its backslash, stands for and returns its length
// (src/basic/escape.c, cunescape_one).
func unescape(out *strings.Builder, s string, escapes bool) (n int, err error) {
	if s == "" {
		return 0, errQuoting
	}
	if !escapes {
		out.WriteByte(s[0])
		return 1, nil
	}
	if i := strings.IndexByte(`abfnrtv\"'s`, s[0]); i >= 0 {
		out.WriteByte("\a\b\f\n\r\t\v\\\"' "[i])
		return 1, nil
	}
	switch s[0] {
	case 'x':
		return unescapeNumber(out, s, 1, 2, 16)
	case 'u':
		return unescapeNumber(out, s, 1, 4, 16)
	case 'U':
		return unescapeNumber(out, s, 1, 8, 16)
	}
	return unescapeNumber(out, s, 0, 3, 8)
}

// unescapeNumber reads digits of a base after skip characters: two and three digits are a byte, more a code point.
func unescapeNumber(out *strings.Builder, s string, skip, digits int, base uint64) (n int, err error) {
	if len(s) < skip+digits {
		return 0, errQuoting
	}
	var v uint64
	for _, c := range []byte(s[skip : skip+digits]) {
		d := uint64(strings.IndexByte("0123456789abcdef", lower(c)))
		if d >= base {
			return 0, errQuoting
		}
		v = v*base + d
	}
	switch {
	case v == 0, digits <= 3 && v > 0xff, digits == 8 && !validCodePoint(v):
		return 0, errQuoting
	case digits <= 3:
		out.WriteByte(byte(v))
	default:
		writeRune(out, rune(v))
	}
	return skip + digits, nil
}

func validCodePoint(v uint64) bool {
	return v <= utf8.MaxRune && validUTF8(string(rune(v))) && utf8.ValidRune(rune(v))
}

// writeRune encodes r as systemd does, which for \ud800 is not UTF-8; the value is refused later for that.
func writeRune(out *strings.Builder, r rune) {
	if 0xd800 <= r && r <= 0xdfff {
		out.Write([]byte{0xe0 | byte(r>>12), 0x80 | byte(r>>6&0x3f), 0x80 | byte(r&0x3f)})
		return
	}
	out.WriteRune(r)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
