package sysenv

import (
	"strconv"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// unitName is the name of a unit cut into its parts: prefix@instance.type.
type unitName struct {
	id       string
	prefix   string
	instance string
	at       bool // has an "@": a template or an instance of one
	suffix   string
}

// parseUnitName cuts a name. ok is false if it is not one.
func parseUnitName(id string) (n unitName, ok bool) {
	dot := strings.LastIndexByte(id, '.')
	if dot <= 0 || len(id) > 255 || strings.ContainsAny(id, "/\x00") {
		return unitName{}, false
	}
	n = unitName{id: id, prefix: id[:dot], suffix: id[dot:]}
	if prefix, instance, found := strings.Cut(id[:dot], "@"); found {
		n.prefix, n.instance, n.at = prefix, instance, true
	}
	return n, n.prefix != ""
}

func (n unitName) isTemplate() bool { return n.at && n.instance == "" }
func (n unitName) isInstance() bool { return n.at && n.instance != "" }

// template returns the name of the template of an instance.
func (n unitName) template() string { return n.prefix + "@" + n.suffix }

// withInstance returns the instance of the template n.
func (n unitName) withInstance(instance string) string { return n.prefix + "@" + instance + n.suffix }

// unescapeName undoes the escaping of unit names (src/basic/unit-name.c, unit_name_unescape).
func unescapeName(s string) (string, bool) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '-':
			out.WriteByte('/')
		case s[i] == '\\':
			if len(s) < i+4 || s[i+1] != 'x' {
				return "", false
			}
			v, err := strconv.ParseUint(s[i+2:i+4], 16, 8)
			if err != nil {
				return "", false
			}
			out.WriteByte(byte(v))
			i += 3
		default:
			out.WriteByte(s[i])
		}
	}
	return out.String(), true
}

// unescapePath undoes the escaping of a path in a unit's name (unit_name_path_unescape).
func unescapePath(s string) (string, bool) {
	if s == "-" {
		return "/", true
	}
	s, ok := unescapeName(s)
	if !ok || s == "" || strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/") {
		return "", false
	}
	for _, elem := range strings.Split(s, "/") {
		if elem == "" || elem == "." || elem == ".." {
			return "", false
		}
	}
	return "/" + s, true
}

// specifiers replaces the specifiers of systemd.unit(5) in the settings of one unit, or with a zero name in those of a
// manager (src/shared/specifier.c, specifier_printf; src/core/unit-printf.c).
type specifiers struct {
	m       *Manager
	name    unitName
	path    string   // the unit's file
	unknown msg.Text // why the text just replaced cannot be told
}

// replace returns s with its specifiers replaced. ok is false if systemd refuses the text.
func (x *specifiers) replace(s string) (_ string, ok bool) {
	x.unknown = msg.Text{}
	if !strings.Contains(s, "%") {
		return s, true
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '%' || i+1 == len(s):
			out.WriteByte(s[i])
			continue
		case s[i+1] == '%':
			out.WriteByte('%')
		default:
			v, ok := x.value(s[i+1])
			if !ok {
				return "", false
			}
			out.WriteString(v)
		}
		i++
		if out.Len() > maxValue {
			return "", false
		}
	}
	return out.String(), true
}

// value returns what %c stands for.
func (x *specifiers) value(c byte) (string, bool) {
	if !isNameByte(c) || c == '_' {
		return string([]byte{'%', c}), true // only letters and digits can be specifiers
	}
	if x.name.id != "" {
		if v, known, ok := x.ofUnit(c); known {
			return v, ok
		}
	}
	switch c {
	case 'T':
		return "/tmp", true
	case 'V':
		return "/var/tmp", true
	case 'a', 'b', 'H', 'l', 'q', 'm', 'v', 'A', 'B', 'M', 'o', 'w', 'W':
		v, why := x.m.machine(c)
		x.note(why)
		return v, true
	}
	return "", false
}

func (x *specifiers) note(why msg.Text) {
	if !why.IsZero() {
		x.unknown = why
	}
}

// ofUnit returns the specifiers that depend on the unit or on who runs its manager. known is false for others.
func (x *specifiers) ofUnit(c byte) (v string, known, ok bool) {
	n := x.name
	switch c {
	case 'n':
		return n.id, true, true
	case 'N':
		return strings.TrimSuffix(n.id, n.suffix), true, true
	case 'p':
		return n.prefix, true, true
	case 'P':
		v, ok = unescapeName(n.prefix)
		return v, true, ok
	case 'i':
		return n.instance, true, true
	case 'I':
		v, ok = unescapeName(n.instance)
		return v, true, ok
	case 'j':
		return n.prefix[strings.LastIndexByte(n.prefix, '-')+1:], true, true
	case 'J':
		v, ok = unescapeName(n.prefix[strings.LastIndexByte(n.prefix, '-')+1:])
		return v, true, ok
	case 'f':
		if n.instance != "" {
			v, ok = unescapePath(n.instance)
		} else {
			v, ok = unescapePath(n.prefix)
		}
		return v, true, ok
	case 'y':
		return x.realPath(), true, true
	case 'Y':
		return x.m.h.Platform().Dir(x.realPath()), true, true
	case 'c', 'r', 'R':
		x.note(msg.New("the value of the specifier %s is known only to systemd", "%"+string(rune(c))))
		return "", true, true
	}
	return x.ofManager(c)
}

// ofManager returns the specifiers that depend on the manager: its user's, whatever User= says, and its folders.
func (x *specifiers) ofManager(c byte) (v string, known, ok bool) {
	u := x.m.user
	switch c {
	case 'h':
		v = u.Home
	case 's':
		v = u.Shell
	case 'u':
		v = u.Name
	case 'U':
		v = strconv.Itoa(u.UID)
	case 'G':
		v = strconv.Itoa(u.GID)
	case 'g':
		v = groupName(x.m.h, u.GID)
		if v == "" {
			x.note(msg.New("the group %d is not in /etc/group", u.GID))
		}
	case 't', 'S', 'C', 'L', 'E':
		v = x.m.folder(c)
	case 'd':
		v = x.m.folder('t') + "/credentials/" + x.name.id
	default:
		return "", false, false
	}
	return v, true, true
}

// realPath returns the unit's file without symbolic links.
func (x *specifiers) realPath() string {
	if real, err := host.EvalSymlinks(x.m.h, x.path); err == nil {
		return real
	}
	return x.path
}
