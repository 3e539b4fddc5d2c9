// Package interrupttest interrupts programs at a certain one of their commands to a miniredis.
package interrupttest

import (
	"strings"
	"sync"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"github.com/go-weir/weir/scripts"
)

// Decides reports whether a command runs a script other than [scripts.Reset].
func Decides(cmd string, args []string) bool {
	return strings.HasPrefix(cmd, "EVAL") && args[0] != scripts.Reset.SHA1() && args[0] != scripts.Reset.Source()
}

// At calls interrupt at the first command for which last returns true. From then on, the server refuses the commands for which
// counts returns true, and the earlier ones of them have ended. So none of them writes a key after others were removed. last is
// asked only about the commands that count. counts must not hold for commands that a script runs.
func At(redis *miniredis.Miniredis, counts, last func(cmd string, args []string) bool, interrupt func()) {
	var mu sync.Mutex // held while a command that counts is executed
	var within sync.Map
	over := false
	redis.Server().SetPreHook(func(peer *server.Peer, cmd string, args ...string) bool {
		if _, executes := within.LoadAndDelete(peer); executes || !counts(cmd, args) {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		if !over && last(cmd, args) {
			over = true
			interrupt()
		}
		if over {
			peer.WriteError("ERR interrupted")
			return true
		}
		within.Store(peer, nil)
		redis.Server().Dispatch(peer, append([]string{cmd}, args...)) // calls this hook again
		return true
	})
}
