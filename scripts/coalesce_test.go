package scripts_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// gate is a runner that lets no call through until it is opened, and remembers what was sent.
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

func (g *gate) OneServer() bool { return g.one }

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

// echo is a script that replies with its argument, and is an error for some.
var echo = scripts.New("echo", `
local time = redis.call('TIME')
if ARGV[1] == 'error' then return redis.error_reply('ODD one') end
if ARGV[1] == 'raise' then redis.call('NO_SUCH_COMMAND') end
redis.call('INCR', KEYS[1])
if ARGV[1] == 'pair' then return {7, 8} end
return ARGV[1] + 0`)

// answer is what a caller was told.
type answer struct {
	reply []int64
	err   error
}

// ask makes calls in goroutines of their own, and returns where their answers come.
func ask(ctx context.Context, c *scripts.Coalescer, s *scripts.Script, key string, args ...string) chan answer {
	answers := make(chan answer, 1)
	go func() {
		reply, err := c.Run(ctx, s, []string{key}, args)
		answers <- answer{reply, err}
	}()
	return answers
}

// waiting waits until so many calls wait in c.
func waiting(t *testing.T, c *scripts.Coalescer, calls int) {
	t.Helper()
	for c.Waiting() != calls { // for ever, where they don't come
		runtime.Gosched()
	}
}

// busy returns a coalescer whose only flight is taken by a call that hangs at the gate.
func busy(t *testing.T, opts ...scripts.CoalesceOption) (*scripts.Coalescer, *gate, chan answer) {
	t.Helper()
	_, conn := resptest.Miniredis(t)
	g := newGate(conn)
	c := scripts.Coalesce(g, append([]scripts.CoalesceOption{scripts.MaxFlights(1)}, opts...)...)
	first := ask(context.Background(), c, echo, "first", "1")
	<-g.arrived
	return c, g, first
}

// TestCoalesce sends what waits together, and gives each caller its own answer or error.
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
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestLoneCaller makes a call at once, as it is.
func TestLoneCaller(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	g := newGate(conn)
	close(g.open)
	c := scripts.Coalesce(g)
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

// TestGivenUp: who gives up while waiting is not charged, who gives up later gets no answer, and neither
// hurts the others.
func TestGivenUp(t *testing.T) {
	server, conn := resptest.Miniredis(t)
	g := newGate(conn)
	c := scripts.Coalesce(g, scripts.MaxFlights(1))
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
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if keys := server.Keys(); !slices.Equal(keys, []string{"first", "late", "neighbour"}) {
		t.Errorf("charged were %q", keys)
	}
}

// TestBatchFails gives everyone the error of a batch that nobody knows the outcome of, and sends nothing
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
	if err := c.Close(); err != nil || len(g.sent()) != 2 {
		t.Errorf("%v; sent were %v", err, g.sent())
	}
}

type runnerFunc func(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error)

func (f runnerFunc) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	return f(ctx, s, keys, args)
}

