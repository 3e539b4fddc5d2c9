// Package limitertest is the conformance suite of algorithms.Limiter: what every limiter promises,
// whatever its algorithm and wherever its state is. It runs over Weir's own limiters on every
// client and server, and it can run over yours:
//
//	func TestMyLimiter(t *testing.T) {
//		limitertest.Run(t, func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
//			return mine.New(limit, opts...)
//		})
//	}
//
// The suite never sleeps: it gives the limiter a clock of its own through algorithms.WithClock.
package limitertest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// A Factory makes a limiter; it passes the limit and the options on to the limiter's New.
type Factory func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error)

// A Change returns l's limiter of the same keys under another limit: its With.
type Change func(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error)

// A Store lets the suite look at the server that a limiter keeps its state on.
type Store interface {
	// Dump returns every key that starts with prefix, with a text that differs where its value does.
	Dump(ctx context.Context, prefix string) (map[string]string, error)

	// TTL returns a key's time to live; below 0 if it has none.
	TTL(ctx context.Context, key string) (time.Duration, error)
}

// An Option gives the suite more to test with.
type Option func(*suite)

// Against has each decision of random traces compared with a reference's on the same clock, such as
// the algorithm's Local.
func Against(reference Factory) Option { return func(s *suite) { s.reference = reference } }

// Changing has limits changed on live keys: change is the limiter's With, reference the reference's.
func Changing(change, reference Change) Option {
	return func(s *suite) { s.change, s.referenceChange = change, reference }
}

// StoredIn has what is written looked at: nothing by a denial or a Peek, and no key without a TTL.
func StoredIn(store Store) Option { return func(s *suite) { s.store = store } }

type suite struct {
	factory, reference      Factory
	change, referenceChange Change
	store                   Store
}

// Run runs the suite, a subtest for each promise.
func Run(t *testing.T, factory Factory, opts ...Option) {
	t.Helper()
	s := &suite{factory: factory}
	for _, opt := range opts {
		opt(s)
	}
	for _, promise := range []struct {
		name string
		test func(*testing.T, *suite)
	}{
		{"FirstDecision", testFirstDecision},
		{"AdmitsItsLimitAtOnce", testAdmitsItsLimitAtOnce},
		{"RetryAfterIsExact", testRetryAfterIsExact},
		{"ResetAfterIsExact", testResetAfterIsExact},
		{"AllOrNothing", testAllOrNothing},
		{"PeekIsAllowUnwritten", testPeekIsAllowUnwritten},
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
		{"LimitChanges", testLimitChanges},
		{"RandomTraces", testRandomTraces},
		{"EveryKeyHasATTL", testEveryKeyHasATTL},
	} {
		t.Run(promise.name, func(t *testing.T) { promise.test(t, s) })
	}
}

// limits are the limits that decisions are tested with: whole and broken emission intervals, one
// below a microsecond, single events, bursts below and above the rate.
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

// A Clock is a clock that stands still until it is moved. It is safe for concurrent use.
type Clock struct{ us atomic.Int64 }

// NewClock returns a clock that shows start, cut to whole microseconds.
func NewClock(start time.Time) *Clock {
	c := &Clock{}
	c.us.Store(start.UnixMicro())
	return c
}

// Now returns what the clock shows, for algorithms.WithClock.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.us.Load()) }

// Advance moves the clock on, or back by a negative d.
func (c *Clock) Advance(d time.Duration) { c.us.Add(d.Microseconds()) }

// start is when the suite's clocks begin: no round number in any unit, and one that doubles can
// only just hold with a fraction, as today's times are.
var start = time.UnixMicro(1_795_363_671_123_457)

var prefixes atomic.Int64

// A subject is one limiter on a clock of its own, with nobody else in its keys.
type subject struct {
	algorithms.Limiter
	*Clock
	t      testing.TB
	prefix string
}

// subject makes a limiter of limit whose keys nobody else uses.
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
