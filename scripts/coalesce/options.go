package coalesce

import (
	"fmt"
	"math"
	"time"

	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/sentinel"
)

type settings struct {
	batch, bytes, flights, calls, queue int
	ownCalls                            bool // MaxCalls was given
	patience                            time.Duration
}

// perLane is how many calls for one place may be under way for each of MaxFlights.
const perLane = 16

// An Option changes how [New] makes a runner. The functions of this package return one.
type Option interface{ apply(*settings) }

type optionFunc func(*settings)

func (f optionFunc) apply(s *settings) { f(s) }

// MaxBatch sets how many requests are sent together at most: at least 1, and 64 by default. It bounds how
// long one script blocks the server: a request takes some microseconds.
func MaxBatch(requests int) Option {
	return optionFunc(func(s *settings) { s.batch = requests })
}

// MaxBytes sets how many bytes the keys and arguments of a batch have at most: at least 1, and 65,536 by default. A request that
// has more is sent alone.
func MaxBytes(bytes int) Option {
	return optionFunc(func(s *settings) { s.bytes = bytes })
}

// MaxFlights sets how many flights, each a call or a batch, may be under way for a place before other calls wait: at least
// 1, and 2 by default. A place is a server, a node of a cluster or, if run isn't a scripts.Pipeliner, a hash tag. A flight
// doesn't count any more when it has been under way for longer than [Patience], or when its callers have given up. So up to
// sixteen times as many calls can be under way.
func MaxFlights(flights int) Option {
	return optionFunc(func(s *settings) { s.flights = flights })
}

// MaxCalls sets how many calls and batches may be under way for all places together: at least 1. By default it is 1,024, or
// sixteen times [MaxFlights] if that is more. Further calls wait.
func MaxCalls(calls int) Option {
	return optionFunc(func(s *settings) { s.calls, s.ownCalls = calls, true })
}

// MaxQueue sets how many calls may wait: at least 0, and 65,536 by default. Further calls return [ErrQueueFull]. A call whose
// context has ended doesn't count.
func MaxQueue(calls int) Option {
	return optionFunc(func(s *settings) { s.queue = calls })
}

// Patience sets for how long a flight without an answer may delay other calls for the same place: above 0, and one second by
// default. After that time, or when all of its callers have given up, another flight begins beside it.
func Patience(d time.Duration) Option {
	return optionFunc(func(s *settings) { s.patience = d })
}

func settingsOf(opts []Option) (settings, error) {
	s := settings{batch: 64, bytes: 65_536, flights: 2, queue: 65_536, patience: time.Second}
	for _, opt := range opts {
		if option.IsNil(opt) {
			return s, fmt.Errorf("%w: an option is nil, want one that a function of coalesce has returned", sentinel.ErrInvalidOption)
		}
		opt.apply(&s)
	}
	if !s.ownCalls {
		s.calls = max(1024, perLane*min(s.flights, math.MaxInt/perLane))
	}
	for _, least := range []struct {
		name       string
		got, least int
	}{
		{"MaxBatch", s.batch, 1},
		{"MaxBytes", s.bytes, 1},
		{"MaxFlights", s.flights, 1},
		{"MaxCalls", s.calls, 1},
		{"MaxQueue", s.queue, 0},
	} {
		if least.got < least.least {
			return s, fmt.Errorf("%w: %s is %d, want at least %d", sentinel.ErrInvalidOption, least.name, least.got, least.least)
		}
	}
	if s.patience <= 0 {
		return s, fmt.Errorf("%w: Patience is %v, want more than 0", sentinel.ErrInvalidOption, s.patience)
	}
	return s, nil
}
