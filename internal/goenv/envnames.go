package goenv

import "strings"

// envKnown has every name that internal/cfg.KnownEnv lists, and what "go env" prints besides, sorted, each between
// blanks.
const envKnown = " AR CC CGO_CFLAGS CGO_CFLAGS_ALLOW CGO_CFLAGS_DISALLOW CGO_CPPFLAGS CGO_CPPFLAGS_ALLOW" +
	" CGO_CPPFLAGS_DISALLOW CGO_CXXFLAGS CGO_CXXFLAGS_ALLOW CGO_CXXFLAGS_DISALLOW CGO_ENABLED CGO_FFLAGS" +
	" CGO_FFLAGS_ALLOW CGO_FFLAGS_DISALLOW CGO_LDFLAGS CGO_LDFLAGS_ALLOW CGO_LDFLAGS_DISALLOW CXX FC GCCGO GO111MODULE" +
	" GO386 GOAMD64 GOARCH GOARM GOARM64 GOAUTH GOBIN GOCACHE GOCACHEPROG GODEBUG GOENV GOEXE GOEXPERIMENT GOFIPS140" +
	" GOFLAGS GOGCCFLAGS GOHOSTARCH GOHOSTOS GOINSECURE GOMIPS GOMIPS64 GOMOD GOMODCACHE GONOPROXY GONOSUMDB GOOS" +
	" GOPATH GOPPC64 GOPRIVATE GOPROXY GORISCV64 GOROOT GOSUMDB GOTELEMETRY GOTELEMETRYDIR GOTMPDIR GOTOOLCHAIN" +
	" GOTOOLDIR GOVCS GOVERSION GOWASM GOWORK GO_EXTLINK_ENABLED PKG_CONFIG "

// envProcessOnly has names that Go programs, or the go command itself, read from the process environment only, so that
// a line for them in a go env file is useless but the name is no misspelling.
const envProcessOnly = " ALL_PROXY GOCOVERDIR GOGC GOMAXPROCS GOMEMLIMIT GORACE GOTRACEBACK GIT_ALLOW_PROTOCOL" +
	" GIT_TERMINAL_PROMPT HOME HTTPS_PROXY HTTP_PROXY LANG LC_ALL NETRC NO_PROXY PATH SSH_AUTH_SOCK SSL_CERT_DIR" +
	" SSL_CERT_FILE TMPDIR USERPROFILE XDG_CACHE_HOME XDG_CONFIG_HOME "

// IsGoVariable reports whether the go command itself looks up key in its files and defaults, or computes it: all that
// "go env" prints and what internal/cfg.KnownEnv lists. Other variables, also those that the Go runtime reads, can only
// be set in the process environment.
func IsGoVariable(key string) bool { return envInList(envKnown, key) }

// Variables returns the names for which [IsGoVariable] holds, sorted.
func Variables() []string { return strings.Fields(envKnown) }

func envInList(list, key string) bool {
	return key != "" && !strings.Contains(key, " ") && strings.Contains(list, " "+key+" ")
}

// Nearest returns the candidate that word was probably meant to be, or "" if none is close. Letter case does not count.
func Nearest(word string, candidates []string) string {
	if len(word) > 100 {
		return ""
	}
	best, at := "", 1+min(2, len(word)/3)
	for _, c := range candidates {
		if d := editDistance(strings.ToUpper(word), strings.ToUpper(c)); d < at {
			best, at = c, d
		}
	}
	return best
}

// editDistance is the number of bytes to insert, remove, replace or swap with their neighbour to make b of a.
func editDistance(a, b string) int {
	var before []int // the row before the last one
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
