package serve

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/goready/goready/internal/goenv"
)

// flags are the options of the command line. "" is an option that is not given.
type flags struct {
	config, listen, data, upstream, admin, maxSize string
}

// load returns the configuration: flags first, then the file, then what the go command says, then defaults.
func (f *flags) load(ctx context.Context) (*config, error) {
	c, err := f.parse()
	if err != nil {
		return nil, err
	}
	if err := c.fillData(); err != nil {
		return nil, err
	}
	return c, c.fillGo(ctx)
}

// parse returns the configuration without what the machine says: flags, file and defaults.
func (f *flags) parse() (*config, error) {
	c := newConfig()
	if f.config != "" {
		if err := c.readFile(f.config); err != nil {
			return nil, err
		}
	}
	for _, given := range []struct{ option, flag, value string }{
		{optListen, "--listen", f.listen}, {optAdmin, "--admin", f.admin}, {optData, "--data", f.data},
		{optProxy, "--upstream", f.upstream}, {optMaxSize, "--max-size", f.maxSize},
	} {
		if given.value == "" {
			continue
		}
		if err := c.set(given.option, given.value, given.flag); err != nil {
			return nil, err
		}
	}
	return c, c.check()
}

// check looks for what is wrong with several options together.
func (c *config) check() error {
	if (c.tls.cert == "") != (c.tls.key == "") {
		has, lacks := optCert, optKey
		if c.tls.cert == "" {
			has, lacks = lacks, has
		}
		return usagef("", "%s%s is given, but no %s", c.at(has), has, lacks)
	}
	if c.listen.text == c.admin.text && !strings.HasSuffix(c.listen.text, ":0") {
		return usagef("", "%s%s and %s are the same address, %s", c.at(optAdmin), optListen, optAdmin, c.listen.text)
	}
	_, err := c.certificate()
	return err
}

// at returns where in the file an option is, as the beginning of a message.
func (c *config) at(option string) string {
	p, ok := c.places[option]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d: ", p.file, p.line, p.column)
}

// certificate returns the certificate of the public listener, nil if it is to be without TLS.
func (c *config) certificate() (*tls.Certificate, error) {
	if c.tls.cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(string(c.tls.cert), string(c.tls.key))
	if err != nil {
		return nil, usagef("", "%s%s: %w", c.at(optCert), optCert, err)
	}
	return &pair, nil
}

// fillData chooses the folder for the data, and makes its name absolute.
func (c *config) fillData() error {
	if c.data == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return usagef("give a folder with --data DIR", "no folder for the data: %w", err)
		}
		c.data = text(filepath.Join(cache, "goreadyd"))
	}
	abs, err := filepath.Abs(string(c.data))
	if err != nil {
		return incompletef("", "data folder: %w", err)
	}
	c.data = text(abs)
	return nil
}

// fillGo asks the go command for what neither the file nor a flag says.
func (c *config) fillGo(ctx context.Context) error {
	program, err := c.lookGo()
	if err != nil {
		return err
	}
	env := goDefaults()
	if program != "" {
		if env, err = goEnv(ctx, program); err != nil {
			return incompletef("run 'go env' to see it, or set upstream.go in --config FILE", "the go command does not say its settings: %w", err)
		}
	} else if env["GOPROXY"] == "" && !c.given[optProxy] {
		return incompletef("give --upstream LIST, such as --upstream https://proxy.example.com, or install Go",
			"no go command on PATH that would say what GOPROXY is, and no --upstream")
	}
	up := &c.upstream
	up.goCommand = text(program)
	fill(c, optProxy, &up.proxy, env["GOPROXY"])
	fill(c, optPrivate, &up.private, env["GONOPROXY"])
	fill(c, optInsecure, &up.insecure, env["GOINSECURE"])
	fill(c, optVCS, &up.vcs, env["GOVCS"])
	fill(c, optAuth, &up.auth, env["GOAUTH"])
	fill(c, optDatabase, &c.sumdb.database, env["GOSUMDB"])
	fill(c, optExempt, &c.sumdb.exempt, env["GONOSUMDB"])
	if _, err := goenv.ParseServerProxyList(string(up.proxy), runtime.GOOS); err != nil {
		return usagef("give --upstream LIST, or set GOPROXY right", "GOPROXY: %w", err)
	}
	if _, err := goenv.ParseSumDB(string(c.sumdb.database)); err != nil {
		return usagef("set sumdb.database in --config FILE, or GOSUMDB right", "%w", err)
	}
	return nil
}

// goDefaults returns what a go command would say if there were one and it had no settings but those of the environment.
func goDefaults() map[string]string {
	env := map[string]string{}
	for _, name := range goSettings() {
		env[name] = os.Getenv(name)
	}
	env["GOSUMDB"] = cmp.Or(env["GOSUMDB"], "sum.golang.org")
	env["GONOPROXY"] = cmp.Or(env["GONOPROXY"], os.Getenv("GOPRIVATE"))
	env["GONOSUMDB"] = cmp.Or(env["GONOSUMDB"], os.Getenv("GOPRIVATE"))
	return env
}

// goSettings are the settings of the go command that matter to a server.
func goSettings() []string {
	return []string{"GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOAUTH", "GOVCS"}
}

func fill[T ~string](c *config, option string, p *T, value string) {
	if !c.given[option] {
		*p = T(value)
	}
}

// lookGo returns the absolute path of the go command, "" if there is none and none was asked for.
func (c *config) lookGo() (string, error) {
	name := string(c.upstream.goCommand)
	if name == "" {
		name = "go"
	}
	found, err := exec.LookPath(name)
	if err == nil {
		found, err = filepath.Abs(found)
	}
	switch {
	case err == nil:
		return found, nil
	case c.given[optGo]:
		return "", usagef("", "%s%s: %w", c.at(optGo), optGo, err)
	}
	return "", nil
}

// goEnvTimeout is how long the go command may take to say its settings.
const goEnvTimeout = 20 * time.Second

// goEnv returns the settings of a go command. It is run where no go.mod or go.work makes it
// switch to another one.
func goEnv(ctx context.Context, program string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, goEnvTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append([]string{"env", "-json"}, goSettings()...)...)
	temp := os.TempDir()
	cmd.Dir = filepath.VolumeName(temp) + string(filepath.Separator)
	cmd.Env = append(childEnv(), "GOTOOLCHAIN=local", "GOWORK=off")
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if said := firstLine(stderr.String()); said != "" {
			err = errors.New(said)
		}
		return nil, fmt.Errorf("%s env: %w", program, err)
	}
	var env map[string]string
	if err := json.Unmarshal(stdout.Bytes(), &env); err != nil {
		return nil, fmt.Errorf("%s env: %w", program, err)
	}
	return env, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(line)
}

// childEnv is the environment for other programs: our own, without what systemd meant for us alone.
func childEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains([]string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"}, name)
	})
}
