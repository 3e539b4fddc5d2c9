package load

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/subject"
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
	answer, err := c.ask(ctx, call)
	call.Ended = sinceEpoch()
	if err != nil {
		call.Err = err.Error()
		return
	}
	call.Answer = answer
}

// ask makes the call. A panic is what came of it, as it is in a server that recovers.
func (c *caller) ask(ctx context.Context, call *Call) (answer subject.Answer, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic: %v", value)
		}
	}()
	return c.subjects[call.Asked].Ask(ctx, c.job.Keys[call.Key], call.Op, call.Cost)
}

func sinceEpoch() time.Duration { return time.Duration(time.Now().UnixNano()) }
