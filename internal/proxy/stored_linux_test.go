package proxy

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/goready/goready/internal/testreq"
)

// TestFullDisk runs on a disk of 1 MiB: small files are passed through, zips are refused in so many words, and what is
// stored is served. With space again all is well.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		testreq.Missing(t, "root, to mount a file system")
	}
	disk := t.TempDir()
	if out, err := exec.Command(testreq.Program(t, "mount"), "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk).CombinedOutput(); err != nil {
		testreq.Missing(t, "mount of a tmpfs: "+string(out))
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", disk).CombinedOutput(); err != nil {
			t.Errorf("umount: %s", out)
		}
	})
	g := newRig(t, func(g *rig, c *Config) {
		g.dir = disk
		d := openDir(t, g)
		c.Store, c.AnswerDir = d, disk+"/answers"
	})
	g.modules.AddBig(bigPath, "v1.0.0", bigSize)
	g.want(200, basic+"/@v/v1.0.0.zip")
	g.want(200, basic+"/@v/list")

	s := g.get(bigZip) // does not fit
	if s.err == nil && s.status == 200 {
		t.Errorf("a zip larger than the disk: %v", s)
	}
	wantNothingStored(t, g, bigPath)

	filler := filepath.Join(disk, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o644); err == nil {
		t.Fatal("the disk is not full")
	}
	if s := g.want(507, bigZip); len(s.body) == 0 || s.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a zip: %v", s)
	}
	g.wantBody(basic+"/@v/v1.1.0.mod", g.mod("mod.example.com/basic", "v1.1.0"), "BYPASS")
	g.wantBody(basic+"/@v/v1.1.0.info", g.info("mod.example.com/basic", "v1.1.0"), "BYPASS")
	g.want(200, "/mod.example.com/retract/@v/list")
	g.wantBody(basic+"/@v/v1.0.0.zip", g.zip("mod.example.com/basic", "v1.0.0"), "HIT")
	if err := g.server.CheckStore(); err == nil {
		t.Error("the store is said to be well")
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := g.server.CheckStore(); err != nil {
		t.Error(err)
	}
	g.wantBody(basic+"/@v/v1.2.0.zip", g.zip("mod.example.com/basic", "v1.2.0"), "MISS")
	g.wantBody(basic+"/@v/v1.2.0.mod", g.mod("mod.example.com/basic", "v1.2.0"), "MISS")
}
