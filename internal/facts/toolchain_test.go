package facts

import (
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/hosttest"
)

// TestProgramOf compares the numbers of the formats with those of the standard library.
func TestProgramOf(t *testing.T) {
	for arch, number := range map[string]elf.Machine{"386": elf.EM_386, "arm": elf.EM_ARM, "amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64,
		"riscv64": elf.EM_RISCV, "loong64": elf.EM_LOONGARCH, "mips64le": elf.EM_MIPS, "ppc64le": elf.EM_PPC64, "s390x": elf.EM_S390} {
		head := []byte("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 57))
		head[18], head[19] = byte(number), byte(number>>8)
		if p := programOf(head); p.Format != "elf" || !slices.Equal(p.Arch, []string{arch}) {
			t.Errorf("ELF %v: %+v, want %s", number, p, arch)
		}
	}
	big := []byte("\x7fELF\x02\x02\x01" + strings.Repeat("\x00", 57))
	big[19] = byte(elf.EM_PPC64)
	if p := programOf(big); !slices.Equal(p.Arch, []string{"ppc64"}) {
		t.Errorf("big endian: %+v", p)
	}
	for arch, number := range map[string]int{"386": pe.IMAGE_FILE_MACHINE_I386, "amd64": pe.IMAGE_FILE_MACHINE_AMD64, "arm64": pe.IMAGE_FILE_MACHINE_ARM64} {
		head := hosttest.BinaryHead("pe", arch)
		if got := int(head[0x84]) | int(head[0x85])<<8; got != number {
			t.Errorf("hosttest has %#x for %s", got, arch)
		}
		if p := programOf(head); p.Format != "pe" || !slices.Equal(p.Arch, []string{arch}) {
			t.Errorf("PE: %+v, want %s", p, arch)
		}
	}
	for arch, number := range map[string]macho.Cpu{"amd64": macho.CpuAmd64, "arm64": macho.CpuArm64} {
		if !slices.Contains(machoMachines, machine{uint32(number), arch}) {
			t.Errorf("Mach-O %v is not %s", number, arch)
		}
	}
	if p := programOf(hosttest.BinaryHead("macho", "amd64", "arm64")); !slices.Equal(p.Arch, []string{"amd64", "arm64"}) {
		t.Errorf("universal: %+v", p)
	}
	for head, want := range map[string]string{"": "other", "#!/bin/sh\nx": "script", "MZ": "pe", "\x7fELF": "elf", "\xca\xfe\xba\xbe\x00\x00\x00\x41": "other"} {
		if p := programOf([]byte(head)); p.Format != want || len(p.Arch) > 0 {
			t.Errorf("programOf(%q) = %+v, want %s", head, p, want)
		}
	}
}

// TestProgramOfGo looks at the real go command.
func TestProgramOfGo(t *testing.T) {
	cmd, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(cmd)
	if err != nil {
		t.Fatal(err)
	}
	head := data[:host.MaxHead]
	want := map[string]string{"windows": "pe", "darwin": "macho"}[runtime.GOOS]
	if want == "" {
		want = "elf"
	}
	if p := programOf(head); p.Format != want || !slices.Contains(p.Arch, runtime.GOARCH) {
		t.Errorf("%s: %+v, want %s for %s", cmd, p, want, runtime.GOARCH)
	}
}

func TestRunsGo(t *testing.T) {
	for line, want := range map[string]bool{
		"go build ./...": true, "cd /srv && go test ./...": true, "/bin/sh -c 'go run .'": true, "GOFLAGS=-v go vet": true,
		"exec go generate": true, "cd x; go build": true, "/usr/local/go/bin/go build": false, "echo go": false, "ls /go": false,
		"cargo build": false, "": false, "/usr/bin/env go version": true, "tar x go": false,
	} {
		if got := runsGo(line); got != want {
			t.Errorf("runsGo(%q) = %v", line, got)
		}
	}
}

func TestOrigin(t *testing.T) {
	m := hosttest.ParseMachine(t, txtar.Parse([]byte(`env: HOME=/home/u
-- /var/lib/dpkg/info/golang-1.19-go.list --
/.
/usr/lib/go-1.19/bin
/usr/lib/go-1.19/bin/go
-- /proc/self/x --
`)))
	g := newGatherer(t.Context(), m.Host, Options{Workspace: "/home/u"})
	for root, want := range map[string]Origin{
		"/usr/lib/go-1.19": {"debian", "golang-1.19-go"}, "/usr/lib/go-1.21": {"debian", ""}, "/usr/local/go": {"tarball", ""},
		"/home/u/sdk/go1.22.1": {"dl", ""}, "/opt/homebrew/Cellar/go/1.26.1/libexec": {"homebrew", "go"},
		"/opt/homebrew/Cellar/go@1.24/1.24.9/libexec": {"homebrew", "go@1.24"}, "/snap/go/10000": {"snap", "go"},
		"/home/u/.local/share/mise/installs/go/1.26.1": {"mise", ""}, "/home/u/.asdf/installs/golang/1.26.1/go": {"asdf", ""},
		"/home/u/.goenv/versions/1.20.1": {"goenv", ""}, `C:\Program Files\Go`: {"windows-installer", ""}, `C:\Users\u\scoop\apps\go\1.26`: {"scoop", "go"},
	} {
		c := &GoProgram{RealRoot: root}
		c.SDK.Version = "go1.26.1"
		if got := g.origin(c); got != want {
			t.Errorf("origin of %s = %+v, want %+v", root, got, want)
		}
	}
}

// TestOwnSDK: the compiler that is run is never one that a relative entry of PATH finds in the workspace.
func TestOwnSDK(t *testing.T) {
	for path, want := range map[string]string{
		"/usr/local/go/bin":           "/usr/local/go",
		"sdk/bin:/usr/local/go/bin":   "/usr/local/go",
		"./bin::.:/usr/local/go/bin":  "/usr/local/go",
		"sdk/bin":                     "",
		"/nowhere:/src/app/sdk/bin:.": "/src/app/sdk", // somebody wrote it so
	} {
		archive := &txtar.Archive{Comment: []byte("env: PATH=" + path + "\ndir: /src/app\n")}
		for _, root := range []string{"/usr/local/go", "/src/app/sdk", "/src/app"} {
			archive.Comment = append(archive.Comment, "binary: "+root+"/bin/go elf/amd64\nbinary: "+root+"/pkg/tool/linux_amd64/compile elf/amd64\n"...)
			archive.Files = append(archive.Files, txtar.File{Name: root + "/VERSION", Data: []byte("go1.26.8\n")})
		}
		m := hosttest.ParseMachine(t, archive)
		sdk, ok := newGatherer(t.Context(), m.Host, Options{Workspace: m.Dir}).ownSDK()
		if sdk.Root != want || ok != (want != "") {
			t.Errorf("PATH=%s: the compiler of %q would be run, want %q", path, sdk.Root, want)
		}
	}
}
