package goenv

import (
	"go/version"
	"strings"
)

// toolchainVersion is cmd/go/internal/gover.FromToolchain: the Go version, without "go", of a toolchain's name; "" if
// the name is not valid. A suffix behind "-" or a blank is left out.
func toolchainVersion(name string) string {
	v, ok := strings.CutPrefix(name, "go")
	if !ok || strings.ContainsAny(name, `\/`) {
		return ""
	}
	if i := strings.IndexAny(v, " \t-"); i >= 0 {
		v = v[:i]
	}
	if !toolchainValid(v) {
		return ""
	}
	return v
}

// toolchainValid is internal/gover.IsValid. Package go/version takes a suffix for part of the version, gover does not.
func toolchainValid(v string) bool { return !strings.Contains(v, "-") && version.IsValid("go"+v) }

// toolchainCompare is internal/gover.Compare: a version that is not valid is less than all valid ones.
func toolchainCompare(x, y string) int {
	okX, okY := toolchainValid(x), toolchainValid(y)
	switch {
	case okX && okY:
		return version.Compare("go"+x, "go"+y)
	case okX:
		return 1
	case okY:
		return -1
	}
	return 0
}

// toolchainIsLang reports whether v names a version of the language, and since Go 1.21 no release: 1.21, not 1.21.0.
func toolchainIsLang(v string) bool {
	return toolchainValid(v) && version.Lang("go"+v) == "go"+v && toolchainCompare(v, v+".0") < 0
}

// toolchainLocal is cmd/go/internal/gover.local: the Go version and the name of a toolchain, from its VERSION file. A
// development version has only two numbers.
func toolchainLocal(sdkVersion string) (goVersion, name string) {
	if v := toolchainVersion(sdkVersion); v != "" {
		return v, sdkVersion
	}
	if _, devel, ok := strings.Cut(sdkVersion, "devel "); ok {
		if v := toolchainVersion(devel); v != "" {
			return v, "go" + v
		}
	}
	return "", ""
}
