package load

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/subject"
)

// make makes the call and records its result.
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

// ask makes the call. It recovers from a panic, as a server does, and records it.
func (c *caller) ask(ctx context.Context, call *Call) (answer subject.Answer, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic: %v", value)
		}
	}()
	switch call.Op {
	case subject.Reserve:
		return c.reserve(ctx, call)
	case subject.Settle:
		settled := c.open[0].reservation
		c.open = c.open[1:]
		return answer, settled.Commit(ctx, call.Cost)
	}
	return c.subjects[call.Asked].Ask(ctx, c.job.Keys[call.Key], call.Op, call.Cost)
}

// reserve makes a call that reserves, and keeps the reservation if it was admitted.
func (c *caller) reserve(ctx context.Context, call *Call) (answer subject.Answer, err error) {
	limiter, _ := c.subjects[call.Asked].(subject.Limiter)
	reserver, ok := limiter.Limiter.(algorithms.Reserver)
	if !ok {
		return answer, fmt.Errorf("load: %T can't reserve", c.subjects[call.Asked])
	}
	reservation, err := reserver.Reserve(ctx, c.job.Keys[call.Key], call.Cost)
	if err != nil {
		return answer, err
	}
	if answer.Result = reservation.Result(); answer.Result.Allowed {
		c.open = append(c.open, open{*call, reservation})
	}
	return answer, nil
}

func sinceEpoch() time.Duration { return time.Duration(time.Now().UnixNano()) }
