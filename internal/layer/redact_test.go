package layer

import "testing"

func TestRedact(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"GOPROXY", "https://proxy.example.com,direct", "https://proxy.example.com,direct"},
		{"GOPROXY", "https://u:p@a.example.com|https://b.example.com,direct", "https://u:xxxxx@a.example.com|https://b.example.com,direct"},
		{"GOPROXY", "https://u:p@ss@a.example.com", "https://u:xxxxx@a.example.com"},
		{"GOPROXY", "https://ghp_0123456789abcdefghij@a.example.com", "https://xxxxx@a.example.com"},
		{"GOPROXY", "https://user@a.example.com/x@y", "https://user@a.example.com/x@y"},
		{"X", "no url, but me@example.com", "no url, but me@example.com"},
		{"NPM_TOKEN", "abc", "xxxxx"},
		{"NPM_TOKEN", "", ""},
		{"GOFLAGS", "-ldflags=-X=a.b=c", "-ldflags=-X=a.b=c"},
	} {
		if got := Redact(tt.name, tt.value); got != tt.want {
			t.Errorf("Redact(%q, %q) = %q, want %q", tt.name, tt.value, got, tt.want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("https://u:p@h/x,https://@h|://")
	f.Fuzz(func(t *testing.T, value string) {
		once := Redact("X", value)
		if twice := Redact("X", once); twice != once {
			t.Errorf("%q, then %q", once, twice)
		}
	})
}
