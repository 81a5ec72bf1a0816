package local

import (
	"errors"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/goready/goready/internal/host"
)

// Processes implements [host.Host]. Windows has no interface that tells the environment of another process.
func (m *Machine) Processes() ([]host.Process, error) {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return nil, fail("snapshot", "processes", err)
	}
	defer windows.CloseHandle(snapshot)
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	var list []host.Process
	s := &scan{path: make([]uint16, windows.MAX_LONG_PATH), words: make([]uint64, 8<<10+64)}
	for err = windows.Process32First(snapshot, &entry); err == nil; err = windows.Process32Next(snapshot, &entry) {
		list = append(list, s.process(&entry))
	}
	if !errors.Is(err, windows.ERROR_NO_MORE_FILES) {
		return nil, fail("snapshot", "processes", err)
	}
	return list, nil
}

// scan is one walk over the processes; it owns the buffers.
type scan struct {
	path  []uint16
	words []uint64 // words for the alignment; a command line has at most 64 KiB
}

func (s *scan) process(e *windows.ProcessEntry32) host.Process {
	p := host.Process{
		PID:  int(e.ProcessID),
		PPID: int(e.ParentProcessID),
		UID:  -1,
		Name: windows.UTF16ToString(e.ExeFile[:]),
	}
	if p.PID == 0 { // the idle process
		return p
	}
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, e.ProcessID)
	if err != nil {
		return p
	}
	defer windows.CloseHandle(h)
	p.Exe, p.Started, p.Args = s.image(h), started(h), s.commandLine(h)
	return p
}

func (s *scan) image(h windows.Handle) string {
	n := uint32(len(s.path))
	if windows.QueryFullProcessImageName(h, 0, &s.path[0], &n) != nil {
		return ""
	}
	return windows.UTF16ToString(s.path[:n])
}

func started(h windows.Handle) time.Time {
	var creation, exit, kernel, user windows.Filetime
	if windows.GetProcessTimes(h, &creation, &exit, &kernel, &user) != nil {
		return time.Time{}
	}
	return time.Unix(0, creation.Nanoseconds()).UTC()
}

// commandLine returns the arguments of a process. The kernel gives them to PROCESS_QUERY_LIMITED_INFORMATION since
// Windows 8.1, as a UNICODE_STRING followed by its text.
func (s *scan) commandLine(h windows.Handle) []string {
	var n uint32
	err := windows.NtQueryInformationProcess(h, windows.ProcessCommandLineInformation,
		unsafe.Pointer(&s.words[0]), uint32(len(s.words)*8), &n)
	if err != nil {
		return nil
	}
	args, err := windows.DecomposeCommandLine((*windows.NTUnicodeString)(unsafe.Pointer(&s.words[0])).String())
	if err != nil {
		return nil
	}
	return args
}
