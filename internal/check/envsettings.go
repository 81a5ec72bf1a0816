package check

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// persistedTarget finds what was meant for one build and is set for all: another system or architecture, cgo, C compilers.
func persistedTarget(f *facts.Facts) []Finding {
	subjects := developers(f)
	var out []Finding
	for _, name := range []string{"GOOS", "GOARCH", "GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM",
		"CGO_ENABLED", "CC", "CXX"} {
		for _, v := range envValues(f, subjects, name) {
			if _, blank := blankName(f, v.value); !v.global() || v.value == "" || name == "CC" && blank { // which env.special-chars says
				continue
			}
			if finding, ok := v.target(f); ok {
				finding.Object, finding.Consumers = name, v.concerned(subjects)
				finding.Evidence = append(v.evidence(), finding.Evidence...)
				if finding.Severity != Info {
					finding.Steps = slices.Concat(v.removal(f, ""), finding.Steps)
				}
				out = append(out, finding)
			}
		}
	}
	return out
}

// target judges a value of one of the variables that say what is built.
func (v *envValue) target(f *facts.Facts) (Finding, bool) {
	switch {
	case v.name == "GOOS" || v.name == "GOARCH":
		return v.system(f), true
	case v.value == v.fallback && v.name != "CGO_ENABLED":
		return Finding{Severity: Info, Message: say("env.persisted-target.same", "variable value", msg.New("%s=%s is what Go does anyway", v.name, v.value))}, true
	case v.name == "CGO_ENABLED":
		return v.cgo(f)
	case v.name == "CC" || v.name == "CXX":
		severity := Warning
		if v.places[0].Layer != layer.GoEnvFile {
			severity = Info // for C programs too
		}
		return Finding{Severity: severity, Message: say("env.persisted-target.compiler", "variable value", msg.New("%s=%s is set for every build with cgo", v.name, v.value)),
			Cause: msg.New("a C compiler for another system, or one that is removed later, breaks every package that uses cgo, net among them")}, true
	case v.fallback == "":
		return Finding{}, false // it does not belong to this architecture
	}
	return Finding{Severity: Warning, Message: say("env.persisted-target.feature", "variable value default", msg.New("%s=%s is set for every build, the default is %s", v.name, v.value, v.fallback)),
		Cause: msg.New("programs built with it do not start on processors that lack these instructions, and tools are built with it too")}, true
}

// system judges GOOS or GOARCH.
func (v *envValue) system(f *facts.Facts) Finding {
	goos, goarch := f.Platform.OS, v.consumer.Go.SDK.Arch
	if goarch == "" {
		goarch = f.Platform.Arch
	}
	own := goos
	if v.name == "GOARCH" {
		own = goarch
	}
	if v.value == own {
		return Finding{Severity: Info, Message: say("env.persisted-target.same", "variable value", msg.New("%s=%s is what Go does anyway", v.name, v.value))}
	}
	if !slices.ContainsFunc(v.places, envLasting) { // a setting of the editor, which takes it away to install tools
		return Finding{Severity: Warning, Message: say("env.persisted-target.editor", "variable value host", msg.New("%s=%s is set in all windows of the editor, this machine is %s", v.name, v.value, own)),
			Cause: msg.New("tests and debug sessions build programs that do not run here")}
	}
	target := envOne(f, v.consumer, "GOOS") + "_" + envOne(f, v.consumer, "GOARCH")
	finding := Finding{Message: say("env.persisted-target.system", "variable value host", msg.New("%s=%s is set for every build, this machine is %s", v.name, v.value, own)),
		Cause: msg.New("programs are built for another machine: tests and \"go run\" cannot start them, unless it can run those too, and \"go install\" puts tools into bin/%s, where nobody looks", target)}
	if envOne(f, v.consumer, "GOBIN") != "" {
		finding.Cause = msg.New("programs are built for another machine: tests and \"go run\" cannot start them, unless it can run those too, and \"go install\" fails with \"cannot install cross-compiled binaries when GOBIN is set\"")
	}
	gopath, _, _ := strings.Cut(envOne(f, v.consumer, "GOPATH"), f.Platform.ListSeparator())
	if dir := f.Platform.Join(gopath, "bin"); f.Paths != nil && slices.Contains(f.Paths.Bins[dir].Targets, target) {
		stray := f.Platform.Join(dir, target)
		finding.Evidence = []Evidence{{Path: stray}}
		finding.Steps = []Step{{Text: msg.New("install the tools in %s again, then remove that folder", stray)}}
	}
	return finding
}

