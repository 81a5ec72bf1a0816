package upstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/modtest"
	"github.com/goready/goready/internal/testreq"
)

// forge is a place of git repositories that git finds at https://git.internal.test/.
type forge struct {
	git, root string
	env       []string // for git, and for whoever runs it
}

func newForge(t *testing.T) *forge {
	t.Helper()
	f := &forge{git: testreq.Program(t, "git"), root: filepath.Join(t.TempDir(), "forge")}
	config := filepath.Join(t.TempDir(), "gitconfig")
	base := (&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(f.root), "/") + "/"}).String()
	text := fmt.Sprintf("[url %q]\n\tinsteadOf = https://git.internal.test/\n[user]\n\tname = n\n\temail = e@example.com\n", base)
	if err := errors.Join(os.MkdirAll(f.root, 0o777), os.WriteFile(config, []byte(text), 0o666)); err != nil {
		t.Fatal(err)
	}
	f.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_GLOBAL=" + config, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_SSH_COMMAND=false"} // nothing leaves this machine
	if root := os.Getenv("SYSTEMROOT"); root != "" {
		f.env = append(f.env, "SYSTEMROOT="+root)
	}
	return f
}

// run runs git in the work tree of a repository, at a fixed time.
func (f *forge) run(t *testing.T, repo string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), f.git, args...)
	cmd.Dir = filepath.Join(f.root, filepath.FromSlash(repo))
	cmd.Env = append(f.env, "GIT_AUTHOR_DATE=2024-05-06T07:08:09Z", "GIT_COMMITTER_DATE=2024-05-06T07:08:09Z")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit makes a repository, if there is none, and a commit with files (name, text, …) in it, and tags it.
func (f *forge) commit(t *testing.T, repo string, tags string, files ...string) {
	t.Helper()
	dir := filepath.Join(f.root, filepath.FromSlash(repo))
	if _, err := os.Stat(dir); err != nil {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		f.run(t, repo, "init", "-q", "-b", "main")
	}
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(dir, filepath.FromSlash(files[i]))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte(files[i+1]), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	f.run(t, repo, "add", ".")
	f.run(t, repo, "commit", "-q", "--allow-empty", "-m", "change")
	for _, tag := range strings.Fields(tags) {
		f.run(t, repo, "tag", tag)
	}
}

// teamForge has the repository team/repo with the modules git.internal.test/team/repo.git and …/Sub, and others.
func teamForge(t *testing.T) *forge {
	f := newForge(t)
	const path = "git.internal.test/team/repo.git"
	f.commit(t, "team/repo", "v1.0.0", "go.mod", "module "+path+"\n\ngo 1.20\n", "a.go", "package repo\n")
	f.commit(t, "team/repo", "v1.1.0 Sub/v0.1.0", "Sub/go.mod", "module "+path+"/Sub\n", "Sub/a.go", "package sub\n",
		"go.mod", "module "+path+"\n\ngo 1.20\n\nretract v1.0.0\n")
	f.commit(t, "team/repo", "v1.2.0-rc.1")
	f.run(t, "team/repo", "checkout", "-q", "-b", "feature/x")
	f.commit(t, "team/repo", "", "a.go", "package repo // x\n")
	f.run(t, "team/repo", "checkout", "-q", "main")
	f.commit(t, "team/repo", "", "a.go", "package repo // main\n")
	f.commit(t, "team/other", "", "go.mod", "module git.internal.test/team/other.git\n")
	return f
}

