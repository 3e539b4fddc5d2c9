package verify

import (
	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/subject"
)

// limits are the limits under which a history's calls were made.
type limits struct {
	first  oneLimit
	others map[int]oneLimit // by Call.Asked
}

// oneLimit holds two limiters with the same limit: one that reads the replies of the server's scripts, and a Local.
type oneLimit struct {
	limit algorithms.Limit
	told  *replies // the reply that over reads
	over  asker    // the limiter that reads the replies of scripts
	local asker    // the Local; those of all limits share a store
}

func (h History) limits(clock *limitertest.Clock) (l limits, err error) {
	local, err := h.Kind.NewLocal(h.Limit, algorithms.WithClock(clock.Now))
	if err != nil {
		return l, err
	}
	if l.first, err = h.under(h.Limit, local); err != nil {
		return l, err
	}
	l.others = make(map[int]oneLimit, len(h.Others))
	for asked, other := range h.Others {
		changed, err := local.(subject.Limiter).With(other)
		if err != nil {
			return l, err
		}
		if l.others[asked], err = h.under(other, changed); err != nil {
			return l, err
		}
	}
	return l, nil
}

func (h History) under(of algorithms.Limit, local subject.Subject) (oneLimit, error) {
	told := new(replies)
	over, err := h.Kind.New(told, of)
	held := func() map[int64]*algorithms.Reservation { return map[int64]*algorithms.Reservation{} }
	return oneLimit{of, told, asker{over, held()}, asker{local, held()}}, err
}

// of returns the limit of a call.
func (l limits) of(call *load.Call) oneLimit {
	if other, ok := l.others[call.Asked]; ok {
		return other
	}
	return l.first
}
