package check

import "testing"

func TestWholeWords(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 3, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "…"},
		{"ab cd", 4, "ab…"},
		{"the key is: ghp_0123456789", 20, "the key is:…"},
		{"https://me:hunter2@proxy.example.com", 16, "https://me:…"},
		{"/usr/bin:/usr/local/go/bin", 20, "/usr/bin:…"},
		{"欢迎回来欢迎回来", 13, "欢迎回来…"},
		{"欢迎回来 ghp_0123456789", 20, "欢迎回来…"},
		{"a\xe4\xb8 \xff\xff\xff\xff", 6, "a\xe4\xb8…"},
		{"\xff\xff\xff\xff", 3, "…"},
	} {
		if got := wholeWords(tt.text, tt.limit); got != tt.want {
			t.Errorf("wholeWords(%q, %d) = %q, want %q", tt.text, tt.limit, got, tt.want)
		}
	}
}