// newGoCommand returns a GoCommand that finds the repositories of a forge.
func newGoCommand(t *testing.T, f *forge, config GoCommandConfig) *GoCommand {
	t.Helper()
	if config.Go == "" {
		config.Go = testreq.Program(t, "go")
	}
	if config.Dir == "" {
		config.Dir = filepath.Join(t.TempDir(), "direct")
	}
	config.Env = append(f.env, config.Env...)
	config.Protocols = []string{"file"}
	g, err := NewGoCommand(config)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

const (
	repoPath = "git.internal.test/team/repo.git"
	subPath  = repoPath + "/Sub"
)

func TestGoCommandAnswers(t *testing.T) {
	f := teamForge(t)
	g := newGoCommand(t, f, GoCommandConfig{})
	ctx := t.Context()
	head := f.run(t, "team/repo", "rev-parse", "HEAD")
	feature := f.run(t, "team/repo", "rev-parse", "feature/x")
	pseudo := func(hash string) string { return "v1.2.0-rc.1.0.20240506070809-" + hash[:12] }
	for path, want := range map[string]string{
		repoPath:                           "v1.0.0 v1.1.0 v1.2.0-rc.1", // a retracted version stays
		subPath:                            "v0.1.0",
		"git.internal.test/team/other.git": "",
	} {
		a, err := g.Versions(ctx, path)
		if err != nil || strings.Join(strings.Fields(string(a.Body)), " ") != want || a.From != "direct" {
			t.Errorf("versions of %s: %+v, %v", path, a, err)
		}
	}
	// As the go command of somebody else sees them.
	other := modtest.NewGo(t, append([]string{"GOPROXY=direct", "GOVCS=*:git", "GIT_ALLOW_PROTOCOL=https:ssh:file"}, f.env[2:]...)...)
	for _, tt := range []struct{ name, path, query, want string }{
		{"version", repoPath, "v1.1.0", "v1.1.0"},
		{"retracted", repoPath, "v1.0.0", "v1.0.0"},
		{"latest", repoPath, "latest", "v1.1.0"},
		{"branch", repoPath, "main", pseudo(head)},
		{"branch_with_slash", repoPath, "feature/x", pseudo(feature)},
		{"revision", repoPath, head[:12], pseudo(head)},
		{"pseudo_version", repoPath, pseudo(feature), pseudo(feature)},
		{"submodule", subPath, "latest", "v0.1.0"},
		{"no_tags", "git.internal.test/team/other.git", "latest", "v0.0.0-20240506070809-" + f.run(t, "team/other", "rev-parse", "HEAD")[:12]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := g.Resolve(ctx, tt.path, tt.query)
			if err != nil || a.Version != tt.want {
				t.Fatalf("%+v, %v, want %s", a, err, tt.want)
			}
			m := module.Version{Path: tt.path, Version: a.Version}
			out, err := other.Run(t, "mod", "download", "-json", m.String())
			if err != nil {
				t.Fatal(err)
			}
			var files struct{ Info, GoMod, Zip string }
			if err := json.Unmarshal([]byte(out), &files); err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(files.Info)
			if same := bytes.Equal(a.Body, want); err != nil || !same && (tt.query == tt.want || !sameModuloQuery(a.Body, want)) {
				t.Errorf(".info of the query\n%s\nwant\n%s%v", a.Body, want, err)
			}
			for kind, name := range map[Kind]string{Info: files.Info, Mod: files.GoMod, Zip: files.Zip} {
				want, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				got, err := get(g, m, kind)
				if err != nil || kind == Info && !sameModuloQuery(got, want) || kind != Info && !bytes.Equal(got, want) {
					t.Errorf("%s: %v\n%.300q\nwant\n%.300q", kind, err, got, want)
				}
			}
		})
	}
	if h := g.Health(); !h.Up || h.Errors != 0 || h.Requests == 0 || h.Name != "direct" {
		t.Errorf("health %+v", h)
	}
}

// sameModuloQuery compares two .info files except for their Origin.Ref: the go command writes there by which name it
// found the commit first.
func sameModuloQuery(a, b []byte) bool {
	var x, y struct {
		Version string
		Time    time.Time
		Origin  struct{ VCS, URL, Subdir, Hash string }
	}
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && x == y
}

