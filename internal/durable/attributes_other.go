//go:build !unix

package durable

import (
	"io/fs"
	"os"
)

// keepAttributes does nothing: there the folder decides about access, and a new file inherits from it.
func keepAttributes(*os.File, fs.FileInfo) error { return nil }
