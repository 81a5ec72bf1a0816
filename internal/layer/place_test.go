package layer

import "testing"

func TestPlace(t *testing.T) {
	for _, c := range []struct {
		from, file string
		line       int
	}{
		{"/home/u/.profile:12", "/home/u/.profile", 12},
		{"/etc/environment", "/etc/environment", 0},
		{`C:\Users\u\go\env:3`, `C:\Users\u\go\env`, 3},
		{`C:\Users\u\go\env`, `C:\Users\u\go\env`, 0},
		{"environment of goready", "environment of goready", 0},
		{":7", ":7", 0},
		{"", "", 0},
	} {
		if file, line := SplitPlace(c.from); file != c.file || line != c.line {
			t.Errorf("SplitPlace(%q) = %q, %d; want %q, %d", c.from, file, line, c.file, c.line)
		}
		if from := Place(c.file, c.line); from != c.from {
			t.Errorf("Place(%q, %d) = %q, want %q", c.file, c.line, from, c.from)
		}
	}
}
