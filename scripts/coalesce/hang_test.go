package coalesce_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
)

// deaf is a runner on one server that ignores contexts. Calls for keys that begin with "hung" get no answer until
// release is closed.
type deaf struct {
	arrived chan context.Context
	release chan struct{}
}

func newDeaf() *deaf {
	return &deaf{arrived: make(chan context.Context, 1000), release: make(chan struct{})}
}

func (d *deaf) Place(context.Context, string) (scripts.Place, bool) { return scripts.Place{}, true }

func (d *deaf) Run(ctx context.Context, s *scripts.Script, keys, _ []string) ([]int64, error) {
	d.arrived <- ctx
	if keys[0] >= "hung" && keys[0] < "huni" {
		<-d.release
	}
	if s == echo {
		return []int64{int64(len(keys))}, nil
	}
	return slices.Repeat([]int64{1}, 1+len(keys)), nil
}

// lost makes a call whose caller gives up.
func lost(t *testing.T, c *coalesce.Runner, d *deaf, key string) {
	t.Helper()
	ctx, giveUp := context.WithCancel(context.Background())
	answers := ask(ctx, c, echo, key)
	<-d.arrived
	giveUp()
	if a := <-answers; !errors.Is(a.err, context.Canceled) {
		t.Fatalf("%s: %v", key, a)
	}
}

// TestCallerIsNotHeld: a caller whose context ends returns, even if the runner doesn't: after a call that was sent at once,
// one that was sent alone after waiting, and one in a batch.
func TestCallerIsNotHeld(t *testing.T) {
	for _, others := range []int{0, 3} {
		d := newDeaf()
		c := newRunner(t, d, coalesce.MaxFlights(1))
		lost(t, c, d, "hung at once")
		hung := ask(context.Background(), c, echo, "hung before")
		<-d.arrived
		ctx, giveUp := context.WithCancel(context.Background())
		var answers []chan answer
		for i := range 1 + others {
			answers = append(answers, ask(ctx, c, echo, fmt.Sprint("hung", i)))
			waiting(t, c, i+1)
		}
		d.release <- struct{}{} // for "hung before", and for the call that was lost
		d.release <- struct{}{}
		if a := <-hung; a.err != nil {
			t.Error(a.err)
		}
		sent := <-d.arrived
		giveUp()
		for _, answers := range answers {
			if a := <-answers; !errors.Is(a.err, context.Canceled) {
				t.Errorf("%v", a)
			}
		}
		if <-sent.Done(); !errors.Is(sent.Err(), context.Canceled) { // also that of a batch, as no caller waits for it any more
			t.Errorf("with %d others the context ended by %v", others, sent.Err())
		}
		close(d.release)
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// TestHungCallsDelayOthers: calls without a deadline that get no answer delay others for no longer than Patience. Calls
// whose callers have given up don't delay others.
func TestHungCallsDelayOthers(t *testing.T) {
	d := newDeaf()
	c := newRunner(t, d, coalesce.MaxFlights(2), coalesce.Patience(time.Millisecond))
	hung := []chan answer{ask(context.Background(), c, echo, "hung1"), ask(context.Background(), c, echo, "hung2")}
	for i := range 300 {
		if a := <-ask(context.Background(), c, echo, fmt.Sprint(i)); a.err != nil {
			t.Fatal(a.err)
		}
	}
	close(d.release)
	for _, answers := range hung {
		if a := <-answers; a.err != nil {
			t.Error(a.err)
		}
	}

	d = newDeaf()
	c = newRunner(t, d, coalesce.MaxFlights(1)) // with a Patience that doesn't end in this test
	lost(t, c, d, "hung")
	if a := <-ask(context.Background(), c, echo, "next"); a.err != nil {
		t.Fatal(a.err)
	}
	close(d.release)
}

// TestHungCallsAreBounded: the calls that are under way are bounded for one place and for all places, however many come.
func TestHungCallsAreBounded(t *testing.T) {
	for name, test := range map[string]struct {
		opts     []coalesce.Option
		unplaced bool
		want     int
	}{
		"one place":  {opts: []coalesce.Option{coalesce.MaxFlights(2)}, want: 32},
		"few calls":  {opts: []coalesce.Option{coalesce.MaxFlights(2), coalesce.MaxCalls(5)}, want: 5},
		"all places": {opts: []coalesce.Option{coalesce.MaxCalls(5)}, unplaced: true, want: 5},
	} {
		d := newDeaf()
		var run scripts.Runner = d
		if test.unplaced {
			run = runnerFunc(d.Run)
		}
		c := newRunner(t, run, append(test.opts, coalesce.MaxBatch(1), coalesce.Patience(1))...)
		const callers = 50
		ctx, giveUp := context.WithCancel(context.Background())
		var answers []chan answer
		for i := range callers {
			answers = append(answers, ask(ctx, c, echo, fmt.Sprint("hung", i)))
		}
		waiting(t, c, callers-test.want)
		for range test.want {
			<-d.arrived
		}
		d.release <- struct{}{} // one returns, and another takes its turn
		<-d.arrived
		waiting(t, c, callers-test.want-1)
		giveUp()
		for _, answers := range answers {
			if a := <-answers; a.err != nil && !errors.Is(a.err, context.Canceled) {
				t.Errorf("%s: %v", name, a)
			}
		}
		if n := len(d.arrived); n > 0 {
			t.Errorf("%s: %d calls more were sent", name, n)
		}
		close(d.release)
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// TestCallersThatGaveUpLeaveTheQueue: callers that give up make room for others while the runner hangs.
func TestCallersThatGaveUpLeaveTheQueue(t *testing.T) {
	d := newDeaf()
	c := newRunner(t, d, coalesce.MaxFlights(1), coalesce.MaxQueue(3))
	hung := ask(context.Background(), c, echo, "hung")
	<-d.arrived
	stays := ask(context.Background(), c, echo, "stays")
	waiting(t, c, 1)
	for range 1000 {
		ctx, giveUp := context.WithCancel(context.Background())
		one, other := ask(ctx, c, echo, "one"), ask(ctx, c, echo, "other")
		waiting(t, c, 3)
		if _, err := c.Run(context.Background(), echo, []string{"too many"}, nil); !errors.Is(err, coalesce.ErrQueueFull) {
			t.Fatalf("%v, want ErrQueueFull", err)
		}
		giveUp()
		for _, answers := range []chan answer{one, other} {
			if a := <-answers; !errors.Is(a.err, context.Canceled) {
				t.Fatal(a)
			}
		}
		waiting(t, c, 1)
	}
	close(d.release)
	<-hung
	if a := <-stays; a.err != nil {
		t.Error(a.err)
	}
}

type contextKey struct{}

// until is a context that has a deadline and doesn't end, however long the test takes.
type until struct {
	context.Context
	at time.Time
}

func (u until) Deadline() (time.Time, bool) { return u.at, true }

// TestContextOfABatch: the context of a batch has the values of the oldest call. It ends with the latest deadline, but in no
// more than ten seconds.
func TestContextOfABatch(t *testing.T) {
	soon, later, far := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour), time.Now().Add(24*time.Hour)
	near := time.Now().Add(9 * time.Second)
	for name, test := range map[string]struct {
		deadlines []time.Time // zero for none
		capped    bool
		want      time.Time
	}{
		"deadlines":       {deadlines: []time.Time{near.Add(-time.Second), near, near.Add(-time.Second)}, want: near},
		"far deadlines":   {deadlines: []time.Time{soon, later, far}, capped: true},
		"one without any": {deadlines: []time.Time{near, {}}, capped: true},
	} {
		d := newDeaf()
		c := newRunner(t, d, coalesce.MaxFlights(1))
		hung := ask(context.Background(), c, echo, "hung")
		<-d.arrived
		var answers []chan answer
		for i, deadline := range test.deadlines {
			ctx := context.WithValue(context.Background(), contextKey{}, i)
			if !deadline.IsZero() {
				ctx = until{ctx, deadline}
			}
			answers = append(answers, ask(ctx, c, echo, fmt.Sprint(i)))
			waiting(t, c, i+1)
		}
		close(d.release)
		<-hung
		ctx := <-d.arrived
		if got := ctx.Value(contextKey{}); got != 0 {
			t.Errorf("%s: the value is %v, want the oldest call's", name, got)
		}
		switch deadline, ok := ctx.Deadline(); {
		case !ok:
			t.Errorf("%s: no deadline", name)
		case test.capped && time.Until(deadline) > 10*time.Second, !test.capped && !deadline.Equal(test.want):
			t.Errorf("%s: the deadline is in %v", name, time.Until(deadline))
		}
		for _, answers := range answers {
			if a := <-answers; a.err != nil {
				t.Error(a.err)
			}
		}
	}
}

// TestContextOfACall: a call that is sent alone has its caller's context, whether it waited or not.
func TestContextOfACall(t *testing.T) {
	d := newDeaf()
	c := newRunner(t, d, coalesce.MaxFlights(1))
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), contextKey{}, "mine"))
	defer cancel()
	hung := ask(ctx, c, echo, "hung")
	if got := <-d.arrived; got != ctx {
		t.Errorf("at once: %v", got)
	}
	alone := ask(ctx, c, echo, "alone")
	waiting(t, c, 1)
	close(d.release)
	if got := <-d.arrived; got != ctx {
		t.Errorf("after waiting: %v", got)
	}
	<-hung
	<-alone
}

