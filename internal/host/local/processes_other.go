//go:build !linux && !darwin && !windows

package local

import (
	"fmt"

	"github.com/goready/goready/internal/host"
)

// Processes implements [host.Host]. What runs on this system is unknown.
func (m *Machine) Processes() ([]host.Process, error) {
	return nil, fmt.Errorf("processes: %w", host.ErrUnknown)
}
