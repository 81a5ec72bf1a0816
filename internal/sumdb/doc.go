// Package sumdb stands between goreadyd and a checksum database: it looks up the hashes of modules, with all proofs, and
// serves the database's own files to go commands from a cache.
//
// Its one invariant: what is cached has been proved to belong to the tree that the database signed. Lookups and tiles
// are immutable and kept for ever; a signed tree head is kept for a bounded time. It serves one database, the one it is
// configured with, and is no relay for others. How bytes travel is not its business: see [Remote].
//
// Every signed tree head that is seen, in a lookup or as "latest", is checked for its signature and to be of one history
// with the heads seen before, also before a restart. Records and tiles are proved against such a head. The proofs are
// those of golang.org/x/mod/sumdb/tlog, put together as golang.org/x/mod/sumdb.Client does for one go command. That type
// is not used here, because it remembers every error and every record for ever, loses the kinds of errors, knows no
// contexts, and can neither check a head nor a tile by themselves; the tests hold the two together.
//
// Files on disk end in a checksum over the database's key, their name and their contents. So what a crash, a bad disk or
// another key left is noticed and fetched again, and what was proved once needs no second proof, which after the tree
// has grown would need tiles from a database that may be out of reach.
package sumdb