// TestCloseIsBounded: Close returns when its context ends, and can be called again.
func TestCloseIsBounded(t *testing.T) {
	d := newDeaf()
	c := newRunner(t, d, coalesce.MaxFlights(1))
	hung := ask(context.Background(), c, echo, "hung")
	<-d.arrived
	waits := ask(context.Background(), c, echo, "waits")
	waiting(t, c, 1)
	if err := c.Close(canceled()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the context's error", err)
	}
	close(d.release)
	for _, answers := range []chan answer{hung, waits} {
		if a := <-answers; a.err != nil {
			t.Error(a.err)
		}
	}
	var closing sync.WaitGroup
	for range 3 {
		closing.Add(1)
		go func() {
			defer closing.Done()
			if err := c.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}()
	}
	closing.Wait()
	if err := c.Close(canceled()); err != nil {
		t.Errorf("with nothing to wait for: %v", err)
	}
}

// TestMaxBytes: the bytes of a batch are bounded, and a call that has more is sent alone.
func TestMaxBytes(t *testing.T) {
	c, g, _ := busy(t, coalesce.MaxBytes(30))
	var answers []chan answer
	for i, size := range []int{10, 10, 9, 40, 5, 28, 1} { // of the keys, with an argument of one byte each
		answers = append(answers, ask(context.Background(), c, echo, string(slices.Repeat([]byte{'k'}, size)), fmt.Sprint(i)))
		waiting(t, c, i+1)
	}
	close(g.open)
	for i, answers := range answers {
		if a := <-answers; a.err != nil || a.reply[0] != int64(i) {
			t.Errorf("call %d: %v", i, a)
		}
	}
	var sizes [][]int
	for _, call := range g.sent()[1:] {
		var size []int
		for _, key := range call.keys {
			size = append(size, len(key))
		}
		sizes = append(sizes, size)
	}
	if want := "[[10 10] [9] [40] [5] [28] [1]]"; fmt.Sprint(sizes) != want {
		t.Errorf("sent were keys of %v bytes, want %s", sizes, want)
	}
}
