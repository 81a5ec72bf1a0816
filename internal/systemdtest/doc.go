// Package systemdtest boots Debian with systemd in a container, so that tests can compare what goready predicts with
// what a process really gets there: as a system service, as a service of a user, under cron, su, sudo and ssh.
//
// Everything else in it has the build tag systemd, because it needs root, systemd-nspawn and debootstrap:
//
//	go test -tags systemd ./internal/sysenv/... ./internal/systemdtest/...
//
// The first run makes the root file system, in about two minutes, from the package mirror that /etc/apt of this machine
// names, below $XDG_CACHE_HOME/goready-test; later ones only boot it, in about two seconds. Each container has its own
// writable layer over that file system, which is never changed, and a network with nothing but a loopback interface.
package systemdtest
