package goenv

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/goready/goready/internal/host"
)

func TestParseSumDB(t *testing.T) {
	for _, c := range []struct{ value, want string }{ // name, URL and what else is known, or the error
		{"off", "off"},
		{"sum.golang.org", "sum.golang.org  known"},
		{" sum.golang.org\t", "sum.golang.org  known"},
		{"sum.golang.google.cn", "sum.golang.org https://sum.golang.google.cn known alias"},
		{"sum.golang.org https://proxy.example.com/sumdb/sum.golang.org", "sum.golang.org https://proxy.example.com/sumdb/sum.golang.org known"},
		{sumDBKey, "sum.golang.org "},
		{"", "missing GOSUMDB"},
		{" ", "missing GOSUMDB"},
		{"OFF", "invalid GOSUMDB: malformed verifier id"},
		{"sum.golang.org+https://proxy.example.com/sumdb", "invalid GOSUMDB: malformed verifier id"},
		{"sum.golang.google.cn https://x", "invalid GOSUMDB: malformed verifier id"},
		{"sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "invalid GOSUMDB: invalid verifier hash"},
		{"sum.golang.org a b", "invalid GOSUMDB: too many fields"},
		{"sum.golang.org https://h:x", `invalid GOSUMDB URL: parse "https://h:x": invalid port ":x" after host`},
	} {
		db, err := ParseSumDB(c.value)
		got := db.Name + " " + db.URL
		switch {
		case err != nil:
			got = err.Error()
		case db.Off:
			got = "off"
		}
		for _, f := range []struct {
			set  bool
			text string
		}{{db.Known, " known"}, {db.Alias, " alias"}} {
			if f.set {
				got += f.text
			}
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.value, got, c.want)
		}
	}
}

// TestSumDBGrammar compares the errors with those of the real go command.
func TestSumDBGrammar(t *testing.T) {
	l := newWalkLab(t)
	values := []string{
		"off", "OFF", " off", "on", "sum.golang.org", "SUM.golang.org", "sum.golang.google.cn", " sum.golang.google.cn", "sum.golang.google.cn https://x.example.com",
		"sum.golang.org https://x.example.com", "sum.golang.org x y", " ", "\t\n", "sum.golang.org+https://proxy.example.com/sumdb", "https://sum.golang.org", "a+b+c", "+", "++",
		"sum.golang.org+033de0ae", sumDBKey, sumDBKey[:len(sumDBKey)-1], sumDBKey + "=", strings.Replace(sumDBKey, "033d", "033D", 1), strings.Replace(sumDBKey, "033", "133", 1),
		"sum.golang.org http://[::1", "sum.golang.org :", "sum.golang.org, https://x", `"sum.golang.org"`, "sum.golang.org\u00a0https://x.example.com", "GOSUMDB=off",
	}
	for _, name := range []string{"host/", "user@host.example.com", "host.example.com?x", "host.example.com#f", "host.example.com:80", "host.example.com/a/b", "/x", "h.example.com/%41", "h.example.com/a%2Fb", "名.example.com"} {
		_, key, err := note.GenerateKey(rand.Reader, name)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, key, key+" https://x.example.com")
	}
	for n, value := range values {
		id := fmt.Sprintf("g%d", n)
		module := "ok-" + id + ".example.com/m"
		w := SimulateWalk(WalkInput{Platform: walkPlatform(), Module: module, Version: "v1.0.0", GOPROXY: l.entryURL(id, 0, "nodb"), GOSUMDB: value})
		got := l.run(context.Background(), t, id, module+"@v1.0.0", "GOPROXY="+l.entryURL(id, 0, "nodb"), "GOSUMDB="+value)
		os.RemoveAll(filepath.Join(l.dir, id))
		refused := strings.Contains(got.output, "GOSUMDB") || strings.Contains(got.output, "invalid sumdb name")
		if refused != (w.SumDB.Err != "") || !strings.Contains(got.output, w.SumDB.Err) {
			t.Errorf("%q: predicted %q, go says %s", value, w.SumDB.Err, got.output)
		}
	}
}

