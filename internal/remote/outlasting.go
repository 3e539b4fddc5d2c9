package remote

import (
	"context"
	"time"
)

// Outlasting returns a context with ctx's values that ends d after ctx, or d after now if ctx has ended.
func Outlasting(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if ctx.Done() == nil {
		return ctx, func() {}
	}
	longer := context.WithoutCancel(ctx)
	if ctx.Err() != nil {
		return context.WithTimeout(longer, d)
	}
	end := func() {}
	if deadline, ok := ctx.Deadline(); ok { // kept, as clients read the deadline
		longer, end = context.WithDeadline(longer, deadline.Add(d))
	}
	longer, cancel := context.WithCancel(longer)
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() {
		stop()
		cancel()
		end()
	}
}