func TestGoCommandSaysNo(t *testing.T) {
	f := teamForge(t)
	f.commit(t, "team/repo", "v1.5.0", "go.mod", "nonsense\n")
	f.commit(t, "team/repo", "v2.0.0", "go.mod", "module "+repoPath+"\n")
	f.commit(t, "team/repo", "v1.6.0", "go.mod", "module "+repoPath+"\n\ngo 1.999\n")
	f.run(t, ".", "init", "-q", "--bare", "team/empty.git")
	g := newGoCommand(t, f, GoCommandConfig{})
	head := f.run(t, "team/repo", "rev-parse", "HEAD")
	for _, tt := range []struct{ name, path, query, want string }{
		{"unknown_version", repoPath, "v1.99.0", "not_exist"},
		{"unknown_branch", repoPath, "nonsense", "not_exist"},
		{"unknown_revision", repoPath, "0123456789ab", "not_exist"},
		{"unknown_prefix", repoPath, "v7", "not_exist"},
		{"unknown_submodule", repoPath + "/none", "latest", "not_exist"},
		{"submodule_without_version", repoPath + "/none", "v1.0.0", "not_exist"},
		{"submodule_at_branch", repoPath + "/none", "main", "not_exist"},
		{"no_such_major", repoPath + "/v3", "latest", "not_exist"},
		{"wrong_major", repoPath, "v2.0.0", "not_exist"},
		{"wrong_go_mod", repoPath + "/v2", "v2.0.0", "not_exist"},
		{"go_mod_is_nonsense", repoPath, "v1.5.0", "not_exist"},
		{"pseudo_version_of_tag", repoPath, "v1.6.1-0.20240506070809-" + head[:12], "not_exist"},
		{"pseudo_version_of_other_time", repoPath, "v0.0.0-20200101000000-" + head[:12], "not_exist"},
		{"empty_repository", "git.internal.test/team/empty.git", "latest", "not_exist"},
		{"upgrade", repoPath, "upgrade", "not_exist"},
		{"option", repoPath, "-x", "not_exist"},
		{"option_long", repoPath, "--upload-pack=x", "not_exist"},
		{"path", repoPath, "/etc/passwd", "not_exist"},
		{"two", repoPath, "v1.0.0@v1.1.0", "not_exist"},
		{"range", repoPath, ">=v1.0.0", "not_exist"},
		{"blank", repoPath, "a b", "not_exist"},
		{"option_path", "-oProxyCommand=x.example.com/a", "latest", "not_exist"},
		{"pattern_path", "git.internal.test/...", "latest", "not_exist"},
		{"pattern_in_path", "git.internal.test/te...m/repo.git", "latest", "not_exist"},
		{"bad_path", "git.internal.test/../x", "latest", "not_exist"},
		// A folder that is not there may be a disk that is not mounted.
		{"unknown_repository", "git.internal.test/team/none.git", "latest", "unavailable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := g.Resolve(t.Context(), tt.path, tt.query)
			wantKind(t, err, tt.want)
			if err != nil && (strings.Contains(err.Error(), g.config.Dir) || strings.Contains(err.Error(), "exit status")) {
				t.Errorf("the sandbox is in the error: %v", err)
			}
			if tt.query != "latest" {
				return
			}
			_, err = g.Versions(t.Context(), tt.path)
			wantKind(t, err, tt.want)
		})
	}
	for _, kind := range []Kind{Info, Mod, Zip} {
		_, err := get(g, module.Version{Path: repoPath, Version: "v1.99.0"}, kind)
		wantKind(t, err, "not_exist")
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Text, "unknown revision v1.99.0") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	// What this go command is too old for exists all the same.
	_, err := get(g, module.Version{Path: repoPath, Version: "v1.6.0"}, Zip)
	if wantKind(t, err, "unavailable"); !strings.Contains(err.Error(), "requires go >= 1.999") {
		t.Error(err)
	}
	if h := g.host(repoPath).report(); !h.Up || h.Errors != 0 {
		t.Errorf("the host was taken to be down, though it answered: %+v", h)
	}
}

func TestGoCommandPolicy(t *testing.T) {
	f := teamForge(t)
	g := newGoCommand(t, f, GoCommandConfig{GOVCS: "*:hg"})
	_, err := g.Resolve(t.Context(), repoPath, "latest")
	wantKind(t, err, "refused")
	g = newGoCommand(t, f, GoCommandConfig{})
	g.config.Protocols = nil
	_, err = g.Resolve(t.Context(), repoPath, "latest")
	if wantKind(t, err, "unavailable"); !strings.Contains(err.Error(), "transport 'file' not allowed") {
		t.Error(err)
	}
}

