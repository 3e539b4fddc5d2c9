package compare

import (
	"context"
	"errors"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/scripts"
)

// inflightName is the name of the kind that limits concurrent requests. It is compared if it is named or -work is set.
const inflightName = "inflight"

// The default time for which a request is in progress, and its bounds.
const (
	defaultWork = time.Second
	leastWork   = time.Millisecond
	mostWork    = time.Hour
)

// inflightKind returns the kind of package inflight. It admits at most as many concurrent requests as a limit's burst. Each
// request is in progress for the time work: it has a lease that lasts for work, and is neither renewed nor released.
func inflightKind(work time.Duration) subject.Kind {
	return subject.Kind{
		Name: inflightName, Costs: true,
		New: func(run scripts.Runner, limit algorithms.Limit, opts ...algorithms.Option) (subject.Subject, error) {
			l, err := inflight.New(run, limit.BurstOrRate(), work, opts...)
			return leases{l}, err
		},
		NewLocal: func(limit algorithms.Limit, opts ...algorithms.Option) (subject.Subject, error) {
			var local []algorithms.LocalOption
			for _, opt := range opts {
				local = append(local, opt)
			}
			l, err := inflight.NewLocal(limit.BurstOrRate(), work, local...)
			return leases{l}, err
		},
	}
}

// leases is a limiter of package inflight as a subject.
type leases struct{ limiter inflight.Limiter }

// Ask implements subject.Subject. A request of any cost acquires one lease.
func (l leases) Ask(ctx context.Context, key string, op subject.Op, _ int64) (answer subject.Answer, err error) {
	switch op {
	case subject.Allow:
		answer.Result, err = l.limiter.Acquire(ctx, key, inflight.NewID())
	case subject.Reset:
		err = l.limiter.Reset(ctx, key)
	default:
		err = errors.New("compare: leases are not peeked at")
	}
	return answer, err
}

// weighs reports whether a kind counts a request as its cost.
func weighs(k subject.Kind) bool { return k.Costs && k.Name != inflightName }
