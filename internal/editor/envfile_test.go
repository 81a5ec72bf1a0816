package editor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// TestParseEnvFile: each result was compared with what the regular expressions of envUtils.ts give in node.
func TestParseEnvFile(t *testing.T) {
	env := layer.FromList([]string{"G=glob", "H="}, layer.OSEnv, "x", false)
	env.Add("U", layer.Set{Unknown: msg.New("reason")})
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "A=1\nB=2", `A="1" B="2"`},
		{"export", "export A=1\nexport\tB=2", `A="1" B="2"`},
		{"key_named_export", "export=1", `export="1"`},
		{"blanks", "  A  =  1  \n", `A="1  "`},
		{"crlf", "A=1\r\nB=\r\n", `A="1" B=""`},
		{"bom", "\uFEFFA=1", `A="1"`},
		{"comment", "# A=1\nB=1 # no comment", `B="1 # no comment"`},
		{"quotes", "A=\"x\"\nB='y'\nC=\"z\nD=z'", `A="x" B="y" C="z" D="z"`},
		{"mixed_quotes", `A="x'`, `A="x"`},
		{"one_quote", `A="`, `A=""`},
		{"inner_quotes", `A="x" y`, `A="x\" y"`},
		{"line_break", `A="x\ny"` + "\n" + `B='x\ny'` + "\n" + `C=x\ny`, `A="x\ny" B="x\\ny" C="x\\ny"`},
		{"reference", "A=1\nB=${A}${G}${NO}", `A="1" B="1glob"`},
		{"empty_local_falls_through", "G=\nB=${G}", `G="" B="glob"`},
		{"escaped", `A=\${G}`, `A="${G}"`},
		{"dollar_alone", "A=$G", `A="$G"`},
		{"invalid_reference_stops_all", "A=${G}${a-b}", `A="${G}${a-b}"`},
		{"empty_reference", "A=${}${G}", `A="${}${G}"`},
		{"digit_is_no_reference", "A=${1}${G}", `A="${1}glob"`},
		{"no_equals", "A\nB=1", `B="1"`},
		{"empty_key", "=1", ``},
		{"dots_and_dashes", "a.b-c=1", `a.b-c="1"`},
		{"odd_key", "A B=1\nÄ=1", ``},
		{"duplicate", "A=1\nA=2", `A="1"! A="2"`},
		{"carriage_return_inside", "A=1\rB=2", ``},
		{"unknown", "A=${U}", `A="" unknown`},
		{"empty", "", ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, l := range ParseEnvFile("f", []byte(tt.in), env).Lines {
				s := fmt.Sprintf("%s=%q", l.Key, l.Text.Value)
				if !l.Taken {
					s += "!"
				}
				if !l.Text.Unknown.IsZero() {
					s += " unknown"
				}
				got = append(got, s)
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("ParseEnvFile(%q) = %s, want %s", tt.in, g, tt.want)
			}
		})
	}
}

func TestEnvFileIgnoredLines(t *testing.T) {
	f := ParseEnvFile("f", []byte("A=1\n\n# c\nset -e\n  \nB=2\n}"), nil)
	if fmt.Sprint(f.Ignored) != "[4 7]" || f.Lines[1].Line != 6 {
		t.Errorf("ignored %v, lines %+v", f.Ignored, f.Lines)
	}
}

func TestEnvFileBounded(t *testing.T) {
	var doubling strings.Builder
	doubling.WriteString("A0=xxxxxxxx\n")
	for i := range 60 {
		fmt.Fprintf(&doubling, "A%d=${A%d}${A%d}\n", i+1, i, i)
	}
	for name, in := range map[string]string{
		"doubling":     doubling.String(),
		"open_braces":  "A=" + strings.Repeat("${-", 1<<20),
		"braces_later": `A="` + strings.Repeat("${-", 1<<18) + `\n}"`,
		"many_lines":   strings.Repeat("A=${B}\n", 1<<17),
		"long_value":   "A=" + strings.Repeat("x", MaxJSON),
		"many_vars":    "B=" + strings.Repeat("y", 1000) + "\n" + strings.Repeat("A=${B}${B}${B}\n", 1<<16),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			total := 0
			for _, l := range ParseEnvFile("f", []byte(in), nil).Lines {
				total += len(l.Text.Value)
			}
			if d := time.Since(start); d > time.Minute || total > 4*maxEnvFile {
				t.Errorf("took %v for %d bytes", d, total)
			}
		})
	}
}

func FuzzParseEnvFile(f *testing.F) {
	for _, s := range []string{"A=1\nexport B=\"${A}\\n\"", "A=${-}", "A='", "=\r", "\uFEFFA=${", "A=${é}"} {
		f.Add(s)
	}
	env := layer.FromList([]string{"G=glob"}, layer.OSEnv, "x", false)
	f.Fuzz(func(t *testing.T, in string) {
		for _, l := range ParseEnvFile("f", []byte(in), env).Lines {
			if l.Key == "" || strings.ContainsAny(l.Key, "= \n") || l.Line < 1 {
				t.Errorf("%+v from %q", l, in)
			}
		}
	})
}
