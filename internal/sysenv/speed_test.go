package sysenv

import (
	"testing"

	"github.com/goready/goready/internal/host/local"
)

// BenchmarkAll is what goready explain asks for on one machine.
func BenchmarkAll(b *testing.B) {
	for b.Loop() {
		h := local.New()
		u, err := UserByID(h, 0)
		if err != nil {
			b.Skip("no user of number 0")
		}
		if m, ok := UserManager(h, u); ok {
			m.Env()
		}
		for _, s := range []Session{ConsoleLogin, SSH, SuLogin, SudoLogin} {
			SessionEnv(h, s, u, nil)
		}
		CronEnv(h, u, nil)
	}
}

func BenchmarkUserManager(b *testing.B) {
	h := local.New()
	u, _ := UserByID(h, 0)
	for b.Loop() {
		UserManager(h, u)
	}
}
