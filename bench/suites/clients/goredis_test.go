// Package clients_test tests the runners with features that only the newest releases of the clients have, such as AutoPipeline of
// go-redis. The runners' own modules are also tested with the oldest supported releases, which lack them.
package clients_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

func init() { logging.Disable() } // go-redis logs each connection that the tests break

// autoPipelines connect clients with go-redis' AutoPipeline, which collects the commands of many goroutines.
var autoPipelines = map[string]func(t testing.TB, w *runnertest.Wire, readTimeout time.Duration) redis.UniversalClient{
	"autopipeline": func(t testing.TB, w *runnertest.Wire, readTimeout time.Duration) redis.UniversalClient {
		return blocking(t, single(w, readTimeout), false)
	},
	"full-duplex autopipeline": func(t testing.TB, w *runnertest.Wire, readTimeout time.Duration) redis.UniversalClient {
		return blocking(t, single(w, readTimeout), true)
	},
	"async autopipeline": func(t testing.TB, w *runnertest.Wire, readTimeout time.Duration) redis.UniversalClient {
		client, err := single(w, readTimeout).AsyncAutoPipeline()
		return closing(t, client, err)
	},
	"cluster autopipeline": func(t testing.TB, w *runnertest.Wire, readTimeout time.Duration) redis.UniversalClient {
		return blocking(t, cluster(w, readTimeout), false)
	},
	"full-duplex cluster autopipeline": func(t testing.TB, w *runnertest.Wire, readTimeout time.Duration) redis.UniversalClient {
		return blocking(t, cluster(w, readTimeout), true)
	},
}

func single(w *runnertest.Wire, readTimeout time.Duration) redis.UniversalClient {
	return redis.NewClient(&redis.Options{Addr: w.Addr, ReadTimeout: readTimeout})
}

func cluster(w *runnertest.Wire, readTimeout time.Duration) redis.UniversalClient {
	return redis.NewClusterClient(&redis.ClusterOptions{
		ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
			return []redis.ClusterSlot{{Start: 0, End: 16383, Nodes: []redis.ClusterNode{{Addr: w.Addr}}}}, nil
		},
		ReadTimeout: readTimeout,
	})
}

func blocking(t testing.TB, client redis.UniversalClient, fullDuplex bool) redis.UniversalClient {
	t.Helper()
	options := redis.DefaultBlockingAutoPipelineOptions()
	options.FullDuplex = fullDuplex
	piped, err := client.AutoPipelineWithOptions(options)
	return closing(t, piped, err)
}

func closing(t testing.TB, client redis.UniversalClient, err error) redis.UniversalClient {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestAutoPipeline(t *testing.T) {
	suite := runnertest.Suite{
		Package:    "goredisrunner",
		Topologies: map[string]runnertest.Connect{},
		IsTimeout: func(err error) bool {
			var timeout net.Error
			return errors.As(err, &timeout) && timeout.Timeout()
		},
		IsAnswer: func(err error, beginning string) bool {
			var answer redis.Error
			return errors.As(err, &answer) && redis.HasErrorPrefix(err, beginning)
		},
	}
	for topology, connect := range autoPipelines {
		suite.Topologies[topology] = func(tb testing.TB, w *runnertest.Wire, timeout time.Duration) scripts.Runner {
			return errtest.Must(goredisrunner.New(connect(tb, w, timeout)))
		}
	}
	refusals := []runnertest.Refusal{{Topology: "autopipeline", Text: "LOADING Redis is loading the dataset in memory"}}
	for _, topology := range []string{"cluster autopipeline", "full-duplex cluster autopipeline"} {
		refusals = append(refusals,
			runnertest.Refusal{Topology: topology, Text: "MOVED 12539 " + runnertest.Elsewhere, Followed: true},
			runnertest.Refusal{Topology: topology, Text: "ASK 12539 " + runnertest.Elsewhere, Followed: true},
			runnertest.Refusal{Topology: topology, Text: "LOADING Redis is loading the dataset in memory"},
			runnertest.Refusal{Topology: topology, Text: "READONLY You can't write against a read only replica."},
		)
	}
	t.Run("EvalOnlyAfterNoScript", suite.EvalOnlyAfterNoScript)
	t.Run("KeysAndArgs", suite.KeysAndArgs)
	t.Run("ServerErrors", suite.ServerErrors)
	t.Run("LostReplyIsNotResent", suite.LostReplyIsNotResent)
	t.Run("LostReplyAfterRedirect", func(t *testing.T) { suite.LostReplyAfterRedirect(t, refusals) })
	t.Run("Refusals", func(t *testing.T) { suite.Refusals(t, refusals) })
	t.Run("ConcurrentCalls", suite.ConcurrentCalls)
	t.Run("TroubleInACrowd", suite.TroubleInACrowd)
}

// TestAutoPipelineEndedContext: a call whose context has ended sends nothing.
func TestAutoPipelineEndedContext(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	for topology, connect := range autoPipelines {
		t.Run(topology, func(t *testing.T) {
			w := runnertest.New(t)
			_, err := errtest.Must(goredisrunner.New(connect(t, w, 0))).Run(ended, runnertest.Count, []string{"key"}, nil)
			if sent := w.ScriptCommands(); !errors.Is(err, context.Canceled) || len(sent) > 0 {
				t.Errorf("Run = %v and sent %v, want context.Canceled and nothing", err, sent)
			}
		})
	}
}

// TestAutoPipelineAloneResends shows that TestAutoPipeline would fail without the runner: EvalSha of go-redis runs twice and
// returns no error. If this fails, go-redis has changed its default, or the test no longer loses replies.
func TestAutoPipelineAloneResends(t *testing.T) {
	w := runnertest.New(t)
	client := autoPipelines["autopipeline"](t, w, 2*time.Minute) // long enough that a busy machine causes no second resend
	if err := client.Eval(t.Context(), runnertest.Count.Source(), []string{"warm"}).Err(); err != nil {
		t.Fatal(err)
	}
	w.Once("evalsha", runnertest.Fate{Then: runnertest.Lose})
	if err := client.EvalSha(t.Context(), runnertest.Count.SHA1(), []string{"key"}).Err(); err != nil {
		t.Error(err)
	}
	if n, _ := w.Server.Get("key"); n != "2" {
		t.Errorf("the script has run %s times; go-redis is expected to resend it", n)
	}
}

func TestNilAutoPipeline(t *testing.T) {
	if run, err := goredisrunner.New((*redis.AutoPipeliner)(nil)); run != nil || !errors.Is(err, goredisrunner.ErrNilClient) {
		t.Errorf("New = %v, %v, want ErrNilClient", run, err)
	}
}
