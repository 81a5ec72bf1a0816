package goenv

import (
	"errors"

	"github.com/goready/goready/internal/host"
)

// UserConfigDir returns what os.UserConfigDir returns on p with that environment, and the same errors.
func UserConfigDir(p host.Platform, getenv func(string) string) (string, error) {
	switch p.OS {
	case "windows":
		return envDir(getenv, "AppData", "", "%AppData% is not defined")
	case "darwin", "ios":
		return envDir(getenv, "HOME", "/Library/Application Support", "$HOME is not defined")
	case "plan9":
		return envDir(getenv, "home", "/lib", "$home is not defined")
	}
	return xdgDir(p, getenv, "XDG_CONFIG_HOME", "/.config")
}

// UserCacheDir returns what os.UserCacheDir returns on p with that environment, and the same errors.
func UserCacheDir(p host.Platform, getenv func(string) string) (string, error) {
	switch p.OS {
	case "windows":
		return envDir(getenv, "LocalAppData", "", "%LocalAppData% is not defined")
	case "darwin", "ios":
		return envDir(getenv, "HOME", "/Library/Caches", "$HOME is not defined")
	case "plan9":
		return envDir(getenv, "home", "/lib/cache", "$home is not defined")
	}
	return xdgDir(p, getenv, "XDG_CACHE_HOME", "/.cache")
}

func envDir(getenv func(string) string, key, sub, undefined string) (string, error) {
	dir := getenv(key)
	if dir == "" {
		return "", errors.New(undefined)
	}
	return dir + sub, nil
}

func xdgDir(p host.Platform, getenv func(string) string, key, sub string) (string, error) {
	if dir := getenv(key); dir != "" {
		if !p.IsAbs(dir) {
			return "", errors.New("path in $" + key + " is relative")
		}
		return dir, nil
	}
	return envDir(getenv, "HOME", sub, "neither $"+key+" nor $HOME are defined")
}

// UserFile returns the name of the user's go env file as cmd/go/internal/cfg.EnvFile finds it. It need not exist, and
// may be relative to the working directory if GOENV is. off: GOENV=off, there is none. The errors are those of
// [UserConfigDir]; the go command then reads no user file and says nothing.
func UserFile(p host.Platform, getenv func(string) string) (name string, off bool, err error) {
	switch file := getenv("GOENV"); file {
	case "":
	case "off":
		return "", true, nil
	default:
		return file, false, nil
	}
	dir, err := UserConfigDir(p, getenv)
	if err != nil {
		return "", false, err
	}
	return p.Join(dir, "go/env"), false, nil
}

// TempDir returns what os.TempDir returns on p with that environment.
func TempDir(p host.Platform, getenv func(string) string) string {
	if p.Windows() {
		// GetTempPath2: the first of these, else the Windows folder.
		for _, key := range []string{"TMP", "TEMP", "USERPROFILE", "SystemRoot"} {
			if dir := getenv(key); dir != "" {
				return p.Clean(dir)
			}
		}
		return `C:\Windows`
	}
	if dir := getenv("TMPDIR"); dir != "" {
		return dir
	}
	switch p.OS {
	case "android":
		return "/data/local/tmp"
	}
	return "/tmp"
}
