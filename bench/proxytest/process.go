//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that was started, and all it started itself.
type process struct {
	name string
	addr string // where it serves modules
	cmd  *exec.Cmd
	log  string        // what it printed
	done chan struct{} // closed when it ended
	err  error         // why, once done is closed
}

// start starts a program, whose output goes to a file in dir.
func start(name, addr, dir string, env []string, program string, args ...string) (*process, error) {
	p := &process{name: name, addr: addr, cmd: exec.Command(program, args...), log: filepath.Join(dir, "log"), done: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = out, out, dir
	p.cmd.Env = append(os.Environ(), env...)
	// A group of its own, to end what the process started with it; told to end should this program be killed.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// stop ends the process, and waits for it. It returns an error if that took force, or the process had ended before.
func (p *process) stop() error {
	select {
	case <-p.done:
		return p.ended()
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by now
	select {
	case <-p.done:
		return nil
	case <-time.After(20 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // the group
	<-p.done
	return fmt.Errorf("%s did not end when it was told to", p.name)
}

// ended describes a process that should still be there.
func (p *process) ended() error {
	text, _ := os.ReadFile(p.log)
	if len(text) > 2000 {
		text = text[len(text)-2000:]
	}
	return fmt.Errorf("%s ended (%v): %s", p.name, p.err, bytes.TrimSpace(text))
}

// await waits until url is answered with 200.
func (p *process) await(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.done:
			return p.ended()
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer %s: %w", p.name, url, ctx.Err())
		case <-tick.C:
		}
	}
}

// cpu returns the CPU time that the process and its descendants used so far.
func (p *process) cpu() (time.Duration, error) {
	pids, err := descendants(p.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, pid := range pids {
		t, err := runTime(pid)
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}

// runTime returns the CPU time of a process and of the children it waited for. What the scheduler says of each thread is
// exact; times in stat are in hundredths of a second.
func runTime(pid int) (time.Duration, error) {
	const tick = time.Second / 100
	f, err := stat(pid)
	if err != nil {
		return 0, err
	}
	own, waited := time.Duration(f[11]+f[12])*tick, time.Duration(f[13]+f[14])*tick
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	var exact time.Duration
	for _, name := range tasks {
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // the thread ended
		}
		if err != nil {
			return 0, err
		}
		first, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		exact += time.Duration(ns)
	}
	if exact < own-tick { // threads ended, or the kernel does not count
		exact = own
	}
	return exact + waited, nil
}

// stat returns the fields of /proc/PID/stat after the name, that is from the third of proc(5) on; what is no number is 0.
func stat(pid int) ([]int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	var f []int64
	for s := range strings.FieldsSeq(string(text[bytes.LastIndexByte(text, ')')+1:])) {
		n, _ := strconv.ParseInt(s, 10, 64)
		f = append(f, n)
	}
	if len(f) < 15 {
		return nil, fmt.Errorf("/proc/%d/stat has only %d fields", pid, len(f))
	}
	return f, nil
}

// descendants returns a process and all that it started and that are still there.
func descendants(pid int) ([]int, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	parents := map[int]int{}
	for _, dir := range dirs {
		child, _ := strconv.Atoi(filepath.Base(dir))
		if f, err := stat(child); err == nil {
			parents[child] = int(f[1])
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		for child, parent := range parents {
			if parent == all[i] {
				all = append(all, child)
			}
		}
	}
	return all, nil
}

// peak returns the most memory that the process had at once, in bytes.
func (p *process) peak() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(text), "VmHWM:")
	if !ok {
		return 0, fmt.Errorf("the kernel does not tell the memory of %s", p.name)
	}
	var kb int64
	_, err = fmt.Sscan(rest, &kb)
	return kb << 10, err
}

// settle waits until the process does next to nothing, at most a minute, and returns the CPU time it used until then.
func (p *process) settle(ctx context.Context) (time.Duration, error) {
	const period = 250 * time.Millisecond
	begin, err := p.cpu()
	last, calm := begin, 0
	tick := time.NewTicker(period)
	defer tick.Stop()
	for i := 0; err == nil && calm < 2 && i < int(time.Minute/period); i++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		var now time.Duration
		if now, err = p.cpu(); now-last < period/50 {
			calm++
		} else {
			calm = 0
		}
		last = now
	}
	return last - begin, err
}

// freeAddrs returns addresses on loopback where nobody listens.
func freeAddrs(n int) ([]string, error) {
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // together, so that they differ
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

// goreadyd is a running one.
type goreadyd struct {
	*process
	admin, data string
	started     time.Duration // until it said that it is healthy
}

// startGoreadyd starts goreadyd with its data in a folder, and more flags.
func (b *bench) startGoreadyd(ctx context.Context, data, upstream string, flags ...string) (*goreadyd, error) {
	addrs, err := freeAddrs(2)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "goreadyd-")
	if err != nil {
		return nil, err
	}
	args := append([]string{"serve", "--listen", addrs[0], "--admin", addrs[1], "--data", data, "--upstream", upstream}, flags...)
	began := time.Now()
	p, err := start("goreadyd", addrs[0], dir, []string{"GOSUMDB=off"}, b.goreadyd, args...)
	if err != nil {
		return nil, err
	}
	g := &goreadyd{process: p, admin: addrs[1], data: data}
	if err := p.await(ctx, "http://"+g.admin+"/healthz"); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	g.started = time.Since(began)
	return g, nil
}

// profileTo writes a CPU profile of the next seconds to a file.
func (g *goreadyd) profileTo(ctx context.Context, name string, seconds int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", g.admin, seconds), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("profile: status %s: %.200s", resp.Status, body)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(name, body, 0o644)
}

// serveHTTP serves a handler on loopback until it is closed.
func serveHTTP(addr string, h http.Handler) (*http.Server, string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, "", err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }() // it ends with Close
	return s, l.Addr().String(), nil
}
