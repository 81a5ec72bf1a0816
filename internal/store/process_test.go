package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/store/storetest"
)

// childMode tells the test binary, in the environment, to be a process that uses the store in its first argument.
const childMode = "GOREADY_STORE_CHILD"

func TestMain(m *testing.M) {
	modes := map[string]func(root, arg string) error{"write": writeForEver, "race": raceOnce, "index": appendToIndex, "hold": hold}
	mode := os.Getenv(childMode)
	if mode == "" {
		os.Exit(m.Run())
	}
	if err := modes[mode](os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child is a process that a test has started.
type child struct {
	cmd   *exec.Cmd
	out   *bufio.Reader
	stdin io.WriteCloser
}

// startChild starts a process. If it is still there at the end of the test, it ends as its standard input does.
func startChild(t *testing.T, mode, root, arg string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(exe, root, arg)}
	c.cmd.Env = append(os.Environ(), childMode+"="+mode)
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewReader(out)
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// line returns the next line that the child says, "" at the end.
func (c *child) line() string {
	line, err := c.out.ReadString('\n')
	if err != nil {
		return "" // it was killed in the middle of a line
	}
	return strings.TrimSpace(line)
}

// kill ends the child at once and returns the lines that it had said.
func (c *child) kill(t *testing.T) (lines []string) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for line := c.line(); line != ""; line = c.line() {
		lines = append(lines, line)
	}
	if err := c.cmd.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	return lines
}

// wait lets the child end and returns the lines that it has said.
func (c *child) wait(t *testing.T) (lines []string) {
	t.Helper()
	if err := c.stdin.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		t.Fatal(err)
	}
	for line := c.line(); line != ""; line = c.line() {
		lines = append(lines, line)
	}
	if err := c.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// contentOf returns the contents that a key must have, of up to 200 kB. It ends in the key, so that a part is not whole.
func contentOf(key string) string {
	h := fnv.New32a()
	io.WriteString(h, key)
	return strings.Repeat(key+"\n", 1+int(h.Sum32()%6000)) + key
}

// writeForEver stores, and does what else changes a store, and says "put <key>" after each that was stored, and "write"
// in the middle of writing.
func writeForEver(root, seed string) error {
	d, err := store.OpenDir(store.Config{Root: root, Fast: seed[0] == 'f'})
	if err != nil {
		return err
	}
	x, err := store.OpenIndex(root)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		key := fmt.Sprintf("example.com/%s/m%d/@v/v0.0.%d.zip", seed, i/3, i)
		if err := putInParts(d, key); err != nil {
			return err
		}
		fmt.Println("put", key)
		if err := x.Append(path.Dir(path.Dir(key)), fmt.Sprintf("v0.0.%d", i), time.Now()); err != nil {
			return err
		}
		switch damaged := key + ".damaged"; i % 5 {
		case 0:
			if err := errors.Join(putInParts(d, damaged), d.Quarantine(context.Background(), damaged)); err != nil {
				return err
			}
		case 1:
			if err := errors.Join(putInParts(d, damaged), d.Delete(context.Background(), damaged)); err != nil {
				return err
			}
		}
	}
}

func putInParts(d *store.Dir, key string) error {
	f, err := d.Temp()
	if err != nil {
		return err
	}
	for part := range slices.Chunk([]byte(contentOf(key)), 64<<10) {
		if _, err := f.Write(part); err != nil {
			return err
		}
		fmt.Println("write")
	}
	return errors.Join(d.Put(context.Background(), key, f), f.Close())
}

// TestKilled kills a process that writes, again and again. What is in the store must be whole, what was said to be
// stored must be there, and the next process removes what was left behind.
func TestKilled(t *testing.T) {
	root := t.TempDir()
	stored := map[string]bool{}
	kills, left := 0, 0
	for start := time.Now(); time.Since(start) < 4*time.Second || kills < 5; kills++ {
		c := startChild(t, "write", root, fmt.Sprintf("%c%d", "df"[kills%2], kills))
		var lines []string
		for range 1 + rand.IntN(60) {
			lines = append(lines, c.line())
		}
		for line := range slices.Values(append(lines, c.kill(t)...)) {
			if key, ok := strings.CutPrefix(line, "put "); ok {
				stored[key] = true
			}
		}
		left += len(tempFiles(t, root))
	}
	t.Logf("killed %d times; %d files were said to be stored; %d temporary files were found", kills, len(stored), left)
	if left == 0 || len(stored) == 0 {
		t.Error("the processes were not killed while they wrote")
	}
	d := openDir(t, store.Config{Root: root})
	if names := tempFiles(t, root); len(names) > 0 {
		t.Errorf("temporary files are left after the next start: %q", names)
	}
	for e, err := range d.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if got, err := storetest.ReadString(t, d, e.Key); err != nil || got != contentOf(e.Key) {
			t.Errorf("%s has %d bytes, %v; want %d", e.Key, len(got), err, len(contentOf(e.Key)))
		}
		delete(stored, e.Key)
	}
	for key := range stored {
		t.Errorf("%s was said to be stored, but is not there", key)
	}
	wantIndexWhole(t, root)
}

