package linearizable_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/scripts"
)

// An input is the beginning of a call in a history.
type input struct {
	key  string
	call call
}

// lost is the answer to a call that failed: it was executed once, or not at all.
type lost struct{ err error }

// never is the time at which a lost call returns.
const never = math.MaxInt64

var trials atomic.Int64 // counts the trials, so that each has other keys

// clients returns an asker for each client, over go-redis and over rueidis in turn.
func (try trial) clients(t *testing.T, addr string) (askers [clients]asker) {
	t.Helper()
	var runners []scripts.Runner
	for _, client := range []string{load.GoRedis, load.Rueidis} {
		run, closeClient, err := load.Place{Addrs: []string{addr}, Patience: 2 * time.Minute}.Connect(t.Context(), client)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(closeClient)
		runners = append(runners, run)
	}
	prefix := algorithms.WithPrefix(fmt.Sprintf("linearizable-%d", trials.Add(1)))
	for i := range askers {
		create := try.over(runners[i%len(runners)])
		if try.simulated {
			create = create.onClock()
		}
		var err error
		if askers[i], err = create(try.limit, prefix); err != nil {
			t.Fatal(err)
		}
	}
	return askers
}

// record makes all clients call one key at the same time, and then the next key. It returns when
// each call began and ended, and its answer.
func record(askers [clients]asker, plans [][clients][]call) (history []porcupine.Operation) {
	began := time.Now()
	for i, plan := range plans {
		key := fmt.Sprint("key-", i)
		var all sync.WaitGroup
		var parts [clients][]porcupine.Operation
		for client, calls := range plan {
			all.Go(func() { parts[client] = follow(calls, askers[client], client, key, began) })
		}
		all.Wait()
		history = append(history, slices.Concat(parts[:]...)...)
	}
	return history
}

// follow makes one client's calls on a key.
func follow(calls []call, ask asker, client int, key string, began time.Time) (history []porcupine.Operation) {
	for _, c := range calls {
		called := time.Since(began)
		answer, err := ask(context.Background(), key, c)
		op := porcupine.Operation{
			ClientId: client, Input: input{key, c}, Call: int64(called),
			Output: answer, Return: int64(time.Since(began)),
		}
		if err != nil {
			op.Output, op.Return = lost{err}, never // it may be executed at any time
			client += clients                       // in the picture, the lost call overlaps its client's next calls
		}
		history = append(history, op)
	}
	return history
}

// allAnswered fails the test if a call has no answer.
func allAnswered(t *testing.T, history []porcupine.Operation) {
	t.Helper()
	for _, op := range history {
		if l, is := op.Output.(lost); is {
			t.Fatalf("%v: %v", op.Input, l.err)
		}
	}
}
