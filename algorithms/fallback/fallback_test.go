package fallback_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/fallback"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/scripts/coalesce"
)

var errDown = errors.New("dial tcp 127.0.0.1:6379: connect: connection refused")

func must[T any](made T, err error) T {
	if err != nil {
		panic(err)
	}
	return made
}

// A stub gives the answer that the test has set, and counts its calls. A call may come after its question was given up.
type stub struct {
	answer func(ctx context.Context) error // nil: admitted
	asked  atomic.Int64
}

func (s *stub) ask(ctx context.Context) (algorithms.Result, error) {
	s.asked.Add(1)
	if s.answer != nil {
		return algorithms.Result{}, s.answer(ctx)
	}
	return algorithms.Result{Allowed: true, Limit: 10, Remaining: 9}, nil
}

func (s *stub) Allow(ctx context.Context, _ string) (algorithms.Result, error) { return s.ask(ctx) }

func (s *stub) AllowN(ctx context.Context, _ string, _ int64) (algorithms.Result, error) {
	return s.ask(ctx)
}

func (s *stub) Peek(ctx context.Context, _ string) (algorithms.Result, error) { return s.ask(ctx) }

func (s *stub) PeekN(ctx context.Context, _ string, _ int64) (algorithms.Result, error) {
	return s.ask(ctx)
}

func (s *stub) Reset(ctx context.Context, _ string) error {
	_, err := s.ask(ctx)
	return err
}

func says(err error) func(context.Context) error { return func(context.Context) error { return err } }

// hangs returns when its context ends.
func hangs(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// A bench is a limiter of two stubs, on a clock that stands still.
type bench struct {
	*fallback.Limiter
	*limitertest.Clock
	primary, secondary *stub
	events             []fallback.Event
	failures           []error
}

func newBench(opts ...fallback.Option) *bench {
	b := &bench{primary: &stub{}, secondary: &stub{}, Clock: limitertest.NewClock(time.Unix(1_795_363_671, 0))}
	b.Limiter = must(fallback.New(b.primary, b.secondary, append([]fallback.Option{
		fallback.Timeout(time.Hour), fallback.WithClock(b.Now),
		fallback.OnChange(func(e fallback.Event) { b.events = append(b.events, e) }),
		fallback.OnError(func(err error) { b.failures = append(b.failures, err) }),
	}, opts...)...))
	return b
}

// asks asks n times, and checks how often each limiter was asked.
func (b *bench) asks(t *testing.T, n int, primary, secondary int64) {
	t.Helper()
	b.primary.asked.Store(0)
	b.secondary.asked.Store(0)
	for range n {
		if r, err := b.AllowN(context.Background(), "k", 1); err != nil || !r.Allowed {
			t.Errorf("answer %+v, %v", r, err)
		}
	}
	if p, s := b.primary.asked.Load(), b.secondary.asked.Load(); p != primary || s != secondary {
		t.Errorf("asked the primary %d times and the secondary %d times, want %d and %d", p, s, primary, secondary)
	}
}

// TestServerAway: after five failures one request at a time asks the primary, after waits that become longer. An answer
// closes the breaker.
func TestServerAway(t *testing.T) {
	b := newBench(fallback.Backoff(time.Second, 3*time.Second))
	b.asks(t, 3, 3, 0)
	b.primary.answer = says(errDown)
	b.asks(t, 4, 4, 4)
	b.primary.answer = nil
	b.asks(t, 1, 1, 0)
	b.primary.answer = says(errDown)
	b.asks(t, 20, 5, 20) // the four failures before an answer don't count
	for _, wait := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second} {
		opened := b.events[len(b.events)-1]
		if opened.State != fallback.Open || opened.Wait < wait/2 || opened.Wait > wait || !errors.Is(opened.Err, errDown) {
			t.Errorf("the hook got %+v, want open for %v to %v", opened, wait/2, wait)
		}
		b.Advance(opened.Wait - time.Microsecond)
		b.asks(t, 3, 0, 3)
		b.Advance(2 * time.Microsecond)
		b.asks(t, 3, 1, 3)
	}
	if last := b.failures[len(b.failures)-1]; !errors.Is(last, fallback.ErrAway) || !errors.Is(last, errDown) {
		t.Errorf("the hook got %v, want ErrAway with the cause", last)
	}
	b.Advance(3 * time.Second)
	b.primary.answer = nil
	b.asks(t, 3, 3, 0)
	var states []string
	for _, e := range b.events {
		states = append(states, fmt.Sprint(int(e.State)))
	}
	if got := strings.Join(states, ""); got != "12"+"12"+"12"+"12"+"12"+"0" {
		t.Errorf("states %s", got)
	}
}