// TestDecideSumDB are cases that a loopback server cannot show.
func TestDecideSumDB(t *testing.T) {
	const proxy = "https://proxy.example.com"
	for _, c := range []struct {
		name string
		in   WalkInput
		want string
	}{
		{"off", WalkInput{Module: "example.com/m", GOSUMDB: "off", GOPROXY: proxy}, "unused: GOSUMDB is off"},
		{"exempt", WalkInput{Module: "example.com/m", GOSUMDB: sumDBName, GOPROXY: proxy, GONOSUMDB: "x,example.com"}, `unused: the module matches "example.com" in GONOSUMDB`},
		{"v76_toolchain_off", WalkInput{Module: "golang.org/toolchain", GOSUMDB: "off", GOPROXY: proxy}, "used: checksum database disabled by GOSUMDB=off"},
		{"toolchain_exempt", WalkInput{Module: "golang.org/toolchain", GOSUMDB: "off", GOPROXY: proxy, GONOSUMDB: "golang.org"}, "used: checksum database disabled by GOSUMDB=off"},
		{"v77_toolchain_folder", WalkInput{Module: "golang.org/toolchain", GOSUMDB: "off", GOPROXY: "file:///dir"}, "unused: GOSUMDB is off"},
		{"v77_toolchain_folder_direct", WalkInput{Module: "golang.org/toolchain", GOSUMDB: "off", GOPROXY: "file:///dir,direct"}, "used: checksum database disabled by GOSUMDB=off"},
		{"open", WalkInput{Module: "example.com/m", GOSUMDB: sumDBName, GOPROXY: proxy + ",direct"}, "used: depends"},
		{"off_list", WalkInput{Module: "example.com/m", GOSUMDB: sumDBName, GOPROXY: "off"}, "used: at https://sum.golang.org"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := DecideSumDB(c.in)
			got := "unused: " + d.Why.String()
			switch {
			case d.Used && d.Err != "":
				got = "used: " + d.Err
			case d.Used && d.Route.Depends:
				got = "used: depends"
			case d.Used:
				got = "used: at " + d.Route.Base
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestLintSumDB(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"fine", "sum.golang.org", ""},
		{"alias", "sum.golang.google.cn", ""},
		{"off", "off", "0 risky: * -> sum.golang.org"},
		{"plus", "sum.golang.org+https://proxy.example.com/sumdb", "0 refused: a blank stands between the name of the database and its URL, not a plus sign -> sum.golang.org https://proxy.example.com/sumdb"},
		{"upper", "OFF", "0 refused: the word off must be in lower case -> off"},
		{"url_only", "https://proxy.example.com/sumdb", "0 refused: the name of the database comes before its URL, with a blank between them -> sum.golang.org https://proxy.example.com/sumdb"},
		{"alias_with_url", "sum.golang.google.cn https://x", "0 refused: sum.golang.google.cn is a name only when it stands alone -> sum.golang.org https://x"},
		{"other_name", "sumdb.example.com", "0 refused: Go has the key of sum.golang.org only; another database needs its complete key (name+hash+key)"},
		{"list", "sum.golang.org,off", "0 refused: there is one checksum database: GOSUMDB is no list -> sum.golang.org"},
		{"blank", " ", "0 refused: an empty value is no way to turn the checksum database off: every lookup fails -> sum.golang.org"},
		{"url", "sum.golang.org https://a.example.com/s", "15 note: this URL is always asked, also where GOPROXY carries the checksum database"},
		{"url_http", "sum.golang.org http://a.example.com/s", "15 risky: http is not encrypted, and HTTPS_PROXY does not apply to it"},
		{"url_without_scheme", "sum.golang.org a.example.com", "15 note: without a scheme Go takes it for https://a.example.com -> https://a.example.com"},
		{"url_scheme", "sum.golang.org ftp://a.example.com", `15 refused: Go does not know the scheme "ftp", so every lookup fails`},
		{"fields", "sum.golang.org+x a b", "0 refused: invalid GOSUMDB: too many fields"},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems := LintSumDB(c.value)
			if c.name == "off" && len(problems) == 1 {
				problems[0].Text.Format, problems[0].Text.Args = "*", nil
			}
			compareProblems(t, problems, c.want)
		})
	}
}

func FuzzSumDB(f *testing.F) {
	f.Add(sumDBKey + " https://x")
	f.Add("sum.golang.google.cn")
	f.Add("off")
	f.Fuzz(func(t *testing.T, value string) {
		db, err := ParseSumDB(value)
		if err == nil && !db.Off && (db.Name == "" || !strings.HasPrefix(db.Key, db.Name+"+")) {
			t.Errorf("%q: %+v", value, db)
		}
		LintSumDB(value)
		RouteSumDB(WalkInput{GOSUMDB: value, GOPROXY: "https://a.example.com|direct", Module: "example.com/m", Platform: host.Platform{OS: "linux"}})
	})
}
