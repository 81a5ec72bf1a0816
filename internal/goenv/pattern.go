package goenv

import (
	"path"
	"strings"
)

// MatchPattern returns the first of the comma-separated patterns, as written, that matches modulePath or a prefix of
// it, as GOPRIVATE, GONOPROXY, GONOSUMDB, GOINSECURE and the patterns of GOVCS do: golang.org/x/mod/module's
// MatchPrefixPatterns, with the pattern that matched.
func MatchPattern(patterns, modulePath string) (matched string, ok bool) {
	for pattern := range strings.SplitSeq(patterns, ",") {
		glob := strings.TrimSuffix(pattern, "/")
		if glob == "" {
			continue
		}
		prefix, long := pathElements(modulePath, strings.Count(glob, "/")+1)
		if !long {
			continue
		}
		if m, _ := path.Match(glob, prefix); m {
			return pattern, true
		}
	}
	return "", false
}

// pathElements returns the first n elements of p, and whether it has that many.
func pathElements(p string, n int) (prefix string, ok bool) {
	for i := range len(p) {
		if p[i] == '/' {
			if n--; n == 0 {
				return p[:i], true
			}
		}
	}
	return p, n == 1
}
