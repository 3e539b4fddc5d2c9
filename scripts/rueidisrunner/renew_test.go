package rueidisrunner_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// TestMovedTarget: the name that a client connects to now leads to another server, but the client's connections are to the
// old one, which has become a replica, or loads its data. rueidis would keep these connections forever.
func TestMovedTarget(t *testing.T) {
	for name, set := range map[string]func(*rueidis.ClientOption){
		"pipelining":              func(o *rueidis.ClientOption) { o.AlwaysPipelining = true },
		"pipelining, connections": func(o *rueidis.ClientOption) { o.AlwaysPipelining, o.PipelineMultiplex = true, 2 },
		"pipelining if need be":   func(*rueidis.ClientOption) {},
		"never pipelining":        func(o *rueidis.ClientOption) { o.DisableAutoPipelining = true },
	} {
		for _, answer := range []string{
			"READONLY You can't write against a read only replica.",
			"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
			"LOADING Redis is loading the dataset in memory",
		} {
			word, _, _ := strings.Cut(answer, " ")
			t.Run(name+"/"+word, func(t *testing.T) {
				t.Parallel()
				old, current := runnertest.New(t), runnertest.New(t)
				var target atomic.Value
				target.Store(old.Addr)
				o := single(old)
				o.PipelineMultiplex = -1
				set(&o)
				o.DialCtxFn = dialTo(&target)
				run := errtest.Must(rueidisrunner.New(connect(t, 0, o)))
				connections := 1 << max(o.PipelineMultiplex, 0)
				for range 16 * connections { // now all connections are made, to the old server
					if _, err := run.Run(context.Background(), runnertest.Count, []string{"warm"}, nil); err != nil {
						t.Fatal(err)
					}
				}
				target.Store(current.Addr)
				old.Decide(func(cmd []string) runnertest.Fate {
					if cmd[0] == "evalsha" {
						return runnertest.Fate{Answer: "-" + answer + "\r\n"}
					}
					return runnertest.Fate{}
				})
				failed := 0
				for good := 0; good < 16*connections; good++ {
					_, err := run.Run(context.Background(), runnertest.Count, []string{"key"}, nil)
					var refusal *rueidis.RedisError
					if err == nil {
						continue
					}
					if !errors.As(err, &refusal) || !strings.HasPrefix(refusal.Error(), word) {
						t.Fatalf("Run = %v, want %s or nil", err, word)
					}
					if failed++; failed > 1 && connections == 1 || failed > 1000 {
						t.Fatalf("%d calls have failed with %s", failed, word)
					}
					good = 0
				}
				if failed == 0 {
					t.Error("no call has met the old server")
				}
			})
		}
	}
}

// TestReadOnlyForGood: if a server stays read-only, many callers at the same time get errors, and connections are renewed.
func TestReadOnlyForGood(t *testing.T) {
	w := runnertest.New(t)
	run := errtest.Must(rueidisrunner.New(connect(t, 0, single(w))))
	w.Decide(func(cmd []string) runnertest.Fate {
		if cmd[0] == "evalsha" {
			return runnertest.Fate{Answer: "-READONLY You can't write against a read only replica.\r\n"}
		}
		return runnertest.Fate{}
	})
	var crowd sync.WaitGroup
	for range 8 {
		crowd.Add(1)
		go func() {
			defer crowd.Done()
			for range 100 {
				if _, err := run.Run(context.Background(), runnertest.Count, []string{"key"}, nil); err == nil {
					t.Error("the server has run the script")
				}
			}
		}()
	}
	crowd.Wait()
	if w.Count("quit") == 0 {
		t.Error("no connection was renewed")
	}
}

// TestRenewalsAreFew: not every refused call makes a new connection. 64 renewals may follow one another, then one a second.
func TestRenewalsAreFew(t *testing.T) {
	var renewals rueidisrunner.Budget
	now := time.Unix(1_795_363_671, 0)
	take := func(want int) {
		t.Helper()
		got := 0
		for range 1000 {
			if renewals.Take(now) {
				got++
			}
		}
		if got != want {
			t.Errorf("at %v, %d renewals may be made, want %d", now, got, want)
		}
	}
	take(64)
	now = now.Add(999 * time.Millisecond)
	take(0)
	now = now.Add(time.Millisecond)
	take(1)
	now = now.Add(10 * time.Second)
	take(10)
	now = now.Add(time.Hour)
	take(64)
}

// TestOtherRefusalsKeepTheConnection: after refusals that another server would repeat, the connection stays.
func TestOtherRefusalsKeepTheConnection(t *testing.T) {
	w := runnertest.New(t)
	run := errtest.Must(rueidisrunner.New(connect(t, 0, single(w))))
	for _, answer := range []string{"OOM command not allowed", "WRONGTYPE of another type", "NOPERM no permissions", "READONLYX"} {
		w.Once("evalsha", runnertest.Fate{Answer: "-" + answer + "\r\n"})
		if _, err := run.Run(context.Background(), runnertest.Count, []string{"key"}, nil); err == nil {
			t.Errorf("%s: no error", answer)
		}
	}
	if n := w.Count("quit"); n > 0 {
		t.Errorf("the connection was closed %d times, want none", n)
	}
}
