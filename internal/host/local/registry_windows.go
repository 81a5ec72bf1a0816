package local

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sys/windows/registry"

	"github.com/goready/goready/internal/host"
)

// maxValues is the number of values of the largest registry key that is read.
const maxValues = 1 << 14

// readRegistry returns the values of a registry key as host.RegistryPrefix describes.
func readRegistry(name string) ([]byte, error) {
	key, err := openRegistry(name, registry.QUERY_VALUE)
	if err != nil {
		return nil, err
	}
	defer key.Close()
	names, err := key.ReadValueNames(maxValues)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	slices.Sort(names)
	var b strings.Builder
	for _, n := range names {
		value, typ, err := key.GetStringValue(n)
		switch {
		case errors.Is(err, registry.ErrNotExist):
			continue // removed since the names were read
		case errors.Is(err, registry.ErrUnexpectedType):
			value, typ = "", 0
		case err != nil:
			return nil, err
		}
		b.WriteString(host.RegistryLine(n, typ, value))
	}
	return []byte(b.String()), nil
}

// openRegistry opens one of the two keys that are known by a name of host.
func openRegistry(name string, access uint32) (registry.Key, error) {
	switch {
	case strings.EqualFold(name, host.RegistryUser):
		return registry.OpenKey(registry.CURRENT_USER, name[len(`registry:HKCU\`):], access)
	case strings.EqualFold(name, host.RegistryMachine):
		return registry.OpenKey(registry.LOCAL_MACHINE, name[len(`registry:HKLM\`):], access)
	}
	return 0, fs.ErrNotExist
}
