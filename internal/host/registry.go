package host

import "strings"

// The environment blocks of the Windows registry are pseudo files: ReadFile of these names returns one line
// "KEY=TYPE:value" for each value of the registry key, sorted by KEY. TYPE is REG_SZ, REG_EXPAND_SZ, or REG_OTHER for
// every other type, which Windows does not put in an environment; those have no value here. A line break within a value
// is written as U+2028. On other systems these names give fs.ErrNotExist; only ReadFile knows them.
const (
	RegistryUser    = `registry:HKCU\Environment`
	RegistryMachine = `registry:HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment`

	// RegistryPrefix is what the names of such pseudo files begin with. No absolute name does.
	RegistryPrefix = "registry:"
)

// The registry's numbers for the types of values that may be in an environment.
const (
	regSZ       = 1
	regExpandSZ = 2
)

// RegistryLine returns the line of a pseudo file for a value with the registry's number for its type.
func RegistryLine(key string, typ uint32, value string) string {
	name := "REG_OTHER"
	switch typ {
	case regSZ:
		name = "REG_SZ"
	case regExpandSZ:
		name = "REG_EXPAND_SZ"
	default:
		value = ""
	}
	lines := strings.NewReplacer("\r\n", "\u2028", "\r", "\u2028", "\n", "\u2028")
	return lines.Replace(key) + "=" + name + ":" + lines.Replace(value) + "\n"
}
