package check

import "testing"

func TestPlainUnit(t *testing.T) {
	for name, want := range map[string]bool{"build.service": true, "build@x.service": true, "my-build_2.service": true, `foo\x2dbar.service`: false,
		"a%b.service": false, "a b.service": false, "-x.service": false, "a;b.service": false, "a'b.service": false, "": false} {
		if plainUnit(name) != want {
			t.Errorf("plainUnit(%q) = %v", name, !want)
		}
	}
}
