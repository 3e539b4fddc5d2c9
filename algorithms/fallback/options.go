package fallback

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/breaker"
	"github.com/go-weir/weir/internal/option"
)

type settings struct {
	timeout        time.Duration
	first, longest time.Duration
	onChange       func(breaker.Event)
	onError        func(error)
	countsIf       func(error) bool
	logger         *slog.Logger
	clock          func() time.Time
	wrong          error
}

// An Option changes how [New] makes a limiter.
type Option interface{ apply(*settings) }

type optionFunc func(*settings)

func (f optionFunc) apply(s *settings) { f(s) }

// Timeout sets how long to wait for the primary: above 0, 250 ms by default. The caller's own deadline may be sooner. A
// primary that obeys its context has 5 ms more to return the cause.
func Timeout(d time.Duration) Option {
	return optionFunc(func(s *settings) {
		if d <= 0 {
			s.complain("Timeout is %v, want above 0", d)
		}
		s.timeout = d
	})
}

// Backoff sets the wait before the first probe of a server that is away, 250 ms by default, and the longest wait, 8 s by
// default. Both must be above 0, and the longest no shorter than the first. Each wait is shortened by a random part, of at
// most a half.
func Backoff(first, longest time.Duration) Option {
	return optionFunc(func(s *settings) {
		if first <= 0 || longest < first {
			s.complain("Backoff is %v to %v, want both above 0, and the longest no shorter than the first", first, longest)
		}
		s.first, s.longest = first, longest
	})
}

// CountsIf sets the function that decides whether an error of the primary, or its lack of an answer, counts for the breaker.
// It isn't called for errors that are not failures: see [New]. The secondary is asked in either case.
func CountsIf(f func(error) bool) Option {
	return optionFunc(func(s *settings) {
		if f == nil {
			s.complain("the function of CountsIf is nil")
		}
		s.countsIf = f
	})
}

// A State is the state of the breaker in front of the primary.
type State = breaker.State

// The states.
const (
	Closed   = breaker.Closed   // the primary is asked
	Open     = breaker.Open     // only the secondary is asked
	HalfOpen = breaker.HalfOpen // the primary is asked by one request, and the secondary by all others
)

// An Event is a change of the state. It has the new State. For Open it also has the Err that caused it, and the Wait before
// the next probe.
type Event = breaker.Event

// OnChange sets a function that is called at each change of the state, in order and one call at a time, by the goroutine of a
// caller. It may use the limiter.
func OnChange(f func(Event)) Option {
	return optionFunc(func(s *settings) {
		if f == nil {
			s.complain("the function of OnChange is nil")
		}
		s.onChange = f
	})
}

// OnError sets a function that is called with each failure of the primary, and with [ErrAway] or [ErrHung] for each request
// for which the primary was not asked. Failures are not logged then, unless [Logger] is given too. If the primary panics after
// its call was given up, the function is called by another goroutine.
func OnError(f func(error)) Option {
	return optionFunc(func(s *settings) {
		if f == nil {
			s.complain("the function of OnError is nil")
		}
		s.onError = f
	})
}

// Logger sets the logger of failures. The default is log/slog's default logger, unless [OnError] is given. The first failure
// is logged at once. From then on at most one failure in ten seconds is logged, with the number of those in between. When the
// primary answers again, the log says how many failures there were and for how long.
func Logger(l *slog.Logger) Option {
	return optionFunc(func(s *settings) {
		if l == nil {
			s.complain("the logger of Logger is nil")
		}
		s.logger = l
	})
}

// WithClock makes now the clock of the breaker's waits and of the log, instead of time.Now. A nil now changes nothing. The
// [Timeout] doesn't use it.
func WithClock(now func() time.Time) Option {
	return optionFunc(func(s *settings) { s.clock = now })
}

// complain records what is wrong, if nothing was before.
func (s *settings) complain(format string, args ...any) {
	if s.wrong == nil {
		s.wrong = fmt.Errorf("%w: %s", algorithms.ErrInvalidOption, fmt.Sprintf(format, args...))
	}
}

func settingsOf(opts []Option) (*settings, error) {
	s := &settings{timeout: defaultTimeout}
	for _, opt := range opts {
		if option.IsNil(opt) {
			return nil, fmt.Errorf("%w: an option is nil, want one that a function of fallback has returned", algorithms.ErrInvalidOption)
		}
		opt.apply(s)
	}
	return s, s.wrong
}
