package proxy

import (
	"context"
	"testing"
	"time"

	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/internal/resptest"
)

// TestBeforeServer: whatever fault affects the reply of a real server, the script has run exactly once.
func TestBeforeServer(t *testing.T) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			srv := servers.Shared(t, kind)
			direct := resptest.Dial(t, srv.Addr)
			_, err := direct.Do("DEL", "proxy")
			ok(t, err)
			p, err := Start(t.Context(), srv.Addr)
			ok(t, err)
			t.Cleanup(func() { ok(t, p.Close()) })
			for i, trouble := range []struct {
				name  string
				begin func() error
				fails bool
			}{
				{"none", p.Heal, false},
				{"Delay", func() error { return p.Delay(5*time.Millisecond, 2*time.Millisecond) }, false},
				{"LoseReplies", p.LoseReplies, true},
				{"CutReplies(0)", func() error { return p.CutReplies(0) }, true},
				{"CutReplies(2)", func() error { return p.CutReplies(2) }, true},
			} {
				ctx, cancel := context.WithTimeout(t.Context(), hung)
				through, err := resptest.Connect(ctx, p.Addr())
				ok(t, err)
				ok(t, trouble.begin())
				done := make(chan error)
				go func() {
					_, err := through.Do("EVAL", `return redis.call("APPEND", KEYS[1], "x")`, "1", "proxy")
					done <- err
				}()
				ran := func() bool {
					n, err := direct.Do("STRLEN", "proxy")
					ok(t, err)
					return n == int64(i+1)
				}
				if trouble.name == "LoseReplies" {
					eventually(t, "the script has run", ran)
					ok(t, p.Heal()) // ends the silence and closes the connection
				}
				if err := <-done; (err != nil) != trouble.fails || ctx.Err() != nil {
					t.Errorf("%s: error %v", trouble.name, err)
				}
				if !ran() {
					t.Errorf("%s: the script has not run exactly once", trouble.name)
				}
				ok(t, p.Heal())
				cancel()
				_ = through.Close()
			}
		})
	}
}
