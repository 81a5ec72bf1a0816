//go:build !linux

package store

import "os"

// openBeneath opens a file below root.
func openBeneath(root *os.Root, _ *os.File, name string) (*os.File, error) { return root.Open(name) }
