package coalesce_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
)

// errBroken is the value with which a runner panics.
var errBroken = errors.New("a broken hook")

func panicking() { panic(errBroken) }

// faulty is a runner on one server that calls fault, after the test has let the call through.
type faulty struct {
	arrived, open chan struct{}
	fault         func()
}

func newFaulty(fault func()) *faulty {
	return &faulty{arrived: make(chan struct{}, 100), open: make(chan struct{}), fault: fault}
}

func (f *faulty) Place(context.Context, string) (scripts.Place, bool) { return scripts.Place{}, true }

func (f *faulty) Run(_ context.Context, _ *scripts.Script, keys, _ []string) ([]int64, error) {
	f.arrived <- struct{}{}
	<-f.open
	if keys[0] != "fine" {
		f.fault()
	}
	return []int64{1}, nil
}

// faultyPipes is a faulty runner that can make pipelines too.
type faultyPipes struct{ *faulty }

func (f faultyPipes) RunAll(context.Context, []scripts.Call) {
	f.fault()
}

// outcome is how a call ended: with an answer, by a panic or by runtime.Goexit.
type outcome struct {
	err      error
	returned bool
	panicked any
}

func try(ctx context.Context, c *coalesce.Runner, s *scripts.Script, key string) chan outcome {
	outcomes := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			o.panicked = recover()
			outcomes <- o
		}()
		_, o.err = c.Run(ctx, s, []string{key}, nil)
		o.returned = true
	}()
	return outcomes
}

// faults makes a call that is sent at once, one that is sent alone after waiting, a batch, and a batch of several parts. It
// returns how the calls ended, and checks that the lane is free afterwards.
func faults(t *testing.T, run scripts.Runner, f *faulty) map[string]outcome {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	outcomes := map[string]outcome{}
	other := manyOf(scripts.New("other", "return 5"))
	for name, keys := range map[string][]string{
		"at once": {}, "alone": {"a"}, "batch": {"a", "b", "c"}, "parts": {"a", "b", "other c", "other d"},
	} {
		f.open = make(chan struct{})
		c := newRunner(t, run, coalesce.MaxFlights(1))
		first := try(ctx, c, echo, "fine")
		if len(keys) == 0 {
			first = try(ctx, c, echo, "a")
		}
		<-f.arrived
		var waits []chan outcome
		for i, key := range keys {
			script := echo
			if strings.HasPrefix(key, "other") {
				script = other
			}
			waits = append(waits, try(ctx, c, script, key))
			waiting(t, c, i+1)
		}
		close(f.open)
		if o := <-first; len(keys) == 0 {
			outcomes[name] = o
		}
		for i, waits := range waits {
			outcomes[fmt.Sprint(name, " ", i)] = <-waits
		}
		if o := <-try(ctx, c, echo, "fine"); o.err != nil || !o.returned {
			t.Errorf("%s: the next call: %+v", name, o)
		}
		if err := c.Close(ctx); err != nil {
			t.Error(err)
		}
		for len(f.arrived) > 0 {
			<-f.arrived
		}
	}
	if len(outcomes) != 9 {
		t.Errorf("%d calls ended", len(outcomes))
	}
	return outcomes
}

// TestPanicReachesTheCallers: a panic in the runner becomes a panic in each caller's goroutine, with its value and stack. It
// doesn't end the process, and its call doesn't count against MaxFlights forever.
func TestPanicReachesTheCallers(t *testing.T) {
	f := newFaulty(panicking)
	for _, run := range []scripts.Runner{f, faultyPipes{f}} {
		for name, o := range faults(t, run, f) {
			err, ok := o.panicked.(*coalesce.PanicError)
			if !ok || err.Value != any(errBroken) || !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "coalesce_test.panicking") {
				t.Errorf("%T, %s: %+v", run, name, o)
			}
		}
	}
}

// TestGoexitLosesNoFlight: callers whose runner ends its goroutine get an error.
func TestGoexitLosesNoFlight(t *testing.T) {
	f := newFaulty(runtime.Goexit)
	for _, run := range []scripts.Runner{f, faultyPipes{f}} {
		for name, o := range faults(t, run, f) {
			if o.err == nil || o.panicked != nil {
				t.Errorf("%T, %s: %+v", run, name, o)
			}
		}
	}
}

// boundedFaulty says that its calls end with their contexts.
type boundedFaulty struct{ *faulty }

func (boundedFaulty) Bounded() {}

// TestFaultInTheCallersGoroutine: if the runner returns no later than the caller has to, the call is made in the caller's
// goroutine. A panic or a Goexit in it doesn't leave a flight under way.
func TestFaultInTheCallersGoroutine(t *testing.T) {
	cancellable, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, fault := range []func(){panicking, runtime.Goexit} {
		f := newFaulty(fault)
		close(f.open)
		for ctx, run := range map[context.Context]scripts.Runner{context.Background(): f, cancellable: boundedFaulty{f}} {
			c := newRunner(t, run, coalesce.MaxFlights(1))
			if o := <-try(ctx, c, echo, "a"); o.returned || o.panicked != nil && o.panicked != any(errBroken) {
				t.Errorf("%T: %+v", run, o)
			}
			if o := <-try(ctx, c, echo, "fine"); o.err != nil || !o.returned {
				t.Errorf("%T: the next call: %+v", run, o)
			}
		}
	}
}

// TestPanicWithoutACaller: a panic of a call whose caller has given up is dropped, as its answer would be.
func TestPanicWithoutACaller(t *testing.T) {
	f := newFaulty(panicking)
	c := newRunner(t, f, coalesce.MaxFlights(1))
	ctx, giveUp := context.WithCancel(context.Background())
	gone := try(ctx, c, echo, "a")
	<-f.arrived
	giveUp()
	if o := <-gone; !errors.Is(o.err, context.Canceled) {
		t.Errorf("%+v", o)
	}
	close(f.open)
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestPanicWhenAskedAgain: if a request that was sent again panics, only its caller panics.
func TestPanicWhenAskedAgain(t *testing.T) {
	r := &refusing{batch: []int64{-1, -1, -1, 1, 7}, one: func(key string) ([]int64, error) {
		if key == "panics" {
			panicking()
		}
		return []int64{5}, nil
	}}
	r.arrived, r.open = make(chan string, 1), make(chan struct{})
	c := newRunner(t, r, coalesce.MaxFlights(1))
	first := ask(context.Background(), c, echo, "first")
	<-r.arrived
	panics := try(context.Background(), c, echo, "panics")
	waiting(t, c, 1)
	fine := try(context.Background(), c, echo, "succeeds")
	waiting(t, c, 2)
	seven := try(context.Background(), c, echo, "seven")
	waiting(t, c, 3)
	close(r.open)
	<-first
	if o := <-panics; o.panicked == nil {
		t.Errorf("%+v", o)
	}
	for _, outcomes := range []chan outcome{fine, seven} {
		if o := <-outcomes; o.err != nil || !o.returned {
			t.Errorf("%+v", o)
		}
	}
}
