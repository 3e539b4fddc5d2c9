package coalesce_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
)

// TestSlots: if keys are on many servers, calls for different slots are never sent together.
func TestSlots(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	g := newGate(conn)
	g.one = false
	c := newRunner(t, g, coalesce.MaxFlights(1))
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
	if err := c.Close(context.Background()); err != nil {
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

// TestDifferentScripts: requests for different scripts are sent separately.
func TestDifferentScripts(t *testing.T) {
	c, g, _ := busy(t)
	other := manyOf(scripts.New("other", "return 5"))
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
	if slices.Sort(names[1:]); !slices.Equal(names, []string{"echo", "echo, many", "other, many"}) { // the last two at once
		t.Errorf("sent were %v", names)
	}
}

// TestCoalescedDecisions: many goroutines ask for one key. Their answers are those of requests that come one after the
// other.
func TestCoalescedDecisions(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	c := newRunner(t, conn, coalesce.MaxFlights(1))
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

func (p *piped) Place(_ context.Context, key string) (scripts.Place, bool) {
	return scripts.Place{Group: scripts.HashTag(key), Node: key[:1]}, true
}

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

// TestPipeline: calls for one node are sent in one pipeline, and one script decides on those of one slot.
func TestPipeline(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	p := &piped{gate: newGate(conn)}
	p.one = false
	c := newRunner(t, p, coalesce.MaxFlights(1))
	other := manyOf(scripts.New("other", "return 5"))
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
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
	want := [][]sent{{{"echo, many", []string{"a{1}x", "a{1}y"}}, {"echo", []string{"a{2}"}}, {"other", []string{"a{2}"}}}}
	if !reflect.DeepEqual(p.pipelines, want) {
		t.Errorf("pipelines were %v, want %v", p.pipelines, want)
	}
}

// TestPipelineFails: each caller gets the answer or the error of its own call.
func TestPipelineFails(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	p := &piped{gate: newGate(conn)}
	p.one = false
	c := newRunner(t, p, coalesce.MaxFlights(1))
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

// traced is a Runner around another one, as for metrics.
type traced struct {
	scripts.Runner
	seen *[]string
}

func (w traced) Unwrap() scripts.Runner { return w.Runner }

func (w traced) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	*w.seen = append(*w.seen, fmt.Sprint(s.Name(), keys))
	return w.Runner.Run(ctx, s, keys, args)
}

// TestWrappedRunner: a wrapper with Unwrap doesn't change which calls are sent together, and sees every call. Pipelines
// aren't used, as only the runner behind the wrapper could make them.
func TestWrappedRunner(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	p := &piped{gate: newGate(conn)}
	var seen []string
	c := newRunner(t, traced{traced{p, new([]string)}, &seen}, coalesce.MaxFlights(1))
	first := ask(context.Background(), c, echo, "{k}", "1")
	<-p.arrived
	var answers []chan answer
	for i := range 3 {
		answers = append(answers, ask(context.Background(), c, echo, fmt.Sprint("{k}", i), fmt.Sprint(i)))
		waiting(t, c, i+1)
	}
	close(p.open)
	<-first
	for i, answers := range answers {
		if a := <-answers; a.err != nil || a.reply[0] != int64(i) {
			t.Errorf("call %d: %v", i, a)
		}
	}
	if want := []string{"echo[{k}]", "echo, many[{k}0 {k}1 {k}2]"}; !slices.Equal(seen, want) || len(p.pipelines) > 0 {
		t.Errorf("the wrapper saw %q, and pipelines were %v", seen, p.pipelines)
	}
}

// TestUnknownPlaces: if it isn't known where keys live, only calls for equal keys share a script. Others don't wait for them.
func TestUnknownPlaces(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	g := newGate(conn)
	c := newRunner(t, runnerFunc(g.Run), coalesce.MaxFlights(1))
	hold := []chan answer{ask(context.Background(), c, echo, "{a}1", "0"), ask(context.Background(), c, echo, "{a}2", "0")}
	<-g.arrived
	<-g.arrived
	var answers []chan answer
	for i, keys := range [][]string{{"{a}1"}, {"{a}2"}, {"{a}1"}, {"{a}2"}, {"{a}1", "{a}2"}, {"{a}1", "{a}2"}} {
		answers = append(answers, make(chan answer, 1))
		go func() {
			reply, err := c.Run(context.Background(), echo, keys, []string{"1"})
			answers[i] <- answer{reply, err}
		}()
		waiting(t, c, i+1)
	}
	close(g.open)
	for _, answers := range append(hold, answers...) {
		if a := <-answers; a.err != nil {
			t.Error(a.err)
		}
	}
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
	var sent []string
	for _, call := range g.sent()[2:] {
		sent = append(sent, fmt.Sprint(call.script, call.keys))
	}
	slices.Sort(sent)
	if want := []string{"echo, many[{a}1 {a}2]", "echo, many[{a}1]", "echo, many[{a}2]"}; !slices.Equal(sent, want) {
		t.Errorf("sent were %q, want %q", sent, want)
	}
}

// learning is a gate that finds out, while calls wait, that its server is a node of a cluster.
type learning struct{ *gate }

func (l learning) Place(ctx context.Context, key string) (scripts.Place, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gate.Place(ctx, key)
}

// TestPlacesThatChange: waiting calls are divided by where their keys live when they are sent, and not when they came.
func TestPlacesThatChange(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	l := learning{newGate(conn)}
	c := newRunner(t, l, coalesce.MaxFlights(1))
	first := ask(context.Background(), c, echo, "first", "1")
	<-l.arrived
	var answers []chan answer
	for i, key := range []string{"{a}1", "{b}1", "{a}2"} {
		answers = append(answers, ask(context.Background(), c, echo, key, "1"))
		waiting(t, c, i+1)
	}
	l.mu.Lock()
	l.one = false
	l.mu.Unlock()
	close(l.open)
	<-first
	for _, answers := range answers {
		if a := <-answers; a.err != nil {
			t.Error(a.err)
		}
	}
	var sent []string
	for _, call := range l.sent()[1:] {
		sent = append(sent, fmt.Sprint(call.keys))
	}
	slices.Sort(sent)
	if want := []string{"[{a}1 {a}2]", "[{b}1]"}; !slices.Equal(sent, want) {
		t.Errorf("sent were %q, want %q", sent, want)
	}
}

// TestKeylessScript: a script without keys is sent. The zero Runner returns an error.
func TestKeylessScript(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	c := newRunner(t, conn)
	if reply, err := c.Run(context.Background(), scripts.New("five", "return 5"), nil, nil); err != nil || reply[0] != 5 {
		t.Errorf("%v, %v", reply, err)
	}
	for _, unmade := range []*coalesce.Runner{nil, {}} {
		if _, err := unmade.Run(context.Background(), echo, []string{"k"}, nil); !errors.Is(err, algorithms.ErrNilRunner) {
			t.Errorf("%v, want ErrNilRunner", err)
		}
	}
}
