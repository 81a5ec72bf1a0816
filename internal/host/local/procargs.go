package local

import (
	"bytes"
	"encoding/binary"
)

// procArgs2 is what sysctl(3) kern.procargs2 of macOS tells of a process.
type procArgs2 struct {
	exe  string
	args []string
	env  []string // nil: withheld by the kernel, as for programs with restricted entitlements
}

// parseProcArgs2 reads the result of kern.procargs2: a native int32 number of arguments, the name of the program, NULs
// up to the next word, the arguments and then the variables, each ended by a NUL, and an empty string after the last
// variable (what follows is between the kernel and the dynamic linker).
func parseProcArgs2(raw []byte) (procArgs2, bool) {
	if len(raw) < 4 {
		return procArgs2{}, false
	}
	argc := int(int32(binary.NativeEndian.Uint32(raw)))
	exe, rest, ok := bytes.Cut(raw[4:], []byte{0})
	if !ok || argc < 0 || argc > len(raw) {
		return procArgs2{}, false
	}
	p := procArgs2{exe: string(exe)}
	rest = bytes.TrimLeft(rest, "\x00")
	for range argc {
		var arg []byte
		if arg, rest, ok = bytes.Cut(rest, []byte{0}); !ok && len(arg) == 0 {
			return procArgs2{}, false
		}
		p.args = append(p.args, string(arg))
	}
	for len(rest) > 0 {
		var kv []byte
		if kv, rest, _ = bytes.Cut(rest, []byte{0}); len(kv) == 0 {
			break
		}
		p.env = append(p.env, string(kv))
	}
	return p, true
}
