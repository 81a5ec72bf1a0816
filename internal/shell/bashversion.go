package shell

import (
	"strconv"
	"strings"
)

// bashMajor returns the first number of the version of the shell, which start-up files ask for, where the distribution
// tells it: bash cannot be asked without running it. It is that of /bin/bash, so of no shell that was installed elsewhere.
func (r *posix) bashMajor() (string, bool) {
	switch r.s.Path {
	case "", "bash", "/bin/bash", "/usr/bin/bash":
	default:
		return "", false
	}
	switch r.e.o.Host.Platform().OS {
	case "darwin":
		return "3", true // 3.2.57 since 2014, for its licence
	case "linux":
		return distributionBash(r.e.release())
	}
	return "", false
}

// release returns /etc/os-release, read once.
func (e *Evaluator) release() map[string]string {
	if e.osRelease == nil {
		e.osRelease = map[string]string{}
		for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
			data, err := e.o.Host.ReadFile(name)
			if err != nil {
				continue
			}
			for line := range strings.Lines(string(data)) {
				if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
					e.osRelease[key] = strings.Trim(value, `"'`)
				}
			}
			break
		}
	}
	return e.osRelease
}

// distributionBash returns the major version of the bash that a release of a distribution has: 5.0 is of January 2019.
// Sources: the package lists of the distributions.
func distributionBash(release map[string]string) (string, bool) {
	major, minor, _ := strings.Cut(release["VERSION_ID"], ".")
	n, _ := strconv.Atoi(major)
	at := func(first int) (string, bool) {
		if n >= first {
			return "5", true
		}
		return "", false
	}
	switch release["ID"] {
	case "debian":
		return at(10)
	case "ubuntu":
		if n == 19 && minor == "04" {
			return "5", true
		}
		return at(20)
	case "fedora":
		return at(31)
	case "rhel", "centos", "rocky", "almalinux", "ol":
		if n == 8 {
			return "4", true
		}
		return at(9)
	case "amzn":
		return at(2023)
	case "linuxmint":
		return at(20)
	case "arch", "opensuse-tumbleweed", "manjaro", "gentoo", "void":
		return "5", true
	}
	return "", false
}
