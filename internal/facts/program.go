package facts

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Program is what the beginning of a file tells of a program.
type Program struct {
	// Format is "elf", "pe", "macho", "script" or "other"; "" if the file could not be read.
	Format string
	// Arch are the architectures it is for, as GOARCH names them: several in a universal file of macOS, none where the
	// format has none or goready does not know it.
	Arch []string
	// Interpreter is the program that a script names.
	Interpreter string
	// Size is the length of the file, and Needs the least that its beginning says it has: with less it is cut off. Needs
	// is 0 where that does not show.
	Size, Needs int64
}

// Incomplete reports whether the file is empty or cut off.
func (p *Program) Incomplete() bool { return p.Format != "" && (p.Size == 0 || p.Size < p.Needs) }

// programOf tells what a program is from the first bytes of its file.
func programOf(head []byte) Program {
	switch {
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		return Program{Format: "elf", Arch: elfArch(head), Needs: elfSize(head)}
	case bytes.HasPrefix(head, []byte("MZ")):
		return Program{Format: "pe", Arch: peArch(head)}
	case bytes.HasPrefix(head, []byte("#!")):
		line, _, _ := bytes.Cut(head[2:], []byte("\n"))
		return Program{Format: "script", Interpreter: string(bytes.TrimSpace(line))}
	}
	if arch, ok := machoArch(head); ok {
		return Program{Format: "macho", Arch: arch}
	}
	return Program{Format: "other"}
}

// machine names an architecture that a format has a number for.
type machine struct {
	number uint32
	arch   string
}

func archOf(table []machine, number uint32) []string {
	if i := slices.IndexFunc(table, func(m machine) bool { return m.number == number }); i >= 0 {
		return []string{table[i].arch}
	}
	return nil
}

// elfMachines are values of e_machine. Some stand for several architectures; see elfArch.
var elfMachines = []machine{{3, "386"}, {8, "mips"}, {21, "ppc64"}, {22, "s390x"}, {40, "arm"}, {62, "amd64"}, {183, "arm64"}, {243, "riscv64"}, {258, "loong64"}}

func elfArch(head []byte) []string {
	if len(head) < 20 {
		return nil
	}
	order, little := binary.ByteOrder(binary.BigEndian), head[5] == 1
	if little {
		order = binary.LittleEndian
	}
	arch := archOf(elfMachines, uint32(order.Uint16(head[18:])))
	if len(arch) == 0 {
		return nil
	}
	name := arch[0]
	if name == "mips" && head[4] == 2 {
		name = "mips64"
	}
	if little && (name == "mips" || name == "mips64" || name == "ppc64") {
		name += "le"
	}
	return []string{name}
}

// elfSize returns the least length of an ELF file of 64 bits: where the table of its segments, those of them that head
// has, and the table of its sections end. It is 0 if that does not show, or makes no sense.
func elfSize(head []byte) int64 {
	const header, segment = 64, 56
	if len(head) < header || head[4] != 2 || head[5] != 1 {
		return 0
	}
	order := binary.LittleEndian
	table, sections := order.Uint64(head[32:]), order.Uint64(head[40:])
	count := uint64(order.Uint16(head[56:]))
	ends := []uint64{sections + uint64(order.Uint16(head[58:]))*uint64(order.Uint16(head[60:])), table + uint64(order.Uint16(head[54:]))*count}
	for i := range count {
		at := table + i*segment
		if order.Uint16(head[54:]) != segment || table > uint64(len(head)) || at+segment > uint64(len(head)) {
			break
		}
		ends = append(ends, order.Uint64(head[at+8:])+order.Uint64(head[at+32:]))
	}
	if least := slices.Max(ends); least < 1<<40 {
		return int64(least)
	}
	return 0
}

// peMachines are values of Machine in the COFF header.
var peMachines = []machine{{0x14c, "386"}, {0x1c4, "arm"}, {0x8664, "amd64"}, {0xaa64, "arm64"}}

func peArch(head []byte) []string {
	const offset = 0x3c
	if len(head) < offset+4 {
		return nil
	}
	at := binary.LittleEndian.Uint32(head[offset:])
	if uint64(at)+6 > uint64(len(head)) || !bytes.HasPrefix(head[at:], []byte("PE\x00\x00")) {
		return nil
	}
	return archOf(peMachines, uint32(binary.LittleEndian.Uint16(head[at+4:])))
}

// machoMachines are values of cputype.
var machoMachines = []machine{{7, "386"}, {12, "arm"}, {0x01000007, "amd64"}, {0x0100000c, "arm64"}}

func machoArch(head []byte) ([]string, bool) {
	if len(head) < 8 {
		return nil, false
	}
	switch binary.LittleEndian.Uint32(head) {
	case 0xfeedface, 0xfeedfacf:
		return archOf(machoMachines, binary.LittleEndian.Uint32(head[4:])), true
	}
	n := binary.BigEndian.Uint32(head[4:])
	if binary.BigEndian.Uint32(head) != 0xcafebabe || n > 16 { // a Java class begins with the same number
		return nil, false
	}
	var all []string
	for i := range int(n) {
		if at := 8 + 20*i; at+4 <= len(head) {
			all = append(all, archOf(machoMachines, binary.BigEndian.Uint32(head[at:]))...)
		}
	}
	return all, true
}
