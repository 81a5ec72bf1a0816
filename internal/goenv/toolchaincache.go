package goenv

import (
	"errors"
	"io/fs"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/goready/goready/internal/msg"
)

// fromCache is the second half of cmd/go/internal/toolchain.Exec: the module cache, else a download.
func (c *toolchainChoice) fromCache() {
	v := c.v
	p := v.q.Platform
	cache := v.value("GOMODCACHE")
	switch {
	case cache == "":
		c.s.Err = msg.New("module cache not found: neither GOMODCACHE nor GOPATH is set")
		return
	case !p.IsAbs(cache):
		c.s.Err = msg.New("GOMODCACHE entry is relative; must be absolute path: %q", cache)
		return
	}
	version := "v0.0.1-" + c.name + "." + p.OS + "-" + v.arch()
	if !semver.IsValid(version) {
		c.s.Err = msg.New("download %s: non-semver module version %q", c.name, version)
		return
	}
	escaped, err := module.EscapeVersion(version)
	if err != nil {
		c.s.Err = msg.New("download %s: %s", c.name, err.Error())
		return
	}
	if v.q.Root == nil {
		c.s.Unknown = msg.New("whether %s is in the module cache is not known", c.name)
		return
	}
	sdk, err := v.q.Root(p.Join(cache, "golang.org", "toolchain@"+escaped))
	switch {
	case err == nil:
		c.s.SDK = &sdk
		c.s.Err = c.unverifiable(version)
	case errors.Is(err, fs.ErrNotExist):
		c.s.Download = true
		c.s.Err = c.undownloadable(version)
	default:
		c.s.Unknown = msg.New("whether %s is in the module cache is not known", c.name)
	}
}

// undownloadable returns the error that is certain without asking any server.
func (c *toolchainChoice) undownloadable(version string) msg.Text {
	v := c.v
	list, err := ParseProxyList(v.value("GOPROXY"), v.value("GONOPROXY"), v.q.Platform)
	if err != nil {
		return msg.New("download %s: %s", c.name, err.Error())
	}
	if toolchainIsLang(c.version) {
		return msg.New("invalid toolchain: %s is a language version but not a toolchain version (%s.x)", c.name, c.name)
	}
	if list[0].URL == ProxyNone {
		list = list[1:]
	}
	if list[0].URL == ProxyOff {
		return msg.New("download %s for %s/%s: toolchain not available", c.name, v.q.Platform.OS, v.arch())
	}
	return c.unverifiable(version)
}

// unverifiable returns why the checksum database, which every toolchain needs on every run, cannot be asked
// (cmd/go/internal/modfetch.useSumDB). Only a GOPROXY that is one file URL makes the usual exceptions count.
func (c *toolchainChoice) unverifiable(version string) msg.Text {
	v := c.v
	proxy := v.value("GOPROXY")
	if strings.HasPrefix(proxy, "file://") && !strings.ContainsAny(proxy, ",|") {
		return msg.Text{}
	}
	db := v.value("GOSUMDB")
	if db == "off" {
		return msg.New("golang.org/toolchain@%s: verifying module: checksum database disabled by GOSUMDB=off", version)
	}
	if _, err := ParseSumDB(db); err != nil {
		return msg.New("golang.org/toolchain@%s: verifying module: %s", version, err.Error())
	}
	return msg.Text{}
}
