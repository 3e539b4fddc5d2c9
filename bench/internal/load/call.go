package load

import (
	"context"
	"time"

	"github.com/go-weir/weir/bench/internal/journal"
)

// make makes the call and notes what came of it.
func (c *caller) make(call *Call) {
	ctx := journal.WithMark(context.Background(), &call.Mark)
	if c.job.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.job.Timeout)
		defer cancel()
	}
	call.Began = sinceEpoch()
	answer, err := c.subjects[call.Asked].Ask(ctx, c.job.Keys[call.Key], call.Op, call.Cost)
	call.Ended = sinceEpoch()
	if err != nil {
		call.Err = err.Error()
		return
	}
	call.Answer = answer
}

func sinceEpoch() time.Duration { return time.Duration(time.Now().UnixNano()) }
