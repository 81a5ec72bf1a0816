package cli

import (
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

type layerText struct {
	id   layer.ID
	text msg.Text
}

// layerTexts describes every layer, roughly in the order in which they are usually considered.
func layerTexts() []layerText {
	return []layerText{
		{layer.GoDefault, msg.New("default compiled into the go command")},
		{layer.GoDerived, msg.New("computed from another Go variable")},
		{layer.SDKGoEnv, msg.New("go.env of the Go SDK")},
		{layer.GoEnvFile, msg.New("the go env file, which go env -w writes")},
		{layer.GoMod, msg.New("go and toolchain lines of go.mod")},
		{layer.GoWork, msg.New("go and toolchain lines of go.work")},
		{layer.OSEnv, msg.New("environment of the process")},
		{layer.ShellFile, msg.New("shell start-up file")},
		{layer.ProfileD, msg.New("file in /etc/profile.d")},
		{layer.EtcEnvironment, msg.New("/etc/environment, by PAM")},
		{layer.EnvironmentD, msg.New("environment.d of the systemd user manager")},
		{layer.Launchd, msg.New("launchd")},
		{layer.WindowsUser, msg.New("environment of the Windows user")},
		{layer.WindowsMachine, msg.New("environment of the Windows machine")},
		{layer.SystemdUnit, msg.New("systemd unit, drop-in or manager default")},
		{layer.Crontab, msg.New("crontab")},
		{layer.SettingsDefault, msg.New("default of a VS Code setting")},
		{layer.SettingsUser, msg.New("VS Code user settings")},
		{layer.SettingsRemote, msg.New("VS Code settings of the remote machine")},
		{layer.SettingsWorkspace, msg.New("VS Code workspace settings")},
		{layer.SettingsFolder, msg.New("VS Code folder settings")},
		{layer.HTTPProxy, msg.New("VS Code setting http.proxy")},
		{layer.TerminalEnv, msg.New("VS Code setting terminal.integrated.env")},
		{layer.Frozen, msg.New("value the Go extension copied when it was activated")},
		{layer.GoplsEnv, msg.New("gopls setting build.env")},
		{layer.LaunchEnv, msg.New("env of launch.json")},
		{layer.LaunchEnvFile, msg.New("envFile of launch.json")},
		{layer.TestEnv, msg.New("VS Code setting go.testEnvVars")},
		{layer.TestEnvFile, msg.New("file of the VS Code setting go.testEnvFile")},
		{layer.TaskEnv, msg.New("options.env of tasks.json")},
		{layer.ContainerEnv, msg.New("environment of the container")},
		{layer.RemoteEnv, msg.New("remoteEnv of devcontainer.json")},
	}
}

func layerName(id layer.ID) msg.Text {
	for _, t := range layerTexts() {
		if t.id == id {
			return t.text
		}
	}
	return msg.New("%s", string(id))
}
