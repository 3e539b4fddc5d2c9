package coalesce_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
)

// gate is a runner that holds calls until it is opened, and records them.
type gate struct {
	scripts.Runner
	one     bool
	open    chan struct{}
	arrived chan string // the name of each script that was sent

	mu    sync.Mutex
	calls []sent
}

type sent struct {
	script string
	keys   []string
}

func newGate(run scripts.Runner) *gate {
	return &gate{Runner: run, one: true, open: make(chan struct{}), arrived: make(chan string, 1000)}
}

// Place says that all keys are on one server, or in a cluster.
func (g *gate) Place(_ context.Context, key string) (scripts.Place, bool) {
	if g.one {
		return scripts.Place{}, true
	}
	return scripts.Place{Group: scripts.HashTag(key)}, true
}

func (g *gate) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	g.mu.Lock()
	g.calls = append(g.calls, sent{s.Name(), slices.Clone(keys)})
	g.mu.Unlock()
	g.arrived <- s.Name()
	select {
	case <-g.open:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return g.Runner.Run(ctx, s, keys, args)
}

func (g *gate) sent() []sent {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.calls)
}

// newRunner returns a runner over run. Its Patience never ends in a test, unless opts say otherwise.
func newRunner(t *testing.T, run scripts.Runner, opts ...coalesce.Option) *coalesce.Runner {
	t.Helper()
	c, err := coalesce.New(run, append([]coalesce.Option{coalesce.Patience(time.Hour)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// manyOf gives a script a form for many requests, as Weir's scripts have.
func manyOf(s *scripts.Script) *scripts.Script {
	before, rest, _ := strings.Cut(scripts.SlidingLog.Many().Source(), "local function decide(KEYS, ARGV)\n")
	_, after, _ := strings.Cut(rest, "\nend\n\n-- [requests]")
	return s.WithMany(scripts.New(s.Name()+", many", before+"local function decide(KEYS, ARGV)\n"+s.Source()+"\nend\n\n-- [requests]"+after))
}

// echo is a script that replies with its argument, or with an error for some arguments.
var echo = manyOf(scripts.New("echo", `
if ARGV[1] == 'error' then return redis.error_reply('ODD one') end
if ARGV[1] == 'raise' then redis.call('NO_SUCH_COMMAND') end
redis.call('INCR', KEYS[1])
if ARGV[1] == 'pair' then return {7, 8} end
return ARGV[1] + 0`))

// answer is what Run has returned to a caller.
type answer struct {
	reply []int64
	err   error
}

// ask makes a call in another goroutine, and returns the channel of its answer.
func ask(ctx context.Context, c *coalesce.Runner, s *scripts.Script, key string, args ...string) chan answer {
	answers := make(chan answer, 1)
	go func() {
		reply, err := c.Run(ctx, s, []string{key}, args)
		answers <- answer{reply, err}
	}()
	return answers
}

// waiting returns when this number of calls wait in c.
func waiting(t *testing.T, c *coalesce.Runner, calls int) {
	t.Helper()
	for c.Waiting() != calls { // forever, if they don't come
		runtime.Gosched()
	}
}

// busy returns a Runner with MaxFlights 1 and a call that hangs at the gate.
func busy(t *testing.T, opts ...coalesce.Option) (*coalesce.Runner, *gate, chan answer) {
	t.Helper()
	_, conn := resptest.Miniredis(t)
	g := newGate(conn)
	c := newRunner(t, g, append([]coalesce.Option{coalesce.MaxFlights(1)}, opts...)...)
	first := ask(context.Background(), c, echo, "first", "1")
	<-g.arrived
	return c, g, first
}

// TestCoalesce: waiting calls are sent together, and each caller gets its own answer or error.
func TestCoalesce(t *testing.T) {
	c, g, first := busy(t)
	args := []string{"2", "pair", "error", "raise", "3", "3"}
	var answers []chan answer
	for i, arg := range args {
		answers = append(answers, ask(context.Background(), c, echo, fmt.Sprintf("k%d", i), arg))
		waiting(t, c, i+1)
	}
	close(g.open)
	if a := <-first; a.err != nil || !slices.Equal(a.reply, []int64{1}) {
		t.Errorf("the first: %v", a)
	}
	for i, want := range [][]int64{{2}, {7, 8}, nil, nil, {3}, {3}} {
		a := <-answers[i]
		if !slices.Equal(a.reply, want) || (a.err != nil) != (want == nil) {
			t.Errorf("%s: %v, %v, want %v", args[i], a.reply, a.err, want)
		}
		var told resptest.Error
		if want == nil && !errors.As(a.err, &told) {
			t.Errorf("%s: %v, want the server's own error in it", args[i], a.err)
		}
	}
	calls := g.sent()
	if len(calls) != 4 || calls[0].script != "echo" || calls[1].script != "echo, many" || len(calls[1].keys) != 6 {
		t.Errorf("sent were %v, want one call, one batch of six, and two again for their errors", calls)
	}
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestLoneCaller: a call that finds no other in progress is sent at once and unchanged.
func TestLoneCaller(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	g := newGate(conn)
	close(g.open)
	c := newRunner(t, g)
	for i := range 10 {
		if reply, err := c.Run(context.Background(), echo, []string{"k"}, []string{fmt.Sprint(i)}); err != nil || !slices.Equal(reply, []int64{int64(i)}) {
			t.Errorf("%v, %v", reply, err)
		}
	}
	for _, call := range g.sent() {
		if call.script != "echo" {
			t.Errorf("sent was %v", call)
		}
	}
}

// TestGivenUp: a caller that gives up while it waits is not charged. One that gives up later gets no answer. Neither
// affects the others.
func TestGivenUp(t *testing.T) {
	server, conn := resptest.Miniredis(t)
	g := newGate(conn)
	c := newRunner(t, g, coalesce.MaxFlights(1))
	first := ask(context.Background(), c, echo, "first", "1")
	<-g.arrived

	gone, giveUp := context.WithCancel(context.Background())
	early := ask(gone, c, echo, "early", "1")
	waiting(t, c, 1)
	giveUp()
	if a := <-early; !errors.Is(a.err, context.Canceled) {
		t.Errorf("who gave up while waiting: %v", a)
	}
	later, giveUpLater := context.WithCancel(context.Background())
	late := ask(later, c, echo, "late", "1")
	neighbour := ask(context.Background(), c, echo, "neighbour", "2")
	waiting(t, c, 2)
	g.open <- struct{}{} // the first call passes, and the batch comes to the gate
	<-first
	<-g.arrived
	giveUpLater()
	if a := <-late; !errors.Is(a.err, context.Canceled) {
		t.Errorf("who gave up under way: %v", a)
	}
	close(g.open)
	if a := <-neighbour; a.err != nil || !slices.Equal(a.reply, []int64{2}) {
		t.Errorf("the neighbour: %v", a)
	}
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if keys := server.Keys(); !slices.Equal(keys, []string{"first", "late", "neighbour"}) {
		t.Errorf("charged were %q", keys)
	}
}

// TestBatchFails: if the outcome of a batch is unknown, each of its callers gets the error, and nothing is sent
// again.
func TestBatchFails(t *testing.T) {
	c, g, first := busy(t)
	broken := errors.New("broken pipe")
	a, b := ask(context.Background(), c, echo, "a", "1"), ask(context.Background(), c, echo, "b", "1")
	waiting(t, c, 2)
	g.Runner = runnerFunc(func(_ context.Context, s *scripts.Script, _, _ []string) ([]int64, error) { return []int64{1}, broken })
	close(g.open)
	for _, answers := range []chan answer{first, a, b} {
		if got := <-answers; !errors.Is(got.err, broken) {
			t.Errorf("%v", got)
		}
	}
	if err := c.Close(context.Background()); err != nil || len(g.sent()) != 2 {
		t.Errorf("%v; sent were %v", err, g.sent())
	}
}

type runnerFunc func(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error)

func (f runnerFunc) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	return f(ctx, s, keys, args)
}

// TestBounds: the numbers of requests in a batch and of waiting calls are bounded.
func TestBounds(t *testing.T) {
	c, g, _ := busy(t, coalesce.MaxBatch(4), coalesce.MaxQueue(10))
	var answers []chan answer
	for i := range 10 {
		answers = append(answers, ask(context.Background(), c, echo, "k", fmt.Sprint(i)))
		waiting(t, c, i+1)
	}
	if _, err := c.Run(context.Background(), echo, []string{"k"}, []string{"1"}); !errors.Is(err, coalesce.ErrQueueFull) {
		t.Errorf("one too many: %v", err)
	}
	close(g.open)
	for i, answers := range answers {
		if a := <-answers; a.err != nil || a.reply[0] != int64(i) {
			t.Errorf("call %d: %v", i, a)
		}
	}
	var sizes []int
	for _, call := range g.sent() {
		sizes = append(sizes, len(call.keys))
	}
	if !slices.Equal(sizes, []int{1, 4, 4, 2}) {
		t.Errorf("sent were %v requests at a time", sizes)
	}
}

// TestClose: after Close, calls that wait are answered and new calls are refused.
func TestClose(t *testing.T) {
	c, g, first := busy(t)
	second := ask(context.Background(), c, echo, "k", "2")
	waiting(t, c, 1)
	closed := make(chan error)
	go func() { closed <- c.Close(context.Background()) }()
	for {
		_, err := c.Run(canceled(), echo, []string{"k"}, []string{"3"})
		if errors.Is(err, coalesce.ErrClosed) {
			break
		}
	}
	close(g.open)
	if a := <-first; a.err != nil {
		t.Error(a.err)
	}
	if a := <-second; a.err != nil || a.reply[0] != 2 {
		t.Errorf("who waited: %v", a)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// TestWrong: New returns an error for arguments that can't work.
func TestWrong(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	for _, none := range []scripts.Runner{nil, (*gate)(nil), runnerFunc(nil)} {
		if c, err := coalesce.New(none); c != nil || !errors.Is(err, algorithms.ErrNilRunner) {
			t.Errorf("of a nil %T: %v, %v, want ErrNilRunner", none, c, err)
		}
	}
	for name, opt := range map[string]coalesce.Option{
		"nil": nil, "MaxBatch": coalesce.MaxBatch(0), "MaxFlights": coalesce.MaxFlights(0), "MaxQueue": coalesce.MaxQueue(-1),
		"MaxBytes": coalesce.MaxBytes(0), "MaxCalls": coalesce.MaxCalls(0), "Patience": coalesce.Patience(0),
	} {
		if c, err := coalesce.New(conn, opt); c != nil || !errors.Is(err, algorithms.ErrInvalidOption) {
			t.Errorf("%s: %v, %v, want ErrInvalidOption", name, c, err)
		}
	}
}

// TestWithoutMany: scripts without a form for many requests are sent one by one.
func TestWithoutMany(t *testing.T) {
	c, g, first := busy(t)
	var answers []chan answer
	for i := range 3 {
		answers = append(answers, ask(context.Background(), c, scripts.Reset, "first", []string{}...))
		waiting(t, c, i+1)
	}
	close(g.open)
	<-first
	for _, answers := range answers {
		if a := <-answers; a.err != nil || len(a.reply) != 1 {
			t.Errorf("%v", a)
		}
	}
	if sent := g.sent(); len(sent) != 4 {
		t.Errorf("sent were %v", sent)
	}
}