// TestBounds: a batch has so many requests at most, and so many calls may wait.
func TestBounds(t *testing.T) {
	c, g, _ := busy(t, scripts.MaxBatch(4), scripts.MaxQueue(10))
	var answers []chan answer
	for i := range 10 {
		answers = append(answers, ask(context.Background(), c, echo, "k", fmt.Sprint(i)))
		waiting(t, c, i+1)
	}
	if _, err := c.Run(context.Background(), echo, []string{"k"}, []string{"1"}); !errors.Is(err, scripts.ErrQueueFull) {
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

// TestClose answers those who wait and refuses those who come.
func TestClose(t *testing.T) {
	c, g, first := busy(t)
	second := ask(context.Background(), c, echo, "k", "2")
	waiting(t, c, 1)
	closed := make(chan error)
	go func() { closed <- c.Close() }()
	for {
		_, err := c.Run(canceled(), echo, []string{"k"}, []string{"3"})
		if errors.Is(err, scripts.ErrClosed) {
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

// TestSlots never sends calls for different slots together where keys are on many servers.
func TestSlots(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	g := newGate(conn)
	g.one = false
	c := scripts.Coalesce(g, scripts.MaxFlights(1))
	hold := []chan answer{ask(context.Background(), c, echo, "{a}", "0"), ask(context.Background(), c, echo, "{b}", "0")} // neither waits for the other
	<-g.arrived
	<-g.arrived
	var answers []chan answer
	for i, key := range []string{"{a}1", "{b}1", "{a}2", "{b}2"} {
		answers = append(answers, ask(context.Background(), c, echo, key, "1"))
		waiting(t, c, i+1)
	}
	close(g.open)
	for _, answers := range append(hold, answers...) {
		if a := <-answers; a.err != nil {
			t.Error(a.err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for _, call := range g.sent() {
		if tag := call.keys[0][:3]; slices.ContainsFunc(call.keys, func(key string) bool { return !strings.HasPrefix(key, tag) }) {
			t.Errorf("sent together were %q", call.keys)
		}
	}
	if len(g.sent()) != 4 {
		t.Errorf("sent were %v", g.sent())
	}
}

// TestDifferentScripts sends each script's requests by themselves.
func TestDifferentScripts(t *testing.T) {
	c, g, _ := busy(t)
	other := scripts.New("other", "return 5")
	var answers []chan answer
	for i, s := range []*scripts.Script{echo, other, echo, other} {
		answers = append(answers, ask(context.Background(), c, s, "k", "1"))
		waiting(t, c, i+1)
	}
	close(g.open)
	for i, want := range []int64{1, 5, 1, 5} {
		if a := <-answers[i]; a.err != nil || a.reply[0] != want {
			t.Errorf("call %d: %v", i, a)
		}
	}
	var names []string
	for _, call := range g.sent() {
		names = append(names, call.script)
	}
	if slices.Sort(names[1:]); !slices.Equal(names, []string{"echo", "echo, many", "other, many"}) { // those two at once
		t.Errorf("sent were %v", names)
	}
}

// TestCoalescedDecisions has many goroutines ask for one key: each answer is one that asking one after the
// other would give.
func TestCoalescedDecisions(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	c := scripts.Coalesce(conn, scripts.MaxFlights(1))
	const callers, burst = 50, 10
	var mu sync.Mutex
	standings := map[int64]int{}
	var all sync.WaitGroup
	for range callers {
		all.Add(1)
		go func() {
			defer all.Done()
			reply, err := c.Run(context.Background(), scripts.GCRA, []string{"weir:{k}:gcra"}, []string{"3600000000", "36000000000", "1795363671000000"})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			standings[reply[0]]++
		}()
	}
	all.Wait()
	for n := int64(1); n <= burst; n++ {
		if standings[n*3600000000] != 1 {
			t.Errorf("%d callers were the %d. of the burst", standings[n*3600000000], n)
		}
	}
	if standings[-1-burst*3600000000] != callers-burst {
		t.Errorf("the answers are %v", standings)
	}
}

// piped is a gate over two nodes, whose calls for one node go out in one pipeline.
type piped struct {
	*gate
	mu        sync.Mutex
	pipelines [][]sent
}

func (p *piped) Node(_ context.Context, key string) string { return key[:1] }

func (p *piped) RunAll(ctx context.Context, calls []scripts.Call) {
	var pipeline []sent
	for i, c := range calls {
		pipeline = append(pipeline, sent{c.Script.Name(), slices.Clone(c.Keys)})
		calls[i].Reply, calls[i].Err = p.Runner.Run(ctx, c.Script, c.Keys, c.Args)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pipelines = append(p.pipelines, pipeline)
}

// TestPipeline sends what is for one node together, and has one script decide what is of one slot.
func TestPipeline(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	p := &piped{gate: newGate(conn)}
	p.one = false
	c := scripts.Coalesce(p, scripts.MaxFlights(1))
	other := scripts.New("other", "return 5")
	hold := []chan answer{ask(context.Background(), c, echo, "a0", "0"), ask(context.Background(), c, echo, "b0", "0")} // neither waits for the other
	<-p.arrived
	<-p.arrived
	var answers []chan answer
	for i, key := range []string{"a{1}x", "a{2}", "b{1}", "a{1}y", "a{2}"} {
		script := echo
		if i == 4 {
			script = other
		}
		answers = append(answers, ask(context.Background(), c, script, key, fmt.Sprint(i)))
		waiting(t, c, i+1)
	}
	close(p.open)
	for _, answers := range hold {
		if a := <-answers; a.err != nil {
			t.Error(a.err)
		}
	}
	for i, want := range []int64{0, 1, 2, 3, 5} {
		if a := <-answers[i]; a.err != nil || a.reply[0] != want {
			t.Errorf("call %d: %v", i, a)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	want := [][]sent{{{"echo, many", []string{"a{1}x", "a{1}y"}}, {"echo", []string{"a{2}"}}, {"other", []string{"a{2}"}}}}
	if !reflect.DeepEqual(p.pipelines, want) {
		t.Errorf("pipelines were %v, want %v", p.pipelines, want)
	}
}

// TestPipelineFails gives each caller what came of its own call.
func TestPipelineFails(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	p := &piped{gate: newGate(conn)}
	p.one = false
	c := scripts.Coalesce(p, scripts.MaxFlights(1))
	first := ask(context.Background(), c, echo, "a0", "0")
	<-p.arrived
	broken := ask(context.Background(), c, echo, "a{1}", "raise")
	waiting(t, c, 1)
	fine := ask(context.Background(), c, echo, "a{2}", "7")
	waiting(t, c, 2)
	close(p.open)
	if a := <-first; a.err != nil {
		t.Error(a.err)
	}
	if a := <-broken; a.err == nil {
		t.Errorf("%v", a)
	}
	if a := <-fine; a.err != nil || a.reply[0] != 7 {
		t.Errorf("%v", a)
	}
}