// envOne returns the value of a variable for a consumer, "" if it is not known.
func envOne(f *facts.Facts, c *facts.Consumer, name string) string {
	if values := envValues(f, []*facts.Consumer{c}, name); len(values) > 0 {
		return values[0].value
	}
	return ""
}

// cgo judges CGO_ENABLED, which counts if it is 0 or 1.
func (v *envValue) cgo(f *facts.Facts) (Finding, bool) {
	switch {
	case !v.explicit():
		return Finding{}, false
	case v.value == "1" && !compilerMissing(f, v.consumer):
		return Finding{Severity: Info, Message: say("env.persisted-target.same", "variable value", msg.New("%s=%s is what Go does anyway", v.name, v.value))}, true
	case v.value == "0":
		return Finding{Severity: Warning, Message: say("env.persisted-target.cgo-off", "", msg.New("CGO_ENABLED=0 turns cgo off for every build")),
			Cause: msg.New("packages that need C do not build, and on most systems \"go test -race\" stops with \"-race requires cgo\"")}, true
	}
	return Finding{Severity: Warning, Message: say("env.persisted-target.cgo-on", "", msg.New("CGO_ENABLED=1 asks for a C compiler that is not there")),
		Cause: msg.New("without it Go would build net and others without C; with it every build that contains them fails")}, true
}

// compilerMissing reports whether a consumer is known not to find its C compiler.
func compilerMissing(f *facts.Facts, c *facts.Consumer) bool {
	words, err := goenv.SplitQuoted(envOne(f, c, "CC"))
	if err != nil || len(words) == 0 {
		return false
	}
	_, err = f.Query(c).LookPath(words[0])
	return errors.Is(err, fs.ErrNotExist)
}

// goflags judges the values of GOFLAGS.
func goflags(f *facts.Facts) []Finding {
	subjects := developers(f)
	var out []Finding
	for _, v := range envValues(f, subjects, "GOFLAGS") {
		finding := Finding{Object: "GOFLAGS", Consumers: v.concerned(subjects), Evidence: v.evidence()}
		flags, err := goenv.ParseGOFLAGS(v.value)
		if !err.IsZero() {
			finding.Message = say("env.goflags.syntax", "error", msg.New("go cannot read GOFLAGS: %s", err))
			finding.Cause = msg.New("every go command but \"go env\" stops with it")
			finding.Steps = v.removal(f, quotedGOFLAGS(v.value))
			out = append(out, finding)
			continue
		}
		if v.projectOnly() {
			continue // it is about one project
		}
		var bad, good []string
		var causes []msg.Text
		for _, flag := range flags {
			severity, cause := judgeFlag(flag)
			if severity == "" {
				good = append(good, quotedFlag(flag.Text))
				continue
			}
			if severity == Error && flag.Name == "mod" && flag.Value == "vendor" && !v.global() {
				severity = Warning // this terminal or this job only, as vendored builds do it
			}
			if len(bad) == 0 || finding.Severity != Error && severity == Error {
				finding.Severity = severity
			}
			bad = append(bad, flag.Text)
			causes = append(causes, cause)
		}
		if len(bad) > 0 {
			finding.Cause = flagCauses(bad, causes)
			finding.Message = say("env.goflags.flag", "flags", msg.New("GOFLAGS gives %s to every go command", strings.Join(bad, " ")))
			instead := quotedGOFLAGS(v.value)
			if instead == "" {
				instead = strings.Join(good, " ")
			}
			finding.Steps = v.removal(f, instead)
			out = append(out, finding)
		}
	}
	return out
}

// quotedGOFLAGS returns the value with quotes around flags for the linker that blanks have torn from their -ldflags=, ""
// if there are none or that is not all that is wrong.
func quotedGOFLAGS(value string) string {
	fields, err := goenv.SplitQuoted(value)
	if err != nil {
		return ""
	}
	var out []string
	torn, open := false, false
	for i, field := range fields {
		of := strings.HasPrefix(field, "-s") || strings.HasPrefix(field, "-w") || strings.HasPrefix(field, "-X") || strings.HasPrefix(field, "-extldflags") ||
			i > 0 && strings.HasSuffix(fields[i-1], "-X") && !strings.HasPrefix(field, "-")
		if open && of && field != "-work" && field != "-short" && field != "-shuffle" && field != "-skip" {
			out[len(out)-1] += " " + field
			torn = true
			continue
		}
		out = append(out, field)
		open = strings.HasPrefix(field, "-ldflags=") || strings.HasPrefix(field, "--ldflags=")
	}
	if !torn {
		return ""
	}
	for i := range out {
		out[i] = quotedFlag(out[i])
	}
	instead := strings.Join(out, " ")
	flags, problem := goenv.ParseGOFLAGS(instead)
	if !problem.IsZero() || slices.ContainsFunc(flags, func(flag goenv.Flag) bool { severity, _ := judgeFlag(flag); return severity != "" }) {
		return ""
	}
	return instead
}

