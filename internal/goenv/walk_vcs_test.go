package goenv

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goready/goready/internal/testreq"
)

func TestDecideVCS(t *testing.T) {
	for _, c := range []struct {
		name string
		in   WalkInput
		want string // system, repository or page, allowed systems, rule, patterns; or the error
	}{
		{"github", WalkInput{Module: "github.com/a/b/sub"}, "git github.com/a/b https://github.com/a/b [git hg] public:git|hg"},
		{"page", WalkInput{Module: "example.com/m"}, "page https://example.com/m?go-get=1 [git hg] public:git|hg"},
		{"page_at_root", WalkInput{Module: "example.com"}, "page https://example.com/?go-get=1 [git hg] public:git|hg"},
		{"private", WalkInput{Module: "example.com/a.svn/x", GOPRIVATE: "example.com"}, "svn example.com/a.svn example.com/a [git hg svn bzr fossil] private:all private example.com"},
		{"suffix_last", WalkInput{Module: "example.com/a.git/b.git/c"}, "git example.com/a.git/b.git example.com/a.git/b [git hg] public:git|hg"},
		{"insecure", WalkInput{Module: "example.com/m", GOINSECURE: "*.com"}, "page https://example.com/m?go-get=1 [git hg] public:git|hg insecure *.com"},
		{"govcs", WalkInput{Module: "github.com/a/b", GOVCS: "github.com:git, *:off"}, "git github.com/a/b https://github.com/a/b [git] github.com:git"},
		{"govcs_off", WalkInput{Module: "github.com/a/b", GOVCS: "*:off"}, "GOVCS disallows using git for public github.com/a/b; see 'go help vcs'"},
		{"govcs_private", WalkInput{Module: "github.com/a/b", GOVCS: "private:hg", GOPRIVATE: "github.com/a"}, "GOVCS disallows using git for private github.com/a/b; see 'go help vcs'"},
		{"govcs_public_is_not_private", WalkInput{Module: "github.com/a/b", GOVCS: "public:hg", GOPRIVATE: "github.com/a"}, "git github.com/a/b https://github.com/a/b [git hg svn bzr fossil] private:all private github.com/a"},
		{"fossil", WalkInput{Module: "chiselapp.com/user/u/repository/r"}, "GOVCS disallows using fossil for public chiselapp.com/user/u/repository/r; see 'go help vcs'"},
		{"jazz", WalkInput{Module: "hub.jazz.net/git/u/p/x"}, "git hub.jazz.net/git/u/p https://hub.jazz.net/git/u/p [git hg] public:git|hg"},
		{"apache", WalkInput{Module: "git.apache.org/x"}, `invalid git.apache.org import path "git.apache.org/x"`},
		{"github_suffix", WalkInput{Module: "github.com/a/b.git"}, "invalid version control suffix in github.com/ path"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := describeVCS(DecideVCS(c.in)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func describeVCS(d VCSDecision) string {
	if d.Err != "" {
		return d.Err
	}
	s := d.System + " " + d.Root + " " + d.Repo
	if d.Discovery != "" {
		s = "page " + d.Discovery
	}
	s += fmt.Sprintf(" %v %s", d.Allowed, d.Rule)
	if !d.Private.IsZero() {
		s += " private " + d.Private.Pattern
	}
	if !d.Insecure.IsZero() {
		s += " insecure " + d.Insecure.Pattern
	}
	return s
}

// TestVCSDifferential compares with the real go command, which has git, no ssh and no other system, and is behind an HTTP
// proxy that refuses every connection.
func TestVCSDifferential(t *testing.T) {
	l := newWalkLab(t)
	l.goPath = filepath.Join(l.dir, "bin")
	if err := os.Mkdir(l.goPath, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(testreq.Program(t, "git"), filepath.Join(l.goPath, "git")); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(11, 12))
	for n := range walkCases(t, 70) {
		in := WalkInput{Platform: walkPlatform(), Version: "v1.0.0", GOPROXY: "direct", GOSUMDB: "off", Module: generateVCSPath(r)}
		in.GOVCS = pickOne(r, "", "", "", "*:off", "*:git", "public:git|svn", "private:git,public:off", "github.com:hg", "example.com/*:all,*:off", "x", "a:", ":git", "git:,", "a:git,a:hg", "./a:git", "*:git|", " *:git , public:hg", ",")
		in.GOPRIVATE = pickOne(r, "", "", "github.com", "example.com/a", "*.org", "*")
		id := fmt.Sprintf("x%d", n)
		got := l.run(context.Background(), t, id, in.Module+"@v1.0.0", "GOPROXY=direct", "GOVCS="+in.GOVCS, "GOPRIVATE="+in.GOPRIVATE,
			"GIT_SSH_COMMAND=false", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "HTTPS_PROXY=http://"+walkClosedAddress, "HTTP_PROXY=http://"+walkClosedAddress, "ALL_PROXY=http://"+walkClosedAddress)
		os.RemoveAll(filepath.Join(l.dir, id))
		w := SimulateWalk(in)
		want, d := w.Err, DecideVCS(in)
		switch {
		case w.Err != "":
		case d.Discovery != "":
			want = fmt.Sprintf("https fetch: Get %q", d.Discovery)
		case strings.Contains(d.Repo, "://") && d.System == "git":
			want = "https://"
		default:
			want = "no secure protocol found for repository"
		}
		if missing := strings.Contains(got.output, "executable file not found"); !missing && !strings.Contains(got.output, want) {
			t.Errorf("%s GOVCS=%q GOPRIVATE=%q: predicted %q, go says %s", in.Module, in.GOVCS, in.GOPRIVATE, want, got.output)
		}
	}
}

func generateVCSPath(r *rand.Rand) string {
	host := pickOne(r, "github.com", "bitbucket.org", "example.com", "example.com", "git.example.org", "git.apache.org", "git.openstack.org", "hub.jazz.net/git", "chiselapp.com", "example.net", "rsc.io", "hub.jazz.net", "nodot")
	path := []string{host}
	if host == "chiselapp.com" && r.IntN(3) > 0 {
		path = append(path, "user", "u", "repository")
	}
	for range r.IntN(4) {
		path = append(path, pickOne(r, "a", "b", "a.git", "b.svn", "c.hg", "x-y_z", "a.b", "a.git.git", "d.fossil", "~u", "B"))
	}
	return strings.Join(path, "/")
}

func FuzzGOVCS(f *testing.F) {
	f.Add("private:all,public:git|hg", "github.com/a/b.git")
	f.Add(" *:off , a:git|", "example.com/~a.svn/x")
	f.Fuzz(func(t *testing.T, govcs, module string) {
		d := DecideVCS(WalkInput{GOVCS: govcs, Module: module})
		if d.System != "" && d.Root == "" {
			t.Errorf("%q: %+v", module, d)
		}
	})
}
