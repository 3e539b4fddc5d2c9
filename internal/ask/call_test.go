package ask

import (
	"context"
	"testing"
	"time"
)

// TestEndIsKnown: a limiter that returns as soon as its context ends has been timed out by then.
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