// TestOneProbe: while a probe is under way all others ask the secondary. If the caller of a probe leaves, there is no verdict.
func TestOneProbe(t *testing.T) {
	b := newBench()
	b.primary.answer = says(errDown)
	b.asks(t, 5, 5, 5)
	b.Advance(time.Second)
	ctx, cancel := context.WithCancel(context.Background())
	b.primary.answer = func(ctx context.Context) error {
		b.primary.answer = says(errDown)
		b.asks(t, 3, 0, 3)
		cancel()
		return hangs(ctx)
	}
	if _, err := b.AllowN(ctx, "k", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that leaves has %v", err)
	}
	if last := b.events[len(b.events)-1]; last.State != fallback.Open || last.Err != nil {
		t.Errorf("the hook got %+v, want open again, by no failure", last)
	}
	b.primary.answer = nil
	b.asks(t, 2, 2, 0)
}

// TestWhatCounts: errors that say nothing about the server don't open the breaker, however many there are.
func TestWhatCounts(t *testing.T) {
	for _, c := range []struct {
		err    error
		away   bool // counts for the breaker
		passed bool // goes to the caller
	}{
		{errDown, true, false},
		{errors.New("goredisrunner: gcra: LOADING Redis is loading the dataset in memory"), true, false},
		{errors.New("OOM command not allowed"), true, false},
		{errors.New("WRONGPASS invalid username-password pair"), true, false},
		{fmt.Errorf("goredisrunner: gcra: %w", errors.New("WRONGTYPE Operation against a key")), false, false},
		{fmt.Errorf("goredisrunner: gcra: %w", errors.New("WEIRSTATE the key holds something else")), false, false},
		{errors.Join(errors.New("x"), errors.New("CROSSSLOT Keys in request don't hash to the same slot")), false, false},
		{fmt.Errorf("goredisrunner: gcra: %w", errors.New("redis: connection pool timeout")), false, false},
		{fmt.Errorf("a: %w", coalesce.ErrQueueFull), false, false},
		{fmt.Errorf("a: %w", algorithms.ErrInvalidCost), false, true},
		{fmt.Errorf("a: %w", algorithms.ErrCostExceedsLimit), false, true},
		{fmt.Errorf("a: %w", algorithms.ErrInvalidTime), false, true},
	} {
		b := newBench()
		b.primary.answer = says(c.err)
		for range 10 {
			_, err := b.AllowN(context.Background(), "k", 1)
			if c.passed && !errors.Is(err, c.err) || !c.passed && err != nil {
				t.Errorf("%v: the caller has %v", c.err, err)
			}
		}
		if n := b.primary.asked.Load(); (n == 5) != c.away || n != 10 && !c.away {
			t.Errorf("%v: asked %d times in ten", c.err, n)
		}
		if n := b.secondary.asked.Load(); (n > 0) == c.passed {
			t.Errorf("%v: the secondary was asked %d times", c.err, n)
		}
	}
}

// TestCountsIf: the function decides about errors that are failures, and about no others.
func TestCountsIf(t *testing.T) {
	never := newBench(fallback.CountsIf(func(error) bool { return false }))
	never.primary.answer = says(errDown)
	never.asks(t, 10, 10, 10)
	always := newBench(fallback.CountsIf(func(err error) bool {
		if errors.Is(err, algorithms.ErrInvalidCost) {
			t.Errorf("asked about %v", err)
		}
		return true
	}))
	always.primary.answer = says(errors.New("WRONGTYPE"))
	always.asks(t, 10, 5, 10)
}

// TestTimeout: a primary that hangs fails at the Timeout, and the secondary decides. If the primary returns a cause when its
// context ends, the failure includes it. The caller's own deadline isn't a failure.
func TestTimeout(t *testing.T) {
	b := newBench(fallback.Timeout(time.Millisecond))
	b.primary.answer = func(ctx context.Context) error {
		<-ctx.Done()
		return fmt.Errorf("%w: %w", ctx.Err(), errDown)
	}
	for range 5 {
		if _, err := b.Allow(context.Background(), "k"); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range b.failures {
		if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "weir: no answer within 1ms") {
			t.Errorf("the hook got %v", err)
		}
	}
	if len(b.events) != 1 {
		t.Errorf("events %+v, want one", b.events)
	}

	own := newBench()
	own.primary.answer = hangs
	for range 10 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		if _, err := own.Allow(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("at the caller's deadline %v", err)
		}
		cancel()
	}
	if n := own.secondary.asked.Load(); n > 0 || len(own.events)+len(own.failures) > 0 {
		t.Errorf("the secondary was asked %d times, events %v, failures %v", n, own.events, own.failures)
	}
}

