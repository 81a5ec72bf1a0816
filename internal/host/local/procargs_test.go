package local

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func procArgsOf(argc int32, rest string) []byte {
	return append(binary.NativeEndian.AppendUint32(nil, uint32(argc)), rest...)
}

func TestParseProcArgs2(t *testing.T) {
	tests := []struct {
		name string
		raw  []byte
		want procArgs2
		ok   bool
	}{
		{"usual", procArgsOf(2, "/usr/bin/go\x00\x00\x00\x00go\x00env\x00A=b\x00C=\x00\x00executable_path=/x\x00"),
			procArgs2{"/usr/bin/go", []string{"go", "env"}, []string{"A=b", "C="}}, true},
		{"empty_argument", procArgsOf(3, "/x\x00a\x00\x00b\x00A=b\x00"), procArgs2{"/x", []string{"a", "", "b"}, []string{"A=b"}}, true},
		{"environment_withheld", procArgsOf(1, "/x\x00x\x00"), procArgs2{"/x", []string{"x"}, nil}, true},
		{"no_arguments", procArgsOf(0, "/x\x00\x00"), procArgs2{"/x", nil, nil}, true},
		{"cut_short", procArgsOf(3, "/x\x00x\x00"), procArgs2{}, false},
		{"no_program", procArgsOf(1, "/x"), procArgs2{}, false},
		{"negative", procArgsOf(-1, "/x\x00x\x00"), procArgs2{}, false},
		{"huge", procArgsOf(1<<30, "/x\x00x\x00"), procArgs2{}, false},
		{"nothing", nil, procArgs2{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseProcArgs2(tt.raw)
			if ok != tt.ok {
				t.Fatalf("ok is %v", ok)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(procArgs2{})); ok && diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseProcArgs2(f *testing.F) {
	f.Add(procArgsOf(2, "/usr/bin/go\x00\x00go\x00env\x00A=b\x00\x00"))
	f.Fuzz(func(_ *testing.T, raw []byte) { parseProcArgs2(raw) })
}