// tempFiles returns the files in the tmp folder, without locks.
func tempFiles(t *testing.T, root string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(filepath.Join(root, "tmp"), func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != "lock" {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func wantIndexWhole(t *testing.T, root string) {
	t.Helper()
	x, err := store.OpenIndex(root)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if err := x.Append("example.com/last", "v1.0.0", time.Now()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(root, "index.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := x.Since(time.Time{}, 0)
	if n := strings.Count(string(data), "\n"); err != nil || len(entries) != min(n, store.MaxIndex) {
		t.Errorf("the index has %d lines and %d entries, %v", n, len(entries), err)
	}
}

// raceOnce stores the same keys as other processes, with contents of its own, and says which it has stored.
func raceOnce(root, me string) error {
	d, err := store.OpenDir(store.Config{Root: root, Fast: true})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := io.ReadAll(os.Stdin); err != nil { // until all are ready
		return err
	}
	for i := range raceKeys {
		f, err := d.Temp()
		if err != nil {
			return err
		}
		if _, err := io.WriteString(f, raceContent(me, i)); err != nil {
			return err
		}
		err = d.Put(context.Background(), raceKey(i), f)
		if err == nil {
			fmt.Println(i)
		} else if !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return d.Close()
}

const raceKeys = 300

func raceKey(i int) string { return fmt.Sprintf("example.com/m%d/@v/v0.0.%d.mod", i/10, i) }

func raceContent(who string, i int) string { return fmt.Sprintf("%d by %s", i, who) }

func TestProcessesShareAStore(t *testing.T) {
	root := t.TempDir()
	var children []*child
	for i := range 4 {
		c := startChild(t, "race", root, strconv.Itoa(i))
		if line := c.line(); line != "ready" {
			t.Fatalf("child %d says %q", i, line)
		}
		children = append(children, c)
	}
	for _, c := range children {
		c.stdin.Close()
	}
	winners := make([][]string, raceKeys)
	for who, c := range children {
		for _, line := range c.wait(t) {
			i, err := strconv.Atoi(line)
			if err != nil {
				t.Fatal(err)
			}
			winners[i] = append(winners[i], strconv.Itoa(who))
		}
	}
	d := openDir(t, store.Config{Root: root})
	var total int64
	for i, w := range winners {
		if len(w) != 1 {
			t.Errorf("%d processes have stored key %d", len(w), i)
			continue
		}
		want := raceContent(w[0], i)
		if got, err := storetest.ReadString(t, d, raceKey(i)); err != nil || got != want {
			t.Errorf("key %d has %q, %v; want %q", i, got, err, want)
		}
		total += int64(len(want))
	}
	if names := tempFiles(t, root); len(names) > 0 {
		t.Errorf("temporary files are left: %q", names)
	}
}

// hold keeps a temporary file until its standard input ends, and says its name.
func hold(root, _ string) error {
	d, err := store.OpenDir(store.Config{Root: root})
	if err != nil {
		return err
	}
	f, err := d.Temp()
	if err != nil {
		return err
	}
	fmt.Println(f.Name())
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return err
	}
	if _, err := io.WriteString(f, "x"); err != nil {
		return err
	}
	// In another order than usual, which is allowed.
	return errors.Join(d.Put(context.Background(), someKey, f), d.Close(), f.Close())
}

// TestSweep opens a store whose tmp folder has what two processes left, one that lives and one that is gone.
func TestSweep(t *testing.T) {
	root := t.TempDir()
	live, dead := startChild(t, "hold", root, ""), startChild(t, "hold", root, "")
	liveFile, deadFile := live.line(), dead.line()
	dead.kill(t)
	if _, err := os.Stat(deadFile); err != nil {
		t.Fatalf("the killed process removed its file: %v", err)
	}
	stray := filepath.Join(root, "tmp", "no-process-ever-locked-it")
	if err := os.MkdirAll(filepath.Join(stray, "below"), 0o755); err != nil {
		t.Fatal(err)
	}
	same := openDir(t, store.Config{Root: root}) // of this process, which also lives
	mine := storetest.NewTemp(t, same, "x")
	d := openDir(t, store.Config{Root: root})
	for name, want := range map[string]bool{liveFile: true, deadFile: false, filepath.Dir(deadFile): false, stray: false, mine.Name(): true} {
		if _, err := os.Stat(name); (err == nil) != want {
			t.Errorf("%s: %v, want it to be there: %v", name, err, want)
		}
	}
	live.wait(t)
	if got, err := storetest.ReadString(t, d, someKey); err != nil || got != "x" {
		t.Errorf("what the other process has put is %q, %v", got, err)
	}
	if _, err := os.Stat(filepath.Dir(liveFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of a process that closed the store: %v", err)
	}
}

// appendToIndex appends 500 versions.
func appendToIndex(root, me string) error {
	x, err := store.OpenIndex(root)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return err
	}
	for i := range 500 {
		if err := x.Append("example.com/"+me, fmt.Sprintf("v0.0.%d", i), time.Now()); err != nil {
			return err
		}
	}
	return x.Close()
}

func TestProcessesShareAnIndex(t *testing.T) {
	root := t.TempDir()
	var children []*child
	for i := range 3 {
		c := startChild(t, "index", root, strconv.Itoa(i))
		if line := c.line(); line != "ready" {
			t.Fatalf("child %d says %q", i, line)
		}
		children = append(children, c)
	}
	for _, c := range children {
		c.stdin.Close()
	}
	for _, c := range children {
		c.wait(t)
	}
	x, err := store.OpenIndex(root)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	entries, err := x.Since(time.Time{}, 0)
	if err != nil || len(entries) != 1500 {
		t.Fatalf("%d entries, %v; want 1500", len(entries), err)
	}
	next := map[string]int{}
	for _, e := range entries {
		if want := fmt.Sprintf("v0.0.%d", next[e.Path]); e.Version != want {
			t.Fatalf("%s has %s after %d others", e.Path, e.Version, next[e.Path])
		}
		next[e.Path]++
	}
}
