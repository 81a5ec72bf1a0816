package sysenv

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// launchdPath is the PATH of a program that launchd starts, from the Dock or the Finder too.
const launchdPath = "/usr/bin:/bin:/usr/sbin:/sbin"

// LaunchdEnv returns a new environment: what macOS gives a program started from the Dock, the Finder or Spotlight. No
// file of a shell is read for it. Values of "launchctl setenv" are kept in no file and hence not seen; those of
// EnvironmentVariables in a property list reach only that job.
func LaunchdEnv(u User) *layer.Env {
	env := &layer.Env{}
	for _, kv := range [][2]string{{"PATH", launchdPath}, {"HOME", u.Home}, {"USER", u.Name}, {"LOGNAME", u.Name}, {"SHELL", u.Shell}} {
		if kv[1] != "" {
			env.Add(kv[0], layer.Set{Layer: layer.Launchd, From: "launchd", Value: kv[1], Why: msg.New("launchd sets it for every program")})
		}
	}
	return env
}

// PathHelper returns the PATH that path_helper(8) of macOS makes: the lines of /etc/paths, of the files of
// /etc/paths.d in the order of their names, then the entries of the PATH it is given, each once. The shells' own files
// /etc/profile and /etc/zprofile call it.
func PathHelper(h host.Host, path string) (string, []Problem) {
	files := []string{"/etc/paths"}
	var problems []Problem
	entries, err := h.ReadDir("/etc/paths.d")
	if err != nil {
		if why := unread("/etc/paths.d", err); !why.IsZero() {
			problems = append(problems, Problem{File: "/etc/paths.d", Why: why})
		}
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name, ".") {
			files = append(files, "/etc/paths.d/"+e.Name)
		}
	}
	var dirs []string
	for _, name := range files {
		data, found, why := read(h, name)
		if !found && !why.IsZero() {
			problems = append(problems, Problem{File: name, Why: why})
		}
		dirs = append(dirs, strings.Split(string(data), "\n")...)
	}
	return joinOnce(append(dirs, strings.Split(path, ":")...)), problems
}

// joinOnce joins the entries that are not empty, each where it is first.
func joinOnce(dirs []string) string {
	seen := map[string]bool{}
	dirs = slices.DeleteFunc(dirs, func(d string) bool {
		skip := d == "" || seen[d]
		seen[d] = true
		return skip
	})
	return strings.Join(dirs, ":")
}
