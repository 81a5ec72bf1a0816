package facts

import "strings"

// isWSL reports whether the machine is Linux under Windows: its kernel says so, as wslpath and others ask it.
func (g *gatherer) isWSL() bool {
	if g.p.OS != "linux" {
		return false
	}
	release, err := g.h.ReadFile("/proc/sys/kernel/osrelease")
	text := strings.ToLower(string(release))
	return err == nil && (strings.Contains(text, "microsoft") || strings.Contains(text, "wsl"))
}

// container names what kind of container goready runs in, by the marks that container engines leave.
func (g *gatherer) container() string {
	if g.p.OS != "linux" {
		return ""
	}
	switch {
	case g.exists("/.dockerenv"):
		return "docker"
	case g.exists("/run/.containerenv"):
		return "podman"
	case g.environ.Get("KUBERNETES_SERVICE_HOST") != "":
		return "kubernetes"
	}
	return g.environ.Get("container")
}