// quotedFlag makes one word of a flag, as GOFLAGS reads them.
func quotedFlag(text string) string {
	switch {
	case !strings.ContainsAny(text, " \t\n\r'\""):
		return text
	case !strings.Contains(text, "'"):
		return "'" + text + "'"
	}
	return "\"" + text + "\""
}

// flagCauses says what each of some flags does, the causes of flags that do the same once.
func flagCauses(flags []string, causes []msg.Text) msg.Text {
	if len(flags) == 1 {
		return causes[0]
	}
	var texts []msg.Text
	for i, flag := range flags[:min(len(flags), maxLines)] {
		texts = append(texts, msg.New("%s: %s", flag, causes[i]))
	}
	return join(texts)
}

// judgeFlag says what a flag does that all go commands get; no severity means nothing bad.
func judgeFlag(flag goenv.Flag) (Severity, msg.Text) {
	switch flag.Name {
	case "mod":
		return judgeMod(flag)
	case "modfile":
		return Warning, msg.New("every module without this file fails to load, and so does every workspace with a go.work")
	case "C":
		return Error, msg.New("every go command stops, \"go env\" too: -C must be the first flag of a command line")
	case "n":
		return Error, msg.New("go build and go install only print what they would do; nothing is built")
	case "w", "u", "changed":
		return Error, msg.New("\"go env\" takes it for its own flag: it fails, or prints something else, and so does the editor that asks it")
	case "json":
		return Warning, msg.New("go env, go list and go build print JSON, which scripts that read \"go env GOPATH\" do not expect")
	case "insecure":
		return Warning, msg.New("\"go get\" stops: the flag is no longer supported")
	}
	return "", msg.Text{}
}

func judgeMod(flag goenv.Flag) (Severity, msg.Text) {
	switch {
	case !flag.HasValue:
		return Error, msg.New("every go command that builds stops: the flag needs an argument")
	case flag.Value == "vendor":
		return Error, msg.New("\"go install module@version\", with which editors install tools, fails with \"cannot query module due to -mod=vendor\"")
	case flag.Value == "mod":
		return Warning, msg.New("every build may change go.mod, and in a workspace with a go.work every build fails")
	case flag.Value == "readonly" || flag.Value == "":
		return "", msg.Text{} // what Go does anyway
	}
	return Error, msg.New("every go command that builds stops: -mod can be mod, readonly or vendor")
}

// go111module judges the values of GO111MODULE.
func go111module(f *facts.Facts) []Finding {
	subjects := developers(f)
	var out []Finding
	for _, v := range envValues(f, subjects, "GO111MODULE") {
		if v.value == "" {
			continue
		}
		finding := Finding{Object: "GO111MODULE", Consumers: v.concerned(subjects), Evidence: v.evidence(), Steps: v.removal(f, "")}
		switch v.value {
		case "off":
			finding.Message = say("env.go111module.off", "", msg.New("GO111MODULE=off turns modules off"))
			finding.Cause = msg.New("\"go install module@version\" stops with \"modules disabled by GO111MODULE=off\", and go.mod is not read: nothing finds its dependencies")
		case "auto":
			finding.Severity = Warning
			finding.Message = say("env.go111module.auto", "", msg.New("GO111MODULE=auto turns modules off in folders without go.mod"))
			finding.Cause = msg.New("go behaves differently from folder to folder; modules have been the default since Go 1.16")
		case "on":
			finding.Severity = Info
			finding.Message = say("env.go111module.on", "", msg.New("GO111MODULE=on is what Go does anyway"))
		default:
			finding.Message = say("env.go111module.unknown", "value", msg.New("GO111MODULE=%s is no value that Go knows", v.value))
			finding.Cause = msg.New("nearly every go command stops with \"unknown environment setting\"")
		}
		out = append(out, finding)
	}
	return out
}
