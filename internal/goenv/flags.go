package goenv

import (
	"fmt"
	"strings"

	"github.com/goready/goready/internal/msg"
)

// Flag is a flag in GOFLAGS.
type Flag struct {
	Text  string // as written, without quotes around it
	Name  string // without dashes
	Value string
	// HasValue: written as -name=value.
	HasValue bool
}

// flagsKnown has every flag that some go command of Go 1.26 takes, which is what GOFLAGS may hold.
const flagsKnown = " C a artifacts asan asmflags bench benchmem benchtime blockprofile blockprofilerate buildmode " +
	"buildvcs c cache changed compat compiled compiler count cover covermode coverpkg coverprofile cpu " +
	"cpuprofile d debug-actiongraph debug-runtime-trace debug-trace deps diff dropexclude dropgodebug " +
	"dropignore dropreplace droprequire dropretract droptool dropuse e exclude exec export f failfast " +
	"find fix fixtool fmt fullpath fuzz fuzzcache fuzzminimizetime fuzztime gccgoflags gcflags go " +
	"godebug i ignore insecure installsuffix json ldflags linkshared list m memprofile memprofilerate " +
	"mod modcache modcacherw modfile module msan mutexprofile mutexprofilefraction n o outputdir overlay " +
	"p parallel pgo pkgdir print r race replace require retract retracted reuse run short shuffle skip t " +
	"tags test testcache timeout tool toolchain toolexec trace trimpath u use v vendor versions vet " +
	"vettool w work x "

// flagsTest has those that may also be written with the prefix "test.".
const flagsTest = " artifacts bench benchmem benchtime blockprofile blockprofilerate count coverprofile cpu cpuprofile " +
	"failfast fullpath fuzz fuzzminimizetime fuzztime list memprofile memprofilerate mutexprofile " +
	"mutexprofilefraction outputdir parallel run short shuffle skip timeout trace v "

// ParseGOFLAGS splits the value of GOFLAGS as cmd/go/internal/base.InitGOFLAGS does. err is what every go command but
// env and bug says and then fails with; flags are those before the mistake.
func ParseGOFLAGS(goflags string) (flags []Flag, err msg.Text) {
	fields, splitErr := SplitQuoted(goflags)
	if splitErr != nil {
		return nil, msg.New("parsing $GOFLAGS: %s", splitErr.Error())
	}
	for _, text := range fields {
		if !strings.HasPrefix(text, "-") || text == "-" || text == "--" ||
			strings.HasPrefix(text, "---") || strings.HasPrefix(text, "-=") || strings.HasPrefix(text, "--=") {
			return flags, msg.New("parsing $GOFLAGS: non-flag %q", text)
		}
		f := Flag{Text: text}
		f.Name, f.Value, f.HasValue = strings.Cut(strings.TrimPrefix(text[1:], "-"), "=")
		if !flagKnown(f.Name) {
			return flags, msg.New("parsing $GOFLAGS: unknown flag -%s", f.Name)
		}
		flags = append(flags, f)
	}
	return flags, msg.Text{}
}

func flagKnown(name string) bool {
	test, ok := strings.CutPrefix(name, "test.")
	return envInList(flagsKnown, name) || ok && envInList(flagsTest, test)
}

// SplitQuoted splits s into fields at blanks, tabs and line ends as cmd/internal/quoted.Split does: a field that begins
// with a quote ends at the next one of its kind, with no escapes; quotes inside a field are ordinary characters.
func SplitQuoted(s string) ([]string, error) {
	const blanks = " \t\n\r"
	var fields []string
	for s = strings.TrimLeft(s, blanks); s != ""; s = strings.TrimLeft(s, blanks) {
		if s[0] == '"' || s[0] == '\'' {
			field, rest, ok := strings.Cut(s[1:], s[:1])
			if !ok {
				return nil, fmt.Errorf("unterminated %c string", s[0])
			}
			fields = append(fields, field)
			s = rest
			continue
		}
		end := strings.IndexAny(s, blanks)
		if end < 0 {
			end = len(s)
		}
		fields = append(fields, s[:end])
		s = s[end:]
	}
	return fields, nil
}

// joinQuoted is cmd/internal/quoted.Join, or strings.Join where that fails, as "go env" uses it.
func joinQuoted(fields []string) string {
	quoted := make([]string, len(fields))
	for i, f := range fields {
		switch {
		case !strings.ContainsAny(f, " \t\n\r'\""):
			quoted[i] = f
		case !strings.Contains(f, "'"):
			quoted[i] = "'" + f + "'"
		case !strings.Contains(f, `"`):
			quoted[i] = `"` + f + `"`
		default:
			return strings.Join(fields, " ")
		}
	}
	return strings.Join(quoted, " ")
}
