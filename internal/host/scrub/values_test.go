package scrub

import (
	"strings"
	"testing"
)

// FuzzHintsAtSecret: the quick look misses no name that the thorough one finds.
func FuzzHintsAtSecret(f *testing.F) {
	for _, word := range []string{"token", "secret", "password", "passwd", "passphrase", "credential", "authorization", "apikey", "accesskey",
		"privatekey", "signingkey", "authkey", "sshkey", "cookie", "bearer", "key", "auth", "pass", "pwd", "pw", "pat", "otp", "sig",
		"signature", "jwt", "psk", "cred", "creds"} {
		for _, name := range []string{word, strings.ToUpper(word), "MY_" + word, "my-" + word + ".x", word[:1] + strings.ToUpper(word[1:]), "x" + strings.ToUpper(word[:1]) + word[1:], "9" + word} {
			f.Add(name)
		}
	}
	f.Add("monkey")
	f.Add("GOPROXY")
	f.Fuzz(func(t *testing.T, name string) {
		if namesSecret(name) && !hintsAtSecret(name) {
			t.Errorf("%q", name)
		}
	})
}

func TestGitIdentity(t *testing.T) {
	config := "[core]\n\tname = x\n[user]\n\tname = Wang Xiaoming\n\temail = \"wang@acme.example\"\n\tsigningkey = 1\n[url \"https://a/\"]\n\tname = y\n[Author]\nemail=a@b.example\n"
	if got := strings.Join(gitIdentity(config), ", "); got != "Wang Xiaoming, a@b.example, wang@acme.example" {
		t.Error(got)
	}
	for name, want := range map[string]bool{"/home/u/.gitconfig": true, "/w/.git/config": true, "/home/u/.config/git/config": true, `C:\Users\u\.gitconfig`: true, "/home/u/.config/x/config": false} {
		if gitConfig(name) != want {
			t.Errorf("gitConfig(%q) = %v", name, !want)
		}
	}
}
