package sysenv

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes inputs that are mostly sensible and sometimes odd. The same seed gives the same inputs.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 1))} }

func (g generator) pick(list ...string) string { return list[g.IntN(len(list))] }

// times joins up to n words made by one.
func (g generator) times(n int, one func() string) string {
	var b strings.Builder
	for range g.IntN(n + 1) {
		b.WriteString(one())
	}
	return b.String()
}

// name returns the name of a variable; few, so that files interact.
func (g generator) name() string {
	return g.pick("GOPROXY", "GOFLAGS", "GOA", "GOB", "GOC", "PATH", "HTTP_PROXY", "_x", "A1")
}

// text returns characters that mean nothing special to most programs.
func (g generator) text() string {
	return g.pick("a", "b1", "https://proxy.example.com", ",direct", "/usr/bin", ":", "-mod=mod", "é", "x=y", "|", "off")
}

// systemdValue returns a value as it may stand in a file for systemd.
func (g generator) systemdValue() string {
	return g.times(5, func() string {
		switch g.IntN(16) {
		case 0:
			return g.pick(" ", "  ", "\t")
		case 1:
			return `"` + g.times(3, g.quotedPart) + `"`
		case 2:
			return `'` + g.times(3, g.quotedPart) + `'`
		case 3:
			return g.pick(`"`, `'`, `\`, `\\`, `\"`, `\n`, `\t`, `\x41`, "\\\n", "\r", "`", "#", ";", " # c", "%", "%%", "%h")
		case 4, 5, 6:
			return g.expansion(2)
		default:
			return g.text()
		}
	})
}

func (g generator) quotedPart() string {
	return g.pick("a b", " ", `\"`, `\$`, `\\`, `\x`, "\n", "\\\n", "#c", ";", "'", "${GOA}", "$GOB", "é", "\t", "\r", "x")
}

func (g generator) expansion(depth int) string {
	n := g.name()
	switch g.IntN(12) {
	case 0, 1:
		return "$" + n
	case 2, 3:
		return "${" + n + "}"
	case 4:
		return "${HOME}"
	case 5:
		return g.pick("$", "$$", "${", "$}", "${}", "${:-x}", "$1", "${GOA", "${GOA:", "${GOA:x}", "${GO A}", "$-", "${GOA-x}", "$GOA.b")
	}
	inner := g.text()
	if depth > 0 {
		inner = g.times(2, func() string { return g.expansion(depth-1) + g.text() })
	}
	return "${" + n + g.pick(":-", ":+") + inner + "}"
}

// envFile returns a file for parseEnvFile.
func (g generator) envFile() string {
	file := g.times(7, func() string {
		switch g.IntN(24) {
		case 0:
			return "# " + g.text() + g.pick("\n", "\\\n", "\\ \n", "\\\\\n")
		case 1:
			return ";" + g.text() + "\n"
		case 2:
			return g.pick("\n", "  \n", "\t\n", "\r\n")
		case 3:
			return g.pick("export ", "EXPORT ", "1", "-", "\ufeff", "é", ".") + g.name() + "=" + g.systemdValue() + "\n"
		case 4:
			return g.name() + g.pick("", " ", ":") + "\n"
		case 5:
			return g.pick(" ", "\t") + g.name() + g.pick(" ", "") + "=" + g.pick(" ", "") + g.systemdValue() + g.pick("", " ") + "\n"
		case 6:
			return g.name() + "=" + g.systemdValue() + g.pick("\r\n", "\\\n", "\n")
		default:
			return g.name() + "=" + g.systemdValue() + "\n"
		}
	})
	if g.IntN(6) == 0 {
		file = strings.TrimSuffix(file, "\n")
	}
	return file
}

// confName returns the name of a drop-in.
func (g generator) confName() string {
	return fmt.Sprintf("%d%s", g.IntN(30)+10, g.pick("-a.conf", "-b.conf", ".conf", ".conf", ".conf.off", "-c"))
}

// pamValue returns a value as it may stand in /etc/environment.
func (g generator) pamValue() string {
	v := g.times(4, func() string {
		switch g.IntN(12) {
		case 0:
			return g.pick(" ", "  ", "\t", `"`, `'`, `\`, "\r", "=", "é")
		case 1:
			return g.pick(" # c", "#", " ;x")
		case 2:
			return g.pick("$HOME", "${PATH}", "${GOA}", "$")
		case 3:
			return "\\" + g.pick("\n", " \n", "\n\n", "\n# c\n", "\n  \n")
		default:
			return g.text()
		}
	})
	switch g.IntN(8) {
	case 0:
		return `"` + v + `"`
	case 1:
		return `'` + v + `'`
	case 2:
		return g.pick(`"`, `'`) + v + g.pick(`"`, `'`, "", ` "`, `" `)
	}
	return v
}

// pamFile returns a file like /etc/environment.
func (g generator) pamFile() string {
	file := g.times(6, func() string {
		switch g.IntN(20) {
		case 0:
			return g.pick("# c\n", "  # c\n", "\n", " \t\n", "\r\n", "#\\\n", "=x\n", " =\n")
		case 1:
			return g.pick("export ", " export ", "export  ", "export\t", "EXPORT ", " ", "\t") + g.name() + "=" + g.pamValue() + "\n"
		case 2:
			return g.name() + g.pick("\n", " \n", "# c\n", " # c\n", "\r\n", "\\\n")
		case 3:
			return g.pick("1A", "A-B", "A.B", "é", "A B", "\ufeffA") + "=" + g.pamValue() + "\n"
		default:
			return g.name() + g.pick("", "", "", " ") + "=" + g.pick("", "", "", " ") + g.pamValue() + "\n"
		}
	})
	if g.IntN(6) == 0 {
		file = strings.TrimSuffix(file, "\n")
	}
	return file
}

// pamConfFile returns a file like pam_env.conf.
func (g generator) pamConfFile() string {
	word := func() string {
		v := g.times(3, func() string {
			return g.pick(g.text(), g.text(), "${"+g.name()+"}", "@{HOME}", "@{PAM_USER}", "@{SHELL}", "@{X}", `\$`, `\@`, `\x`, "$x", "@", `\\`)
		})
		if v == "" {
			// Not an empty value without quotes: before 1.6 it changes the meaning of quotes after it.
			return `""`
		}
		return g.pick(v, v, `"`+v+`"`, `"`+v+" "+v+`"`, `""`)
	}
	return g.times(4, func() string {
		switch g.IntN(12) {
		case 0:
			return g.pick("# c\n", "\n", g.name()+"=x\n", g.name()+"=\"x y\"\n", g.name()+"=x DEFAULT=y\n", "=x\n", g.name()+"=x=\n", g.name()+"\n", g.name()+" \n", g.name()+" x\n", " "+g.name()+" DEFAULT=x\n", g.name()+" DEFAULT=\"x\n", g.name()+" DEFAULT=\"x\"y\n", g.name()+" DEFAULT=${GOA\n")
		case 1:
			return g.name() + "\tDEFAULT=" + word() + g.pick(" ", " # c", "#c") + "\n"
		case 2:
			return g.name() + " OVERRIDE=" + word() + " \\\n DEFAULT=" + word() + "\n"
		case 3:
			return g.name() + " OVERRIDE=" + word() + "\n"
		case 4, 5:
			return g.name() + " DEFAULT=" + word() + "  OVERRIDE=" + word() + "\n"
		default:
			return g.name() + " DEFAULT=" + word() + "\n"
		}
	})
}

// pamService returns the file of a PAM service that lets root in and may load pam_env.
func (g generator) pamService() string {
	s := "auth sufficient pam_rootok.so\naccount required pam_permit.so\nsession required pam_permit.so\n"
	for range g.IntN(3) {
		s += g.pick("session optional pam_env.so\n", "session optional pam_env.so\n", "-session optional  pam_env.so readenv=1\n",
			"session optional pam_env.so readenv=0\n", "session\t[success=ok default=ignore]\tpam_env.so\tenvfile=/etc/second\n",
			"session optional pam_env.so user_readenv=1\n", "session optional \\\n pam_env.so\n", "@include more\n",
			"session include more\n", "session substack more\n", "SESSION Optional pam_env.so # envfile=/etc/second\n",
			"session optional pam_env.so conffile=/etc/conf2 envfile=/etc/none\n")
	}
	return s
}

// serviceLines returns up to n settings that decide the environment.
func (g generator) serviceLines(n int, envFile func() string) string {
	return g.times(n, func() string {
		switch g.IntN(22) {
		case 0:
			return "Environment=\n"
		case 1:
			return g.pick("# Environment=NOT=1\n", "; c\n", "\n", "  \n", "Unknown=1\n", "nonsense\n", " Environment = SPACED=1 \n", "environment=LOW=1\n")
		case 2, 3, 4, 5:
			return envFile()
		case 6:
			return "EnvironmentFile=\n"
		case 7:
			return "UnsetEnvironment=" + g.pick(g.name(), g.name()+" "+g.name(), g.name()+"=a", "HOME", "USER LANG", "SYS", "", "A-B", `"GOA" 'GOB'`) + "\n"
		case 8:
			return "PassEnvironment=" + g.pick(g.name(), "container", "HOME PATH", "XDG_RUNTIME_DIR GOPROXY", "", "A-B", `"container`) + "\n"
		case 9:
			return "ExecSearchPath=" + g.pick("/usr/bin:/opt/%p", "/x", "") + "\n"
		case 10:
			return "Environment=" + g.unitWord() + " \\\n" + g.pick("", "# c\n", ";c\n", "\n") + "  " + g.unitWord() + "\n"
		default:
			return "Environment=" + g.unitWord() + g.times(2, func() string { return " " + g.unitWord() }) + g.pick("", "", "", " # c", " ", "\r") + "\n"
		}
	})
}

// unitWord returns a word for Environment=.
func (g generator) unitWord() string {
	value := g.times(4, func() string {
		switch g.IntN(14) {
		case 0:
			return g.pick("%h", "%n", "%N", "%p", "%P", "%i", "%I", "%j", "%J", "%f", "%y", "%Y", "%u", "%U", "%H", "%l", "%t", "%S", "%C", "%L", "%E", "%T", "%V", "%m", "%b", "%v", "%o", "%w", "%a", "%s", "%%", "%", "%-", "%z", "%d", "%G", "%g", "%q", "%W")
		case 1:
			return g.pick(`\n`, `\x41`, `\101`, `\t`, `\"`, `\'`, `\\`, `\s`, `é`, `\xc3\xa9`, `\z`, `\xff`, `\U0001F600`, `\u00e9`, `\x00`)
		case 2:
			return g.pick("$HOME", "${GOA}", "$$", "#", ";", "=", ":", ",")
		case 3:
			return g.pick(`"a b"`, `'a b'`, `"a`, `'`, `"'"`)
		default:
			return g.text()
		}
	})
	switch g.IntN(10) {
	case 0:
		return `"` + g.name() + "=" + strings.ReplaceAll(value, `"`, "") + ` x"`
	case 1:
		return `'` + g.name() + "=" + strings.ReplaceAll(value, `'`, "") + ` y'`
	case 2:
		return g.pick("export", "A-B=1", "1A=1", "NOVALUE", "=x", "É=1", `""`)
	}
	return g.name() + "=" + value
}

// crontab returns a crontab with one job that prints its environment.
func (g generator) crontab(column, user string) string {
	lines := func(n int) string {
		return g.times(n, func() string {
			if g.IntN(40) == 0 {
				return g.pick("export A=1\n", "A=\n", "A B=1\n", "\"A\n", "A=\"x\" y\n", "1 2 3\n", "@never x\n", "60 * * * * x\n", "A=\"x\n", "é\n")
			}
			if g.IntN(8) == 0 {
				return g.pick("# c\n", "\n", "  # c\n", "\t\n")
			}
			name := g.pick(g.name(), "HOME", "SHELL2", "LOGNAME", `"GOA"`, "'GO B'")
			value := g.times(3, func() string { return g.pick(g.text(), g.text(), " ", "$HOME", "'", "#", "\\", "%") }) + g.text()
			value = g.pick(value, value, `"`+strings.ReplaceAll(value, `"`, "")+`"`, `"'`+strings.ReplaceAll(value, `'`, "")+`'"`, `""`, `"  `+g.text()+` "`)
			if name == "HOME" {
				value = g.pick("/tmp", `"/var/tmp"`)
			}
			return g.pick("", "", " ") + name + g.pick("=", "=", " = ", "\t=") + value + g.pick("", "", " ", "\t", "\r") + "\n"
		})
	}
	schedule := g.pick("* * * * *", "*/1 * * * *", "0-59 * * * *", "* * * jan-dec *", "* * * * mon,tue,wed,thu,fri,sat,sun", "  *  *\t*  *  *", "* 0-23/1 * 1-12 0-7")
	tab := lines(6) + schedule + " " + column + "/usr/bin/env -0 > /var/tmp/cron/" + user + "; echo > /var/tmp/cron.done\n" + lines(2)
	if g.IntN(15) == 0 {
		tab += "LAST=1" // without an end
	}
	return tab
}
