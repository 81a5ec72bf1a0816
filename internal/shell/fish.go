package shell

import "github.com/goready/goready/internal/msg"

func startFish(t *trace) {
	t.opaque(msg.New("goready does not evaluate the start-up files of %s", string(Fish)))
}
