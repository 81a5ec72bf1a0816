// Package serve is the program goreadyd: its command line and configuration, the listeners, what operators look at
// (metrics, readiness, a status page), reloading and draining, and the wiring of the module proxy.
//
// Its one invariant: a configuration is checked completely before anything is changed by it, and is not changed
// afterwards. A reload that fails leaves what runs as it is. Requests are answered by the configuration that they began
// with.
//
// The package decides nothing about modules: that is internal/proxy. It is the only one of the server that reads the
// environment.
package serve
