// Package limitertest is the conformance suite of algorithms.Limiter. It tests the promises that every
// limiter makes, with any algorithm and any place of its state. It runs over Weir's own limiters on every
// client and server, and it can run over yours:
//
//	func TestMyLimiter(t *testing.T) {
//		limitertest.Run(t, func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
//			return mine.New(limit, opts...)
//		})
//	}
//
// The suite never sleeps: it sets the limiter's clock through algorithms.WithClock.
package limitertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// A Factory makes a limiter. It passes the limit and the options on to the limiter's New. If that returns
// algorithms.ErrInvalidLimit for a limit with a Burst, the suite uses limits without one.
type Factory func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error)

// A Change returns a limiter of the same keys with another limit: it calls With of l.
type Change func(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error)

// A Store lets the suite read the server that a limiter keeps its state on.
type Store interface {
	// Dump returns every key that starts with prefix, with a text that differs if its value does.
	Dump(ctx context.Context, prefix string) (map[string]string, error)

	// TTL returns a key's time to live; below 0 if it has none.
	TTL(ctx context.Context, key string) (time.Duration, error)
}

// An Option lets the suite test more.
type Option func(*suite)

// Against makes the suite compare each decision of random traces with that of a reference on the same
// clock, such as the algorithm's Local.
func Against(reference Factory) Option { return func(s *suite) { s.reference = reference } }

// Changing makes the suite change limits of keys that are in use: change is for the limiter, and reference
// for the reference of [Against]. A limiter that takes no Burst must then count by Period, as fixedwindow and
// slidinglog do: limits of one Period share a count. Any other limiter must keep a state for each limit.
func Changing(change, reference Change) Option {
	return func(s *suite) { s.change, s.referenceChange = change, reference }
}

// StoredIn makes the suite check the writes of the limiter: denials and Peeks must write nothing, and every
// key must have a TTL.
func StoredIn(store Store) Option { return func(s *suite) { s.store = store } }

// RepeatsDenials is for limiters that repeat a denial without a new decision, as that of package denialcache does. The
// denial may be older than other requests of the key, and a Reset through another limiter may go unnoticed.
func RepeatsDenials() Option { return func(s *suite) { s.repeats = true } }

type suite struct {
	factory, reference      Factory
	change, referenceChange Change
	store                   Store
	repeats                 bool // see RepeatsDenials
	reserving               bool // see Reserving
	burstless               bool // the algorithm refuses limits with a burst
}

// made returns the suite of a factory and options.
func made(factory Factory, opts []Option) *suite {
	s := &suite{factory: factory}
	for _, opt := range opts {
		opt(s)
	}
	_, err := factory(algorithms.PerSecond(2).WithBurst(1))
	s.burstless = errors.Is(err, algorithms.ErrInvalidLimit)
	return s
}

// fitting returns the limit, without its burst if the algorithm takes none.
func (s *suite) fitting(limit algorithms.Limit) algorithms.Limit {
	if s.burstless {
		limit.Burst = 0
	}
	return limit
}

// limits returns the limits that decisions are tested with.
func (s *suite) limits() []algorithms.Limit {
	fitting := slices.Clone(limits)
	for i := range fitting {
		fitting[i] = s.fitting(fitting[i])
	}
	return fitting
}

// A promise is something that every limiter does, with its test.
type promise struct {
	name string
	test func(*testing.T, *suite)
}

// Run runs the suite, with a subtest for each promise.
func Run(t *testing.T, factory Factory, opts ...Option) {
	t.Helper()
	s := made(factory, opts)
	promises := []promise{
		{"FirstDecision", testFirstDecision},
		{"AdmitsItsLimitAtOnce", testAdmitsItsLimitAtOnce},
		{"RetryAfterIsExact", testRetryAfterIsExact},
		{"ResetAfterIsExact", testResetAfterIsExact},
		{"AllOrNothing", testAllOrNothing},
		{"PeekTellsTheStanding", testPeekTellsTheStanding},
		{"DenialsCostNothing", testDenialsCostNothing},
		{"Reset", testReset},
		{"Concurrent", testConcurrent},
		{"ServerClock", testServerClock},
		{"WrongCosts", testWrongCosts},
		{"WrongLimits", testWrongLimits},
		{"WrongOptions", testWrongOptions},
		{"WrongTimes", testWrongTimes},
		{"EndedContext", testEndedContext},
		{"AnyKey", testAnyKey},
		{"NamesAndPrefixes", testNamesAndPrefixes},
		{"ClockBack", testClockBack},
		{"ClockForward", testClockForward},
		{"NoLimitVoidsAnother", testNoLimitVoidsAnother},
		{"ChangedRate", testChangedRate},
		{"RandomTraces", testRandomTraces},
		{"EveryKeyHasATTL", testEveryKeyHasATTL},
	}
	if s.reserving {
		promises = append(promises, reservationPromises...)
	}
	for _, promise := range promises {
		t.Run(promise.name, func(t *testing.T) { promise.test(t, s) })
	}
}

