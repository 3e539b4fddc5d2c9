package coalesce_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
)

// refusing is a runner whose batches fail with an error, and whose single calls get the result of the function one.
type refusing struct {
	batch []int64 // the reply to a batch, if not nil
	err   error   // or its error
	one   func(key string) ([]int64, error)

	arrived chan string
	open    chan struct{}

	mu            sync.Mutex
	keys          []string // of all calls
	underWay, top int      // calls at the same time, and the most there were
}

func (r *refusing) Place(context.Context, string) (scripts.Place, bool) { return scripts.Place{}, true }

func (r *refusing) Run(_ context.Context, s *scripts.Script, keys, _ []string) ([]int64, error) {
	r.mu.Lock()
	r.keys = append(r.keys, strings.Join(keys, "+"))
	r.underWay++
	r.top = max(r.top, r.underWay)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.underWay--
	}()
	if keys[0] == "first" {
		r.arrived <- "first"
		<-r.open
		return []int64{1}, nil
	}
	if s == echo {
		return r.one(keys[0])
	}
	return r.batch, r.err
}

// refusingPipes is a refusing runner that can make pipelines too.
type refusingPipes struct {
	*refusing
	pipelines int
}

func (r *refusingPipes) RunAll(ctx context.Context, calls []scripts.Call) {
	r.pipelines++
	for i, c := range calls {
		calls[i].Reply, calls[i].Err = r.Run(ctx, c.Script, c.Keys, c.Args)
	}
}

// inABatch makes calls for keys in one batch and returns their answers, once the calls are all done.
func inABatch(t *testing.T, run scripts.Runner, r *refusing, keys ...string) (answers []answer) {
	t.Helper()
	r.arrived, r.open = make(chan string, 1), make(chan struct{})
	c := newRunner(t, run, coalesce.MaxFlights(1))
	first := ask(context.Background(), c, echo, "first")
	<-r.arrived
	var coming []chan answer
	for i, key := range keys {
		coming = append(coming, ask(context.Background(), c, echo, key))
		waiting(t, c, i+1)
	}
	close(r.open)
	<-first
	for _, coming := range coming {
		answers = append(answers, <-coming)
	}
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
	return answers
}

// TestBatchThatDidNotRun: after an error that proves that nothing ran each request is sent by itself, and each caller gets
// its own result. They are sent one after the other, or in a pipeline.
func TestBatchThatDidNotRun(t *testing.T) {
	moved := resptest.Error("MOVED 3999 127.0.0.1:6381")
	for _, refusal := range []string{
		"CROSSSLOT Keys in request don't hash to the same slot", "TRYAGAIN Multiple keys request during rehashing of slot",
		"MOVED 1 127.0.0.1:1", "ASK 1 127.0.0.1:1", "CLUSTERDOWN Hash slot not served", "NOSCRIPT No matching script.",
		"NOPERM No permissions to access a key", "LOADING Redis is loading the dataset in memory", "BUSY Redis is busy",
		"MASTERDOWN Link with MASTER is down", "NOAUTH Authentication required.",
	} {
		for _, pipes := range []bool{false, true} {
			r := &refusing{err: fmt.Errorf("runner: echo: %w", resptest.Error(refusal)), one: func(key string) ([]int64, error) {
				if key == "c" {
					return nil, moved
				}
				return []int64{int64(key[0])}, nil
			}}
			var run scripts.Runner = r
			if pipes {
				run = &refusingPipes{refusing: r}
			}
			answers := inABatch(t, run, r, "a", "b", "c", "d")
			for i, want := range []int64{'a', 'b', 0, 'd'} {
				a := answers[i]
				if want == 0 && !errors.Is(a.err, moved) || want != 0 && (a.err != nil || a.reply[0] != want) {
					t.Errorf("%s, %v: call %d: %v", refusal, pipes, i, a)
				}
			}
			if want := []string{"first", "a+b+c+d", "a", "b", "c", "d"}; !slices.Equal(r.keys, want) || r.top > 1 {
				t.Errorf("%s, %v: sent were %q, %d at once", refusal, pipes, r.keys, r.top)
			}
		}
	}
}

