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
