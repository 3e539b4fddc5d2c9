package linearizable_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/internal/resptest"
)

// TestLostReplies: during the calls the server repeatedly closes all connections and flushes its scripts. A call that fails was
// executed once or not at all.
func TestLostReplies(t *testing.T) {
	all := 0
	each(t, func(t *testing.T, s subject, addr string) {
		for _, limit := range limits {
			try := trial{s, limit, true}
			askers := try.clients(t, addr)
			trouble := newTrouble(t, addr)
			for i := range askers {
				askers[i] = trouble.around(askers[i])
			}
			history := record(askers, try.plans(t))
			cuts := trouble.end()
			failed := 0
			for _, op := range history {
				if l, is := op.Output.(lost); is {
					failed++
					if answered(l.err) {
						t.Errorf("%v: %v", op.Input, l.err)
					}
				}
			}
			t.Logf("%v: %d calls lost by %d cuts", limit, failed, cuts)
			all += failed
			linearizes(t, newModel(try), history)
		}
	})
	if all == 0 {
		t.Error("no call was lost")
	}
}

// answered reports whether an error is an answer of the server, for example that a script failed, and not the loss of a
// reply.
func answered(err error) bool {
	var ofGoRedis redis.Error
	var ofRueidis *rueidis.RedisError
	return errors.As(err, &ofGoRedis) || errors.As(err, &ofRueidis)
}

// A trouble cuts the clients' connections, and flushes the scripts, once every callsACut calls.
type trouble struct {
	calls atomic.Int64
	due   chan struct{}
	cuts  chan int
}

const callsACut = 60

func newTrouble(t *testing.T, addr string) *trouble {
	t.Helper()
	tr := &trouble{due: make(chan struct{}), cuts: make(chan int)}
	conn := resptest.Dial(t, addr)
	go func() {
		cuts := 0
		for range tr.due {
			for _, command := range [][]string{{"CLIENT", "KILL", "TYPE", "normal"}, {"SCRIPT", "FLUSH"}} {
				if _, err := conn.Do(command...); err != nil {
					t.Errorf("%v: %v", command, err)
				}
			}
			cuts++
		}
		tr.cuts <- cuts
	}()
	return tr
}

// around injects the fault concurrently with a call of ask, so that it affects calls in progress.
func (tr *trouble) around(ask asker) asker {
	return func(ctx context.Context, key string, c call) (any, error) {
		if tr.calls.Add(1)%callsACut == 0 {
			select {
			case tr.due <- struct{}{}:
			default: // the previous cut is not finished
			}
		}
		return ask(ctx, key, c)
	}
}

// end stops the cuts and returns their number.
func (tr *trouble) end() int {
	close(tr.due)
	return <-tr.cuts
}
