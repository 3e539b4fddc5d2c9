package goredisrunner_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

var suite = runnertest.Suite{
	Package:    "goredisrunner",
	Topologies: runners(),
	IsTimeout: func(err error) bool {
		var timeout net.Error
		return errors.As(err, &timeout) && timeout.Timeout()
	},
	IsAnswer: func(err error, beginning string) bool {
		var answer redis.Error
		return errors.As(err, &answer) && redis.HasErrorPrefix(err, beginning)
	},
}

// runners returns the topologies, with a runner over each.
func runners() map[string]runnertest.Connect {
	all := map[string]runnertest.Connect{}
	for topology, connect := range topologies {
		all[topology] = func(tb testing.TB, w *runnertest.Wire, timeout time.Duration) scripts.Runner {
			return errtest.Must(goredisrunner.New(connect(tb, w, settings{readTimeout: timeout})))
		}
	}
	for _, topology := range []string{"single", "cluster"} {
		connect := all[topology]
		all[topology+" pipeline"] = func(tb testing.TB, w *runnertest.Wire, timeout time.Duration) scripts.Runner {
			return pipelined{connect(tb, w, timeout).(scripts.Pipeliner)}
		}
	}
	return all
}

// pipelined makes each call in a pipeline.
type pipelined struct{ scripts.Pipeliner }

func (p pipelined) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	calls := []scripts.Call{{Script: s, Keys: keys, Args: args}}
	p.RunAll(ctx, calls)
	return calls[0].Reply, calls[0].Err
}

// refusals has answers that refuse a call. go-redis follows those that the package comment says it follows.
var refusals = []runnertest.Refusal{
	{Topology: "cluster", Text: "MOVED 12539 " + runnertest.Elsewhere, Followed: true},
	{Topology: "cluster", Text: "ASK 12539 " + runnertest.Elsewhere, Followed: true},
	{Topology: "cluster", Text: "READONLY You can't write against a read only replica.", Followed: true},
	{Topology: "cluster", Text: "TRYAGAIN Multiple keys request during rehashing of slot"},
	{Topology: "cluster", Text: "CLUSTERDOWN The cluster is down"},
	{Topology: "cluster", Text: "LOADING Redis is loading the dataset in memory"},
	{Topology: "cluster pipeline", Text: "MOVED 12539 " + runnertest.Elsewhere, Followed: true},
	{Topology: "cluster pipeline", Text: "ASK 12539 " + runnertest.Elsewhere, Followed: true},
	{Topology: "cluster pipeline", Text: "READONLY You can't write against a read only replica."},
	{Topology: "cluster pipeline", Text: "LOADING Redis is loading the dataset in memory"},
	{Topology: "single", Text: "LOADING Redis is loading the dataset in memory"},
	{Topology: "single", Text: "READONLY You can't write against a read only replica."},
	{Topology: "ring", Text: "LOADING Redis is loading the dataset in memory"},
}

func TestEvalOnlyAfterNoScript(t *testing.T)  { suite.EvalOnlyAfterNoScript(t) }
func TestNoScriptInsideAnError(t *testing.T)  { suite.NoScriptInsideAnError(t) }
func TestKeysAndArgs(t *testing.T)            { suite.KeysAndArgs(t) }
func TestServerErrors(t *testing.T)           { suite.ServerErrors(t) }
func TestLostReplyIsNotResent(t *testing.T)   { suite.LostReplyIsNotResent(t) }
func TestLostReplyAfterRedirect(t *testing.T) { suite.LostReplyAfterRedirect(t, refusals) }
func TestRefusals(t *testing.T)               { suite.Refusals(t, refusals) }
func TestConcurrentCalls(t *testing.T)        { suite.ConcurrentCalls(t) }
func TestTroubleInACrowd(t *testing.T)        { suite.TroubleInACrowd(t) }

func TestReplies(t *testing.T) {
	suite.Replies(t, []runnertest.Reply{
		{RESP: "$-1\r\n", Err: "unexpected nil reply: redis: nil"},
		{RESP: "*-1\r\n", Err: "unexpected nil reply: redis: nil"},
		{RESP: "_\r\n", Err: "unexpected nil reply: redis: nil"},
		{RESP: "*1\r\n-ERR inside\r\n", Err: "unexpected reply: element 1 of 1 is an error: ERR inside"},
		{RESP: ",1.5\r\n", Err: "unexpected reply: a float64, want integers"},
		{RESP: "#t\r\n", Err: "unexpected reply: a bool, want integers"},
		{RESP: "*1\r\n(12345678901234567890\r\n", Err: "unexpected reply: element 1 of 1 is a *big.Int, want integers"},
	})
}
