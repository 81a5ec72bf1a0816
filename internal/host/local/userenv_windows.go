package local

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"github.com/goready/goready/internal/host"
)

// SetUserEnv implements [host.Mutable]. The values are as they are in the registry, not expanded; a variable keeps its
// type. Programs that listen, such as the desktop, are told, so that what they start from then on has the new value.
func (m *Machine) SetUserEnv(key string, old, new *string) error {
	if err := setUserEnv(key, old, new); err != nil {
		return fmt.Errorf("set %s for the user: %w", key, err)
	}
	return announce()
}

func setUserEnv(key string, old, new *string) error {
	k, err := openRegistry(host.RegistryUser, registry.QUERY_VALUE|registry.SET_VALUE)
	if err != nil {
		return err
	}
	defer k.Close()
	now, typ, err := k.GetStringValue(key)
	switch {
	case errors.Is(err, registry.ErrNotExist):
		if old != nil {
			return host.ErrChanged
		}
	case err != nil:
		return err
	case old == nil || *old != now:
		return host.ErrChanged
	}
	switch {
	case new == nil && old == nil:
		return nil
	case new == nil:
		return k.DeleteValue(key)
	case typ == registry.EXPAND_SZ || old == nil && strings.Contains(*new, "%"):
		return k.SetExpandStringValue(key, *new)
	}
	return k.SetStringValue(key, *new)
}

// announce tells the windows of all programs that the environment has changed. One that hangs is left out.
func announce() error {
	const (
		broadcast     = 0xffff // HWND_BROADCAST
		settingChange = 0x1a   // WM_SETTINGCHANGE
		abortIfHung   = 2      // SMTO_ABORTIFHUNG
		milliseconds  = 5000
	)
	what, err := windows.UTF16PtrFromString("Environment")
	if err != nil {
		return err
	}
	var result uintptr
	send := windows.NewLazySystemDLL("user32.dll").NewProc("SendMessageTimeoutW")
	// The result says only whether every program answered, which changes nothing.
	_, _, _ = send.Call(broadcast, settingChange, 0, uintptr(unsafe.Pointer(what)), abortIfHung, milliseconds,
		uintptr(unsafe.Pointer(&result)))
	return nil
}
