package local

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/goready/goready/internal/host"
)

const (
	// ticks is the number of clock ticks a second in procfs (USER_HZ), 100 on every system that Go supports.
	ticks = 100
	// maxArgs and maxEnviron limit what is read of the arguments and the environment of a process.
	maxArgs    = 64 << 10
	maxEnviron = 8 << 20
	// maxWorkers is the number of goroutines that look at processes. The kernel takes 20 µs and more for each.
	maxWorkers = 4
)

// Processes implements [host.Host]. Of processes of other users only PID and UID are known. Threads of the kernel,
// processes that have ended and were not waited for, and those that end while they are looked at are left out.
func (m *Machine) Processes() ([]host.Process, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("processes: %w", host.ErrUnknown)
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, fail("readdir", "/proc", err)
	}
	workers := min(runtime.GOMAXPROCS(0), maxWorkers, len(names)/16+1)
	parts := make([][]host.Process, workers)
	boot := bootTime()
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() {
			s := scan{dir: int(proc.Fd()), uid: os.Geteuid(), boot: boot, buf: make([]byte, maxArgs)}
			parts[i] = s.processes(names[len(names)*i/workers : len(names)*(i+1)/workers])
		})
	}
	wg.Wait()
	return slices.Concat(parts...), nil
}

// bootTime returns the instant from which procfs counts the start times of processes. It is not read from /proc/stat,
// which takes the kernel longer than everything else here on machines with many processors.
func bootTime() time.Time {
	var up unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) != nil {
		return time.Time{}
	}
	return time.Now().Add(-time.Duration(up.Nano())).UTC().Truncate(time.Second / ticks)
}

// scan is one walk over /proc.
type scan struct {
	dir  int // of /proc
	uid  int
	boot time.Time
	buf  []byte // for the file that is being read
}

func (s *scan) processes(names []string) []host.Process {
	list := make([]host.Process, 0, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, ok := s.process(pid, name); ok {
			list = append(list, p)
		}
	}
	return list
}

func (s *scan) process(pid int, name string) (host.Process, bool) {
	var st unix.Stat_t
	if again(func() error { return unix.Fstatat(s.dir, name, &st, 0) }) != nil {
		return host.Process{}, false
	}
	p := host.Process{PID: pid, UID: int(st.Uid)}
	if p.UID != s.uid {
		return p, true
	}
	var err error
	if p.Exe, p.ExeDeleted, err = s.exe(name); errors.Is(err, fs.ErrNotExist) {
		return host.Process{}, false
	}
	stat, ok := parseStat(s.read(name + "/stat"))
	if !ok {
		return host.Process{}, false
	}
	p.Name, p.PPID = stat.comm, stat.ppid
	p.Started = s.boot.Add(time.Duration(stat.start) * (time.Second / ticks))
	p.Args = splitNul(s.read(name + "/cmdline"))
	p.Environ = func() ([]string, error) { return environ(pid, stat.start) }
	return p, true
}

// read returns the beginning of a file of /proc, valid until the next call; nothing if it cannot be read.
func (s *scan) read(name string) []byte {
	fd := -1
	err := again(func() (err error) {
		fd, err = unix.Openat(s.dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	n := 0
	if err := again(func() (err error) { n, err = unix.Read(fd, s.buf); return err }); err != nil {
		return nil
	}
	return s.buf[:n]
}

// exe returns the program of a process; it is fs.ErrNotExist if that has none, as a thread of the kernel or a process
// that has ended.
func (s *scan) exe(name string) (exe string, deleted bool, err error) {
	n, err := unix.Readlinkat(s.dir, name+"/exe", s.buf)
	if err != nil {
		return "", false, err
	}
	exe, deleted = strings.CutSuffix(string(s.buf[:n]), " (deleted)")
	return exe, deleted, nil
}

// stat is what of /proc/PID/stat is used, see proc_pid_stat(5).
type stat struct {
	comm  string
	ppid  int
	start uint64 // in ticks since boot
}

func parseStat(data []byte) (stat, bool) {
	// The name is in parentheses and may contain parentheses, spaces and line breaks.
	open, end := bytes.IndexByte(data, '('), bytes.LastIndex(data, []byte(") "))
	if open < 0 || end < open {
		return stat{}, false
	}
	s := stat{comm: string(data[open+1 : end])}
	fields := bytes.Fields(data[end+2:])
	if len(fields) < 20 {
		return stat{}, false
	}
	var err1, err2 error
	s.ppid, err1 = strconv.Atoi(string(fields[1]))
	s.start, err2 = strconv.ParseUint(string(fields[19]), 10, 56)
	return s, err1 == nil && err2 == nil
}

// environ returns the environment that the process pid, which began at the tick start, was started with. A process
// may have overwritten that memory since, to change its title.
func environ(pid int, start uint64) ([]string, error) {
	const op = "environ of process"
	name := strconv.Itoa(pid)
	data, err := readLimited("/proc/"+name+"/environ", maxEnviron)
	if err != nil {
		return nil, fail(op, name, err)
	}
	line, err := readLimited("/proc/"+name+"/stat", maxArgs)
	if err != nil {
		return nil, fail(op, name, err)
	}
	if now, ok := parseStat(line); !ok || now.start != start {
		return nil, fail(op, name, fs.ErrNotExist) // another one has its number by now
	}
	return splitNul(data), nil
}

func readLimited(name string, limit int) ([]byte, error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	data, err := readAll(fd, 0, limit)
	if errors.Is(err, unix.ESRCH) {
		err = fs.ErrNotExist
	}
	return data, err
}

func splitNul(data []byte) []string {
	text := strings.TrimSuffix(string(data), "\x00")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\x00")
}
