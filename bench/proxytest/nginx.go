//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// startNginx starts nginx with the files of a tree and the settings that matter of Debian's nginx.conf.
func (b *bench) startNginx(ctx context.Context, tree, probe string) (*process, error) {
	return b.nginxWith(ctx, "nginx", probe, "root "+tree+";")
}

// startNginxProxy starts nginx as a caching proxy in front of another server.
func (b *bench) startNginxProxy(ctx context.Context, upstream, probe string) (*process, error) {
	return b.nginxWith(ctx, "nginx-proxy", probe, `location / {
      proxy_pass http://`+upstream+`;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache modules;
      proxy_cache_valid 200 1h;
      proxy_cache_lock on;
    }`)
}

// nginxWith starts nginx with what its one server does, and waits until it answers the path probe.
func (b *bench) nginxWith(ctx context.Context, name, probe, server string) (*process, error) {
	dir, err := os.MkdirTemp(b.dir, name+"-")
	if err != nil {
		return nil, err
	}
	addrs, err := freeAddrs(1)
	if err != nil {
		return nil, err
	}
	config := strings.NewReplacer("ADDR", addrs[0], "DIR", dir, "SERVER", server, "USER", nginxUser()).Replace(nginxConfig)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return nil, err
	}
	p, err := start(name, addrs[0], dir, nil, b.nginx, "-p", dir, "-c", file, "-e", filepath.Join(dir, "error.log"))
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, "http://"+p.addr+probe); err != nil {
		text, _ := os.ReadFile(filepath.Join(dir, "error.log"))
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, text), p.stop())
	}
	return p, nil
}

// nginxUser is what lets workers read the temporary folders of root.
func nginxUser() string {
	if os.Geteuid() == 0 {
		return "user root root;"
	}
	return ""
}

const nginxConfig = `daemon off;
USER
worker_processes 2;
worker_rlimit_nofile 16384;
pid DIR/pid;
error_log DIR/error.log warn;
events {
  worker_connections 4096;
}
http {
  access_log DIR/access.log;
  gzip on;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 300s;
  keepalive_requests 1000000000;
  types {
    application/json info;
    application/zip zip;
  }
  default_type text/plain;
  client_body_temp_path DIR/body;
  proxy_temp_path DIR/proxy;
  fastcgi_temp_path DIR/fastcgi;
  uwsgi_temp_path DIR/uwsgi;
  scgi_temp_path DIR/scgi;
  proxy_cache_path DIR/cache levels=1:2 keys_zone=modules:64m inactive=1h max_size=8g use_temp_path=off;
  server {
    listen ADDR;
    SERVER
  }
}
`
