//go:build !windows

package local

import (
	"errors"
	"fmt"
)

// SetUserEnv implements [host.Mutable].
func (m *Machine) SetUserEnv(key string, _, _ *string) error {
	return fmt.Errorf("set %s for the user: %w", key, errors.ErrUnsupported)
}
