package coalesce

import (
	"fmt"

	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/sentinel"
)

type settings struct{ batch, flights, queue int }

// An Option changes how [New] makes a runner. [MaxBatch], [MaxFlights] and [MaxQueue] return one.
type Option interface{ apply(*settings) }

type optionFunc func(*settings)

func (f optionFunc) apply(s *settings) { f(s) }

// MaxBatch sets how many requests are sent together at most: at least 1, and 64 by default. It bounds how
// long one script holds the server: a request takes some microseconds.
func MaxBatch(requests int) Option {
	return optionFunc(func(s *settings) { s.batch = requests })
}

// MaxFlights sets how many calls and batches are under way at the same time before others wait: at least 1,
// and 2 by default. In a cluster it holds for each node or slot.
func MaxFlights(flights int) Option {
	return optionFunc(func(s *settings) { s.flights = flights })
}

// MaxQueue sets how many calls may wait: at least 0, and 65,536 by default. Further calls return [ErrQueueFull].
func MaxQueue(calls int) Option {
	return optionFunc(func(s *settings) { s.queue = calls })
}

func settingsOf(opts []Option) (settings, error) {
	s := settings{batch: 64, flights: 2, queue: 65_536}
	for _, opt := range opts {
		if option.IsNil(opt) {
			return s, fmt.Errorf("%w: an option is nil, want one that a function of coalesce has returned", sentinel.ErrInvalidOption)
		}
		opt.apply(&s)
	}
	switch {
	case s.batch < 1:
		return s, fmt.Errorf("%w: MaxBatch is %d, want at least 1", sentinel.ErrInvalidOption, s.batch)
	case s.flights < 1:
		return s, fmt.Errorf("%w: MaxFlights is %d, want at least 1", sentinel.ErrInvalidOption, s.flights)
	case s.queue < 0:
		return s, fmt.Errorf("%w: MaxQueue is %d, want at least 0", sentinel.ErrInvalidOption, s.queue)
	}
	return s, nil
}
