// Package proxy is the module proxy: it answers the GOPROXY protocol ("go help goproxy") from a store, and fetches what
// the store lacks.
//
// Its one invariant: what leaves the server complete, and what is stored, has been verified. A zip is sent while it
// arrives, but its last 64 KiB, which hold the directory without which no zip can be read, only after the checks; if they
// fail the transfer breaks. The other rules follow from what a go command does with an answer: 404 and 410 send it to its
// next proxy or to the origin, so they are said only when all of upstream said them.
//
// A request is a look-up in memory ([hotMap]), a file sent from the store, or a share of a fetch that is under way
// ([flight] for zips, [calls] for everything small). There is one fetch for each file however many ask for it; who
// leaves disturbs nobody. Each file of a version stands for itself, because most versions are only ever asked for
// their .mod: that an .info is there does not say that a zip is. The hash that a file was first verified with stays in
// the store beside it (.ziphash, as in the go command's own cache, and .modhash) even when the file is evicted, so that
// another content for the same version is noticed and refused, also for modules that no checksum database knows.
//
// The package does not read configuration files, listen, or know how upstream is reached.
package proxy
