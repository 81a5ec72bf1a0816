package editor

import (
	_ "embed"
	"strings"
)

// scopeSet is a set of scopes in which settings are registered (configurationRegistry.ts ConfigurationScope).
type scopeSet uint8

const (
	scopeApplication scopeSet = 1 << iota
	scopeApplicationMachine
	scopeMachine
	scopeWindow
	scopeResource
	scopeMachineOverridable
)

// What each settings file may hold (workbench/services/configuration/common/configuration.ts *_SCOPES).
const (
	allScopes         = ^scopeSet(0)
	localScopes       = scopeApplication | scopeWindow | scopeResource
	remoteScopes      = scopeMachine | scopeApplicationMachine | scopeWindow | scopeResource | scopeMachineOverridable
	profileScopes     = scopeMachine | scopeWindow | scopeResource | scopeMachineOverridable
	workspaceScopes   = scopeWindow | scopeResource | scopeMachineOverridable
	folderScopes      = scopeResource | scopeMachineOverridable
	applicationScopes = scopeApplication | scopeApplicationMachine
)

// scopeOf returns the scope of a setting, 0 if it is not registered: then VS Code applies it everywhere.
func (s *Settings) scopeOf(key string) scopeSet {
	for k := key; k != ""; {
		if strings.HasPrefix(k, "http.") && isHTTPProxySetting(k) {
			return s.httpScope()
		}
		if info, ok := lookupSetting(k); ok {
			return info.scope
		}
		i := strings.LastIndexByte(k, '.')
		if i < 0 {
			break
		}
		k = k[:i]
	}
	return 0
}

func isHTTPProxySetting(key string) bool {
	switch key {
	case "http.proxy", "http.noProxy", "http.proxySupport", "http.proxyStrictSSL", "http.proxyAuthorization", "http.proxyKerberosServicePrincipal":
		return true
	}
	return false
}

// httpScope: the proxy settings belong to the application, so that those of the local machine hold in remote windows,
// unless http.useLocalProxyConfiguration is false; then each machine has its own (platform/request/common/request.ts).
func (s *Settings) httpScope() scopeSet {
	if s.remote != nil {
		if v, _ := s.remote.at("http.useLocalProxyConfiguration"); v.False() {
			return scopeMachine
		}
	}
	return scopeApplication
}

// restricted reports whether a workspace must be trusted before the setting counts.
func restricted(key string) bool {
	return strings.HasPrefix(key, "terminal.integrated.") || strings.HasPrefix(key, "go.") || key == "gopls"
}

// settingInfo is a registered setting.
type settingInfo struct {
	name       string
	scope      scopeSet
	types      string // JSON types, separated by "|"
	deprecated string // what to use instead
}

// knownSettings has one setting a line, sorted: name, scope, types, and for deprecated ones what replaces them.
//
//go:embed settings.txt
var knownSettings string

// lookupSetting finds a setting in knownSettings, without building anything: most runs ask for a handful.
func lookupSetting(name string) (settingInfo, bool) {
	at := strings.Index(knownSettings, "\n"+name+"\t")
	if at < 0 {
		return settingInfo{}, false
	}
	line, _, _ := strings.Cut(knownSettings[at+1:], "\n")
	return parseSetting(line), true
}

func parseSetting(line string) settingInfo {
	f := strings.Split(line, "\t")
	info := settingInfo{name: f[0], scope: scopeNamed(f[1]), types: f[2]}
	if len(f) > 3 {
		info.deprecated = f[3]
	}
	return info
}

func scopeNamed(name string) scopeSet {
	switch name {
	case "application":
		return scopeApplication
	case "application-machine":
		return scopeApplicationMachine
	case "machine":
		return scopeMachine
	case "window":
		return scopeWindow
	case "machine-overridable":
		return scopeMachineOverridable
	}
	return scopeResource
}
