package cli

import "testing"

func TestTilde(t *testing.T) {
	s := style{home: "/home/ana", sep: "/"}
	for _, tt := range []struct{ text, want string }{
		{"/home/ana/.profile:3", "~/.profile:3"},
		{"/home/anabel/x", "/home/anabel/x"},
		{"/mnt/home/ana/x", "/mnt/home/ana/x"},
		{"/home/ana", "~"},
		{"a (/home/ana/x:1), b=/home/ana:/bin", "a (~/x:1), b=/home/ana:/bin"},
		{"因为：/home/ana/x（/home/ana/y）", "因为：~/x（~/y）"},
		{"no path", "no path"},
	} {
		if got := s.tilde(tt.text); got != tt.want {
			t.Errorf("tilde(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestColumns(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "环境": 4, "a环b": 4, "\x1b[32mok\x1b[0m": 2} {
		if got := columns(text); got != want {
			t.Errorf("columns(%q) = %d, want %d", text, got, want)
		}
	}
}
