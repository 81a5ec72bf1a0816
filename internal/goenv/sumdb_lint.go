package goenv

import (
	"net/url"
	"strings"

	"github.com/goready/goready/internal/msg"
)

// LintSumDB remarks on a value of GOSUMDB.
func LintSumDB(gosumdb string) []ValueProblem {
	r := valueRemarks{value: gosumdb}
	if gosumdb == "off" {
		r.add(0, gosumdb, GradeRisky, sumDBName, msg.New("off ends the protection against changed modules, and no downloaded Go toolchain can be used; GONOSUMDB exempts single modules"))
		return r.problems
	}
	r.addCharacters()
	db, err := ParseSumDB(gosumdb)
	if err != nil {
		problem, instead := misspeltSumDB(strings.TrimSpace(gosumdb))
		if problem.IsZero() {
			problem = msg.New("%s", err.Error())
		}
		r.add(0, gosumdb, GradeRefused, instead, problem)
		return r.sorted()
	}
	if db.URL != "" && !db.Alias {
		r.addSumDBURL(db)
	}
	return r.sorted()
}

// misspeltSumDB explains values that Go refuses and whose meaning can be guessed.
func misspeltSumDB(value string) (problem msg.Text, instead string) {
	fields := strings.Fields(value)
	switch lower := strings.ToLower(value); {
	case value == "":
		return msg.New("an empty value is no way to turn the checksum database off: every lookup fails"), sumDBName
	case lower == "off":
		return msg.New("the word %s must be in lower case", "off"), "off"
	case lower == "on" || lower == "true" || lower == "1":
		return msg.New("the value is the name of a checksum database"), sumDBName
	case strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://"):
		return msg.New("the name of the database comes before its URL, with a blank between them"), sumDBName + " " + redactUserinfo(fields[0])
	case strings.Contains(value, "+http://") || strings.Contains(value, "+https://"):
		return msg.New("a blank stands between the name of the database and its URL, not a plus sign"), redactUserinfo(strings.Replace(value, "+http", " http", 1))
	case strings.Contains(value, ","):
		return msg.New("there is one checksum database: GOSUMDB is no list"), strings.TrimSpace(strings.SplitN(value, ",", 2)[0])
	case fields[0] == sumDBAlias && len(fields) == 2:
		return msg.New("%s is a name only when it stands alone", sumDBAlias), sumDBName + " " + redactUserinfo(fields[1])
	case !strings.Contains(value, "+"):
		return msg.New("Go has the key of %s only; another database needs its complete key (name+hash+key)", sumDBName), ""
	}
	return msg.Text{}, ""
}

// addSumDBURL remarks on the URL of a database.
func (r *valueRemarks) addSumDBURL(db SumDB) {
	u, err := url.Parse(db.URL)
	offset := strings.LastIndex(r.value, db.URL)
	switch {
	case err != nil: // unreachable: ParseSumDB parsed it
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		r.add(offset, db.URL, GradeRisky, "", msg.New("http is not encrypted, and HTTPS_PROXY does not apply to it"))
	case u.Scheme == "":
		r.add(offset, db.URL, GradeNote, "https://"+redactUserinfo(db.URL), msg.New("without a scheme Go takes it for %s", "https://"+redactUserinfo(db.URL)))
	case u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "file":
		r.add(offset, db.URL, GradeRefused, "", msg.New("Go does not know the scheme %q, so every lookup fails", u.Scheme))
	default:
		r.add(offset, db.URL, GradeNote, "", msg.New("this URL is always asked, also where GOPROXY carries the checksum database"))
	}
}
