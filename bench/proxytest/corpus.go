//go:build linux

package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"

	"github.com/goready/goready/bench/proxytest/load"
)

// corpus are modules whose files have the sizes of real ones: most are small, a few are large. It is the same in every
// run, except for its number of modules.
type corpus struct {
	dir      string // the GOPROXY file tree
	versions []version
	mods     []mod
	bytes    int64
}

// version is one version and how its files are asked for.
type version struct {
	module.Version
	info, mod, zip load.Request
}

// mod is a module and how what changes is asked for.
type mod struct {
	path         string
	versions     []int // in corpus.versions
	list, latest load.Request
}

const (
	versionsPerModule = 3
	// modules of a group require each other, and no others.
	groupSize = 20
)

// writeCorpus writes n modules as a GOPROXY file tree.
func writeCorpus(dir string, n int) (*corpus, error) {
	w := &corpusWriter{corpus: &corpus{dir: dir}, rng: rand.New(rand.NewPCG(1, 2)), random: rand.NewChaCha8([32]byte{1})}
	for i := range n {
		if err := w.module(i); err != nil {
			return nil, err
		}
	}
	return w.corpus, nil
}

type corpusWriter struct {
	*corpus
	rng    *rand.Rand
	random *rand.ChaCha8 // what does not compress
}

// modulePath returns the path of the module i. One in eight has capitals, which are escaped in URLs.
func modulePath(i int) string {
	if i%8 == 5 {
		return fmt.Sprintf("mod.example.com/Group%d/Module%d", i/groupSize, i)
	}
	return fmt.Sprintf("mod.example.com/group%d/module%d", i/groupSize, i)
}

func (w *corpusWriter) module(i int) error {
	m := mod{path: modulePath(i)}
	var list, latest []byte
	size := w.size(160<<10, 1.3, 5<<10, 5<<20)
	for k := range versionsPerModule {
		v := version{Version: module.Version{Path: m.path, Version: fmt.Sprintf("v1.%d.0", k)}}
		gomod := w.gomod(i)
		info := w.info(v.Version)
		zip, err := w.zip(v.Version, gomod, size+size*k/20)
		if err != nil {
			return err
		}
		for _, f := range []struct {
			to   *load.Request
			ext  string
			body []byte
		}{{&v.info, ".info", info}, {&v.mod, ".mod", gomod}, {&v.zip, ".zip", zip}} {
			if *f.to, err = w.file(m.path, "@v/"+v.Version.Version+f.ext, f.body); err != nil {
				return err
			}
		}
		list = append(list, v.Version.Version+"\n"...)
		latest = info
		m.versions = append(m.versions, len(w.versions))
		w.versions = append(w.versions, v)
	}
	var err error
	if m.list, err = w.file(m.path, "@v/list", list); err != nil {
		return err
	}
	if m.latest, err = w.file(m.path, "@latest", latest); err != nil {
		return err
	}
	w.mods = append(w.mods, m)
	return nil
}

// size returns a size with the median, of a log-normal distribution.
func (w *corpusWriter) size(median, sigma, low, high float64) int {
	return int(min(max(median*math.Exp(sigma*w.rng.NormFloat64()), low), high))
}

// info returns an .info as the go command makes it for a repository.
func (w *corpusWriter) info(v module.Version) []byte {
	return fmt.Appendf(nil, `{"Version":%q,"Time":"2025-%02d-%02dT%02d:04:05Z","Origin":{"VCS":"git","URL":"https://%s","Hash":"%040x","Ref":"refs/tags/%s"}}`,
		v.Version, 1+w.rng.IntN(12), 1+w.rng.IntN(28), w.rng.IntN(24), v.Path, w.rng.Uint64(), v.Version)
}

// gomod returns the go.mod of the module i. What it requires exists, and comes before it in its group; remarks make it
// as large as it is to be.
func (w *corpusWriter) gomod(i int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "module %s\n\ngo 1.21\n", modulePath(i))
	size := w.size(600, 1, 100, 10<<10)
	if first := i / groupSize * groupSize; i > first {
		b.WriteString("\nrequire (\n")
		for j := first; j < i && b.Len() < size; j++ {
			fmt.Fprintf(&b, "\t%s v1.0.0\n", modulePath(j))
		}
		b.WriteString(")\n")
	}
	for b.Len() < size {
		fmt.Fprintf(&b, "// This release needs nothing more: %d\n", w.rng.IntN(1e6))
	}
	return b.Bytes()
}

// zip returns a zip with about so many bytes. The files are not compressed, being random.
func (w *corpusWriter) zip(v module.Version, gomod []byte, size int) ([]byte, error) {
	const fileSize = 16 << 10
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	add := func(name string, r io.Reader) error {
		f, err := z.CreateHeader(&zip.FileHeader{Name: v.Path + "@" + v.Version + "/" + name, Method: zip.Store})
		if err == nil {
			_, err = io.Copy(f, r)
		}
		return err
	}
	if err := add("go.mod", bytes.NewReader(gomod)); err != nil {
		return nil, err
	}
	for i := 0; buf.Len() < size; i++ {
		n := min(fileSize, max(size-buf.Len(), 1<<10))
		if err := add(fmt.Sprintf("data/%03d.bin", i), io.LimitReader(w.random, int64(n))); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return buf.Bytes(), err
}

// file writes a file of a module and returns how it is asked for: as the go command does, which encodes the "!" of an
// escaped path.
func (w *corpusWriter) file(path, name string, body []byte) (load.Request, error) {
	esc, err := module.EscapePath(path)
	if err != nil {
		return load.Request{}, err
	}
	file := filepath.Join(w.dir, filepath.FromSlash(esc+"/"+name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return load.Request{}, err
	}
	if err := os.WriteFile(file, body, 0o644); err != nil {
		return load.Request{}, err
	}
	w.bytes += int64(len(body))
	return load.Request{Path: urlPath(esc + "/" + name), Size: int64(len(body)), CRC: load.Sum(body)}, nil
}

func urlPath(key string) string {
	return "/" + strings.ReplaceAll((&url.URL{Path: key}).EscapedPath(), "!", "%21")
}

// all returns the request for every file, each once.
func (c *corpus) all() []load.Request {
	var out []load.Request
	for _, m := range c.mods {
		out = append(out, m.list, m.latest)
	}
	for _, v := range c.versions {
		out = append(out, v.info, v.mod, v.zip)
	}
	return out
}

func mixNames() []string { return []string{"ci", "small", "zips", "developer"} }

// mix returns the requests of a mix, in the order of many clients at once: ci is go mod download of what a project
// requires, small is that without the zips, zips is what is left, and developer is go get -u and an editor, which ask
// what there is first and seldom need what is new.
func (c *corpus) mix(name string) []load.Request {
	rng := rand.New(rand.NewPCG(3, 4))
	var out []load.Request
	if name == "developer" {
		for _, i := range rng.Perm(len(c.mods)) {
			m := c.mods[i]
			v := c.versions[m.versions[len(m.versions)-1]]
			out = append(out, m.list)
			if rng.IntN(3) == 0 {
				out = append(out, m.latest)
			}
			out = append(out, v.info, v.mod)
			if rng.IntN(4) == 0 {
				out = append(out, v.zip)
			}
		}
		return out
	}
	for _, i := range rng.Perm(len(c.versions)) {
		v := c.versions[i]
		if name != "zips" {
			out = append(out, v.info, v.mod)
		}
		if name != "small" {
			out = append(out, v.zip)
		}
	}
	return out
}