// limits are the limits that decisions are tested with. Their emission intervals are whole microseconds, fractions of them,
// or less than one. Some limits admit single events only, and some have a burst below or above the rate.
var limits = []algorithms.Limit{
	algorithms.PerSecond(10),
	algorithms.PerSecond(1),
	algorithms.PerSecond(3),
	algorithms.PerSecond(7).WithBurst(3),
	algorithms.PerMinute(5).WithBurst(12),
	algorithms.PerSecond(300_000).WithBurst(40),
	algorithms.PerSecond(3_000_000).WithBurst(100),
	algorithms.PerDay(999_983).WithBurst(20),
	algorithms.PerHour(1),
	algorithms.Per(3, 7*time.Microsecond),
	algorithms.Per(100, 90*time.Minute).WithBurst(1),
}

// A Clock stands still until it is moved. It is safe for concurrent use.
type Clock struct{ us atomic.Int64 }

// NewClock returns a clock that shows start, cut to whole microseconds.
func NewClock(start time.Time) *Clock {
	c := &Clock{}
	c.us.Store(start.UnixMicro())
	return c
}

// Now returns the time that the clock shows, for algorithms.WithClock.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.us.Load()) }

// Advance moves the clock on, or back by a negative d.
func (c *Clock) Advance(d time.Duration) { c.us.Add(d.Microseconds()) }

// start is the time at which the suite's clocks begin. It isn't a round number in any unit. Like all times of today, it
// leaves a double only two bits for fractions of a microsecond.
var start = time.UnixMicro(1_795_363_671_123_457)

var prefixes atomic.Int64

// A subject is a limiter with its clock, and with keys that no other limiter uses.
type subject struct {
	algorithms.Limiter
	*Clock
	t      testing.TB
	prefix string
}

// subject makes a limiter of limit with keys that no other limiter uses.
func (s *suite) subject(t testing.TB, limit algorithms.Limit, opts ...algorithms.Option) *subject {
	t.Helper()
	clock := NewClock(start)
	prefix := fmt.Sprintf("limitertest-%d-%d", time.Now().UnixNano(), prefixes.Add(1))
	opts = append([]algorithms.Option{algorithms.WithClock(clock.Now), algorithms.WithPrefix(prefix)}, opts...)
	l, err := s.factory(limit, opts...)
	if err != nil {
		t.Fatalf("new limiter of %v: %v", limit, err)
	}
	return &subject{Limiter: l, Clock: clock, t: t, prefix: prefix}
}

// ask asks for n events and fails the test on an error.
func (s *subject) ask(key string, n int64) algorithms.Result {
	s.t.Helper()
	return s.must(s.AllowN(context.Background(), key, n))
}

// peekN peeks for n events and fails the test on an error.
func (s *subject) peekN(key string, n int64) algorithms.Result {
	s.t.Helper()
	return s.must(s.PeekN(context.Background(), key, n))
}

// peek peeks and fails the test on an error.
func (s *subject) peek(key string) algorithms.Result {
	s.t.Helper()
	return s.must(s.Peek(context.Background(), key))
}

func (s *subject) must(r algorithms.Result, err error) algorithms.Result {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("at %v: %v", s.Now(), err)
	}
	return r
}

// fill asks for single events until one is denied, and returns how many were admitted and the
// denial.
func (s *subject) fill(key string) (admitted int64, denial algorithms.Result) {
	s.t.Helper()
	for {
		r := s.ask(key, 1)
		if !r.Allowed {
			return admitted, r
		}
		if admitted++; admitted > r.Limit {
			s.t.Fatalf("%d admitted at one moment, the limit is %d", admitted, r.Limit)
		}
	}
}