// TestServerThatRefusesAll: if a server would refuse any call in the same way, one more call is sent, and not one for each
// caller.
func TestServerThatRefusesAll(t *testing.T) {
	for _, refusal := range []resptest.Error{"LOADING Redis is loading", "MASTERDOWN Link with MASTER is down", "BUSY Redis is busy"} {
		r := &refusing{err: refusal, one: func(string) ([]int64, error) { return nil, refusal }}
		for i, a := range inABatch(t, &refusingPipes{refusing: r}, r, "a", "b", "c", "d") {
			if !errors.Is(a.err, refusal) {
				t.Errorf("%s: call %d: %v", refusal, i, a)
			}
		}
		if want := []string{"first", "a+b+c+d", "a"}; !slices.Equal(r.keys, want) {
			t.Errorf("%s: sent were %q", refusal, r.keys)
		}
	}
}

// TestBatchThatMayHaveRun: after any other error nothing is sent again, and each caller gets that error.
func TestBatchThatMayHaveRun(t *testing.T) {
	for _, failure := range []error{
		errors.New("read: connection reset"), context.DeadlineExceeded, resptest.Error("ERR Error running script"),
		resptest.Error("OOM command not allowed"), resptest.Error("READONLY You can't write against a read only replica."),
		fmt.Errorf("runner: a text that says MOVED 1 127.0.0.1:1"),
	} {
		r := &refusing{err: failure, one: func(string) ([]int64, error) { return []int64{1}, nil }}
		for i, a := range inABatch(t, r, r, "a", "b") {
			if a.err != failure { //nolint:errorlint // the very error
				t.Errorf("%v: call %d: %v", failure, i, a)
			}
		}
		if want := []string{"first", "a+b"}; !slices.Equal(r.keys, want) {
			t.Errorf("%v: sent were %q", failure, r.keys)
		}
	}
}

// TestServerThatRefusesWrites: the refused requests of a batch get the error after one more call, in the same
// flight.
func TestServerThatRefusesWrites(t *testing.T) {
	for _, refusal := range []resptest.Error{
		"OOM command not allowed when used memory > 'maxmemory'.", "READONLY You can't write against a read only replica.",
		"MISCONF Redis is configured to save RDB snapshots", "NOREPLICAS Not enough good replicas to write.",
		"NOPERM this user has no permissions to run the 'set' command",
	} {
		r := &refusing{
			batch: []int64{-1, -1, 1, -7, -1, -1}, // the second is denied, which writes nothing
			one:   func(string) ([]int64, error) { return nil, fmt.Errorf("runner: echo: %w", refusal) },
		}
		answers := inABatch(t, r, r, "a", "b", "c", "d")
		for i, a := range answers {
			if i == 1 && (a.err != nil || a.reply[0] != -7) || i != 1 && !errors.Is(a.err, refusal) {
				t.Errorf("%s: call %d: %v", refusal, i, a)
			}
		}
		if want := []string{"first", "a+b+c+d", "a"}; !slices.Equal(r.keys, want) || r.top > 1 {
			t.Errorf("%s: sent were %q, %d at once", refusal, r.keys, r.top)
		}
	}
}

// TestRequestsThatFailed: each failed request gets its own error. Equal requests are sent again only once. A request that
// succeeds now gets its answer.
func TestRequestsThatFailed(t *testing.T) {
	wrong := resptest.Error("WRONGTYPE Operation against a key holding the wrong kind of value")
	r := &refusing{batch: []int64{-1, -1, -1, -1, 1, 7, -1}, one: func(key string) ([]int64, error) {
		if key == "fine" {
			return []int64{5}, nil
		}
		return nil, fmt.Errorf("%s: %w", key, wrong)
	}}
	for i, a := range inABatch(t, r, r, "list", "list", "fine", "seven", "hash") {
		switch want := []int64{0, 0, 5, 7, 0}[i]; {
		case want != 0 && (a.err != nil || a.reply[0] != want):
			t.Errorf("call %d: %v", i, a)
		case want == 0 && (!errors.Is(a.err, wrong) || !strings.Contains(a.err.Error(), []string{"list", "list", "", "", "hash"}[i])):
			t.Errorf("call %d: %v", i, a)
		}
	}
	if want := []string{"first", "list+seven+hash", "list", "fine", "hash"}; len(r.keys) != 5 || !slices.Equal(r.keys[2:], want[2:]) || r.top > 1 {
		t.Errorf("sent were %q, %d at once", r.keys, r.top)
	}
}
