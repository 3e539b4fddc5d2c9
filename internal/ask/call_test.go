package ask

import (
	"context"
	"testing"
	"time"
)

// TestEndIsKnown: a call counts as timed out before its context ends, so that a limiter that then returns at once is too
// late.
func TestEndIsKnown(t *testing.T) {
	for range 2000 {
		c := newCall()
		c.ctx, _ = newDeadline(context.Background(), time.Hour)
		ended, known := c.ctx.Done(), make(chan bool)
		go func() {
			<-ended
			known <- c.graced.Load()
		}()
		c.expire()
		c.timer.Stop()
		if !<-known {
			t.Fatal("the context ended before the call knew of the timeout")
		}
	}
}