// TestBothFail: the error wraps both errors. If a cost exceeds only the secondary's limit, the error isn't
// ErrCostExceedsLimit.
func TestBothFail(t *testing.T) {
	b := newBench()
	broken := errors.New("broken")
	b.primary.answer, b.secondary.answer = says(errDown), says(broken)
	for _, ask := range []func() error{
		func() error { _, err := b.Allow(context.Background(), "k"); return err },
		func() error { _, err := b.Peek(context.Background(), "k"); return err },
		func() error { return b.Reset(context.Background(), "k") },
	} {
		if err := ask(); !errors.Is(err, errDown) || !errors.Is(err, broken) {
			t.Errorf("%v, want both errors", err)
		}
	}
	remote := must(gcra.New(away{}, algorithms.PerHour(10)))
	share := must(fallback.New(remote, must(gcra.NewLocal(algorithms.PerHour(2))), fallback.Timeout(time.Hour), fallback.OnError(func(error) {})))
	if _, err := share.AllowN(context.Background(), "k", 5); !errors.Is(err, errDown) || errors.Is(err, algorithms.ErrCostExceedsLimit) {
		t.Errorf("above the secondary's limit: %v", err)
	}
	if _, err := share.AllowN(context.Background(), "k", 11); !errors.Is(err, algorithms.ErrCostExceedsLimit) {
		t.Errorf("above both limits: %v", err)
	}
}

// TestPanic: a panic reaches the caller, and ends the probe.
func TestPanic(t *testing.T) {
	b := newBench()
	b.primary.answer = says(errDown)
	b.asks(t, 5, 5, 5)
	b.Advance(time.Second)
	b.primary.answer = func(context.Context) error { panic("broken") }
	func() {
		defer func() {
			if recover() != "broken" {
				t.Error("no panic")
			}
		}()
		_, _ = b.Allow(context.Background(), "k")
	}()
	b.primary.answer = nil
	b.asks(t, 2, 2, 0)
}

// TestPassesOn: Limit and Local are the primary's. The limiter that With returns shares the breaker.
func TestPassesOn(t *testing.T) {
	remote := must(gcra.New(away{}, algorithms.PerHour(10)))
	var told error
	l := must(fallback.New(remote, must(remote.Local()), fallback.Timeout(time.Hour), fallback.Backoff(time.Hour, time.Hour),
		fallback.OnError(func(err error) { told = err })))
	if l.Limit() != algorithms.PerHour(10) || must(l.Local()).(*algorithms.Local).Limit() != algorithms.PerHour(10) {
		t.Errorf("limit %v", l.Limit())
	}
	ctx := context.Background()
	for range 5 { // the breaker opens
		must(l.Allow(ctx, "k"))
	}
	other := must(l.With(algorithms.PerHour(20)))
	must(other.Allow(ctx, "k"))
	if other.Limit() != algorithms.PerHour(20) || !errors.Is(told, fallback.ErrAway) {
		t.Errorf("limit %v, the hook got %v", other.Limit(), told)
	}
	if _, err := l.With(algorithms.Limit{}); !errors.Is(err, algorithms.ErrInvalidLimit) {
		t.Errorf("no limit: %v", err)
	}
	stubs := newBench()
	if _, err := stubs.With(algorithms.PerHour(1)); !errors.Is(err, algorithms.ErrInvalidOption) {
		t.Errorf("a limiter that has no With: %v", err)
	}
	if _, err := stubs.Local(); !errors.Is(err, algorithms.ErrNoLocal) || stubs.Limit() != (algorithms.Limit{}) {
		t.Errorf("a limiter that has no Local: %v, limit %v", err, stubs.Limit())
	}
}

// TestWrong: New returns an error for arguments that can't work.
func TestWrong(t *testing.T) {
	ok := &stub{}
	for name, c := range map[string]struct {
		primary, secondary algorithms.Limiter
		opt                fallback.Option
		want               error
	}{
		"nil primary":         {nil, ok, fallback.Timeout(1), algorithms.ErrNilLimiter},
		"typed nil primary":   {(*algorithms.Remote)(nil), ok, fallback.Timeout(1), algorithms.ErrNilLimiter},
		"typed nil secondary": {ok, (*algorithms.Local)(nil), fallback.Timeout(1), algorithms.ErrNilLimiter},
		"nil option":          {ok, ok, nil, algorithms.ErrInvalidOption},
		"no timeout":          {ok, ok, fallback.Timeout(0), algorithms.ErrInvalidOption},
		"no first wait":       {ok, ok, fallback.Backoff(0, 1), algorithms.ErrInvalidOption},
		"waits reversed":      {ok, ok, fallback.Backoff(2, 1), algorithms.ErrInvalidOption},
		"nil CountsIf":        {ok, ok, fallback.CountsIf(nil), algorithms.ErrInvalidOption},
		"nil OnChange":        {ok, ok, fallback.OnChange(nil), algorithms.ErrInvalidOption},
		"nil OnError":         {ok, ok, fallback.OnError(nil), algorithms.ErrInvalidOption},
		"nil Logger":          {ok, ok, fallback.Logger(nil), algorithms.ErrInvalidOption},
	} {
		if l, err := fallback.New(c.primary, c.secondary, c.opt); l != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), "want") && reflect.ValueOf(c.opt).IsValid() && !strings.Contains(err.Error(), "nil") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
