package local

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/goready/goready/internal/host"
)

// zombie is SZOMB of sys/proc.h.
const zombie = 5

// Processes implements [host.Host]. Only the processes of the own user are listed: sysctl(3) kern.proc.uid.
func (m *Machine) Processes() ([]host.Process, error) {
	infos, err := unix.SysctlKinfoProcSlice("kern.proc.uid", os.Geteuid())
	if err != nil {
		return nil, fail("sysctl", "kern.proc.uid", err)
	}
	list := make([]host.Process, 0, len(infos))
	for i := range infos {
		if infos[i].Proc.P_stat != zombie {
			list = append(list, process(&infos[i]))
		}
	}
	return list, nil
}

func process(k *unix.KinfoProc) host.Process {
	pid := int(k.Proc.P_pid)
	started := k.Proc.P_starttime
	p := host.Process{
		PID:     pid,
		PPID:    int(k.Eproc.Ppid),
		UID:     int(k.Eproc.Ucred.Uid),
		Name:    unix.ByteSliceToString(k.Proc.P_comm[:]),
		Started: time.Unix(int64(started.Sec), int64(started.Usec)*1000).UTC(),
	}
	raw, err := procArgs(pid)
	if err != nil {
		return p
	}
	args, ok := parseProcArgs2(raw)
	if !ok {
		return p
	}
	p.Exe, p.Args = args.exe, args.args
	p.ExeDeleted = replaced(p.Exe, p.Started)
	if args.env != nil {
		p.Environ = func() ([]string, error) { return args.env, nil }
	}
	return p
}

func procArgs(pid int) ([]byte, error) {
	raw, err := unix.SysctlRaw("kern.procargs2", pid)
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) {
		err = fs.ErrNotExist
	}
	return raw, fail("procargs of process", strconv.Itoa(pid), err)
}

// replaced reports whether the file exe is gone or was created after started.
func replaced(exe string, started time.Time) bool {
	var st unix.Stat_t
	if err := unix.Stat(exe, &st); err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return time.Unix(st.Btim.Unix()).After(started)
}
