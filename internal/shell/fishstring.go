package shell

import (
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/pattern"
)

// stringCommand executes the subcommands of string that start-up files use.
func (f *fish) stringCommand(args []value) {
	if len(args) == 0 {
		f.status = failure
		return
	}
	sub, flags := args[0].s, ""
	args = args[1:]
	for len(args) > 0 && strings.HasPrefix(args[0].s, "-") && len(args[0].s) > 1 {
		flag := args[0].s
		args = args[1:]
		if flag == "--" {
			break
		}
		flags += " " + flag
	}
	if f.in != nil && len(args) < 2 && (sub == "split" || sub == "join" || sub == "match" || sub == "trim" || sub == "upper" || sub == "lower") {
		for line := range strings.Lines(f.in.rest) {
			args = append(args, value{s: strings.TrimSuffix(line, "\n"), why: f.in.why})
		}
	}
	for _, a := range args {
		if !a.known() {
			f.status = unknownStatus(a.why)
			f.write(unknown("", a.why))
			return
		}
	}
	if !f.stringKnown(sub, strings.TrimSpace(flags), args) {
		f.status = unknownStatus(notFollowed())
		f.write(unknown("", notFollowed()))
	}
}

// stringKnown executes a subcommand of string on known words; false if it is not followed.
func (f *fish) stringKnown(sub, flags string, args []value) bool {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a.s
	}
	each := func(do func(string) string) bool {
		changed := false
		for _, w := range words {
			out := do(w)
			changed = changed || out != w
			f.write(known(out + "\n"))
		}
		f.status = statusOf(changed)
		return true
	}
	switch {
	case sub == "upper" && flags == "":
		return each(strings.ToUpper)
	case sub == "lower" && flags == "":
		return each(strings.ToLower)
	case sub == "trim" && flags == "":
		return each(strings.TrimSpace)
	case sub == "length" && (flags == "" || flags == "-q"):
		each(func(s string) string { return itoa(int64(len([]rune(s)))) })
		f.status = statusOf(strings.Join(words, "") != "")
		return true
	case sub == "join" && flags == "" && len(words) > 0:
		f.write(known(strings.Join(words[1:], words[0]) + "\n"))
		f.status = statusOf(len(words) > 2)
		return true
	case sub == "split" && flags == "" && len(words) > 0:
		sep := words[0]
		words = words[1:]
		return each(func(s string) string { return strings.ReplaceAll(s, sep, "\n") })
	case sub == "replace" && (flags == "" || flags == "-a" || flags == "--all") && len(words) >= 2:
		n := 1
		if flags != "" {
			n = -1
		}
		from, to := words[0], words[1]
		words = words[2:]
		return from != "" && len(to) < 1000 && each(func(s string) string { return strings.Replace(s, from, to, n) })
	case sub == "match":
		return f.stringMatch(flags, words)
	}
	return false
}

// matches reports whether a wildcard matches.
func (f *fish) matches(pat, s string) bool {
	re, err := f.e.compile(strings.ReplaceAll(pat, "[", `\[`), pattern.EntireString, "^(?:", ")$")
	return err == nil && re.MatchString(s)
}

func (f *fish) stringMatch(flags string, words []string) bool {
	if len(words) == 0 {
		return false
	}
	re, isRegexp := (*regexp.Regexp)(nil), false
	quiet, invert := false, false
	for flag := range strings.FieldsSeq(strings.NewReplacer("--quiet", "-q", "--regex", "-r", "--invert", "-v", "--all", "-a").Replace(flags)) {
		for _, c := range flag[1:] {
			quiet, invert, isRegexp = quiet || c == 'q', invert || c == 'v', isRegexp || c == 'r'
			if !strings.ContainsRune("qvra", c) {
				return false
			}
		}
	}
	if isRegexp {
		var err error
		if re, err = regexp.Compile(words[0]); err != nil || !quiet {
			return false
		}
	}
	f.status = failure
	for _, w := range words[1:] {
		ok := re != nil && re.MatchString(w) || re == nil && f.matches(words[0], w)
		if ok != invert {
			f.status = success
			if !quiet {
				f.write(known(w + "\n"))
			}
		}
	}
	return true
}
