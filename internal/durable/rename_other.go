//go:build unix && !linux && !darwin

package durable

import "errors"

func renameExclusive(string, string) error { return errors.ErrUnsupported }