// files returns the names of all files and empty folders in dir, relative to it.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ = filepath.Rel(dir, name)
			list = append(list, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestGoCommandCleansUp(t *testing.T) {
	g := newGoCommand(t, teamForge(t), GoCommandConfig{})
	want, err := get(g, module.Version{Path: subPath, Version: "v0.1.0"}, Zip)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if got, err := get(g, module.Version{Path: subPath, Version: "v0.1.0"}, Zip); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	all.Wait()
	if left := files(t, g.dirs.tmp); len(left) > 0 {
		t.Errorf("temporary files: %v", left)
	}
	for _, name := range files(t, g.dirs.mod) {
		if strings.HasPrefix(name, "cache/vcs/") || strings.HasPrefix(name, "cache/lock") {
			continue
		}
		if ext := filepath.Ext(name); ext != ".info" && ext != ".mod" && ext != ".lock" && !strings.HasSuffix(name, "/@v/list") {
			t.Errorf("left in the module cache: %s", name)
		}
	}
	if len(g.zips) != 0 || len(g.slots) != 0 {
		t.Errorf("%d zips, %d slots", len(g.zips), len(g.slots))
	}
	// What an earlier process left is removed.
	left := filepath.Join(g.dirs.tmp, "run-left", "x")
	if err := errors.Join(os.MkdirAll(filepath.Dir(left), 0o777), os.WriteFile(left, nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	if _, err := NewGoCommand(g.config); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("old temporary files stay")
	}
}

func TestGoCommandTrim(t *testing.T) {
	now := time.Now().Add(-time.Hour)
	g := newGoCommand(t, teamForge(t), GoCommandConfig{Now: func() time.Time { return now }})
	ctx := t.Context()
	versions := func(path string) {
		t.Helper()
		if _, err := g.Resolve(ctx, path, "main"); err != nil {
			t.Fatal(err)
		}
	}
	clones := func() string {
		t.Helper()
		list, err := g.dirs.clones()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range list {
			data, err := os.ReadFile(c.dir + ".info")
			if err != nil || c.size == 0 {
				t.Errorf("%+v: %v", c, err)
			}
			names = append(names, string(data[strings.LastIndexByte(string(data), '/')+1:]))
		}
		return strings.Join(names, " ")
	}
	versions(repoPath)
	now = now.Add(time.Minute)
	versions("git.internal.test/team/other.git")
	if got := clones(); got != "repo other" {
		t.Fatalf("clones %s", got)
	}
	now = now.Add(time.Minute)
	versions(repoPath) // is the one used last from now on
	if got := clones(); got != "other repo" {
		t.Fatalf("clones %s", got)
	}
	list, _ := g.dirs.clones()
	left := filepath.Join(list[1].dir, "objects", "pack", "tmp_pack_x")
	if err := os.WriteFile(left, make([]byte, 1000), 0o666); err != nil {
		t.Fatal(err)
	}
	// A pack that was left unfinished goes in any case.
	if freed, err := g.Trim(ctx, 1<<40); freed != 1000 || err != nil {
		t.Errorf("freed %d, %v", freed, err)
	}
	g.busy.RLock()
	if freed, err := g.Trim(ctx, 0); freed != 0 || err != nil {
		t.Errorf("trimmed while busy: %d, %v", freed, err)
	}
	g.busy.RUnlock()
	if freed, err := g.Trim(ctx, list[1].size); freed < list[0].size || err != nil {
		t.Errorf("freed %d, %v", freed, err)
	}
	if got := clones(); got != "repo" {
		t.Errorf("clones %s", got)
	}
	if _, err := g.Trim(ctx, 0); err != nil {
		t.Error(err)
	}
	if got := clones(); got != "" {
		t.Errorf("clones %s", got)
	}
	if left := files(t, g.dirs.tmp); len(left) > 0 {
		t.Errorf("temporary files: %v", left)
	}
	versions(repoPath)
	versions("git.internal.test/team/other.git")
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := g.Trim(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("trim when given up: %v", err)
	}
}
