//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/module"
)

// TestKilled kills the server again and again while many clients fetch modules through it. No client ever gets a whole
// answer that is not the file of upstream, and at the end every stored file is that file, byte for byte.
func TestKilled(t *testing.T) {
	const rounds, clients, modules = 25, 8, 150
	u, m := newUpstream(t), newMachine(t)
	for i := range modules {
		u.modules.AddBig(fmt.Sprintf("mod.example.com/load/m%d", i), "v1.0.0", 1<<10<<(i%10)) // 1 to 512 KiB
	}
	files := &corpus{u: u, want: map[string][]byte{}}
	for _, v := range u.modules.All() {
		files.add(t, v)
	}
	args := []string{"--data", filepath.Join(m.home, "data"), "--upstream", u.url}
	m.env = append(m.env, "GOSUMDB="+u.sums.Key())
	answered := 0
	for range rounds {
		s := m.serve(t, args...)
		l := files.load(s.url, clients)
		// A moment that differs from round to round, counted in answers: early rounds have only misses.
		l.await(t, int64(1+rand.IntN(60)))
		if err := s.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-s.ended
		for _, err := range l.end() {
			t.Error(err)
		}
		answered += int(l.answered.Load())
	}
	stored := files.verifyStored(t, filepath.Join(m.home, "data", "modules"))
	t.Logf("%d kills, %d whole answers, %d files stored", rounds, answered, stored)
	if stored < rounds {
		t.Errorf("only %d files were stored: the test shows nothing", stored)
	}
	s := m.serve(t, args...)
	for path, want := range files.want {
		if r := get(t, s.url+path); r.status != http.StatusOK || r.body != string(want) {
			t.Fatalf("GET %s after all: %d, %d bytes, want %d", path, r.status, len(r.body), len(want))
		}
	}
	s.stop(os.Interrupt, 0)
	files.verifyStored(t, filepath.Join(m.home, "data", "modules"))
	left, err := filepath.Glob(filepath.Join(m.home, "data", "tmp", "*", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}

// corpus are the files of upstream by their path in a URL.
type corpus struct {
	u     *upstream
	want  map[string][]byte
	paths []string
}

func (c *corpus) add(t *testing.T, v module.Version) {
	t.Helper()
	path, err := module.EscapePath(v.Path)
	if err != nil {
		t.Fatal(err)
	}
	version, err := module.EscapeVersion(v.Version)
	if err != nil {
		t.Fatal(err)
	}
	for ext, get := range map[string]func(string, string) ([]byte, bool){"info": c.u.modules.Info, "mod": c.u.modules.Mod, "zip": c.u.modules.Zip} {
		name := "/" + path + "/@v/" + version + "." + ext
		c.want[name], _ = get(v.Path, v.Version)
		c.paths = append(c.paths, name)
	}
}

// fetching is a load that reads files of the corpus and compares them.
type fetching struct {
	stop     chan struct{}
	wait     sync.WaitGroup
	answered atomic.Int64
	mu       sync.Mutex // guards wrong
	wrong    []error
}

func (c *corpus) load(url string, clients int) *fetching {
	l := &fetching{stop: make(chan struct{})}
	for range clients {
		l.wait.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
			defer client.CloseIdleConnections()
			for {
				select {
				case <-l.stop:
					return
				default:
				}
				path := c.paths[rand.IntN(len(c.paths))]
				whole, err := c.compare(client, url, path)
				if err != nil {
					l.mu.Lock()
					l.wrong = append(l.wrong, err)
					l.mu.Unlock()
				}
				if whole {
					l.answered.Add(1)
				}
			}
		})
	}
	return l
}

// compare reports whether a whole answer came, and returns an error if it is not what upstream has.
func (c *corpus) compare(client *http.Client, url, path string) (whole bool, err error) {
	resp, err := client.Get(url + path)
	if err != nil {
		return false, nil // the server was killed
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return false, nil
	case resp.StatusCode != http.StatusOK:
		return true, fmt.Errorf("GET %s: %s: %s", path, resp.Status, body)
	case !bytes.Equal(body, c.want[path]):
		return true, fmt.Errorf("GET %s: %d bytes that are not the %d of upstream", path, len(body), len(c.want[path]))
	}
	return true, nil
}

func (l *fetching) await(t *testing.T, n int64) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for l.answered.Load() < n {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("no answers")
		}
	}
}

func (l *fetching) end() []error {
	close(l.stop)
	l.wait.Wait()
	return l.wrong
}

// verifyStored compares every file of the store with upstream's, or with its hash, and returns how many there are.
func (c *corpus) verifyStored(t *testing.T, root string) int {
	t.Helper()
	n := 0
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		file, pinned := strings.CutSuffix(name, "hash")
		want, known := c.want["/"+file]
		if pinned {
			want = []byte(c.hash(t, file))
		}
		if !known || !bytes.Equal(got, want) {
			t.Errorf("stored file %s (%d bytes) is not that of upstream (%d bytes)", name, len(got), len(want))
		}
		n++
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return n
}

// hash returns the hash of a .zip or .mod of upstream.
func (c *corpus) hash(t *testing.T, file string) string {
	t.Helper()
	escaped, rest, _ := strings.Cut(file, "/@v/")
	ext := filepath.Ext(rest)
	path, err := module.UnescapePath(escaped)
	if err != nil {
		t.Fatal(err)
	}
	version, err := module.UnescapeVersion(strings.TrimSuffix(rest, ext))
	if err != nil {
		t.Fatal(err)
	}
	zip, mod := c.u.modules.Sums(path, version)
	return map[string]string{".zip": zip, ".mod": mod}[ext]
}
