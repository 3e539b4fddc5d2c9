package rueidisrunner_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

var suite = runnertest.Suite{
	Package:    "rueidisrunner",
	Topologies: runners(),
	IsTimeout:  func(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) },
	IsAnswer: func(err error, beginning string) bool {
		var answer *rueidis.RedisError
		return errors.As(err, &answer) && strings.HasPrefix(answer.Error(), beginning)
	},
}

// runners returns the topologies, with a runner over each.
func runners() map[string]runnertest.Connect {
	all := map[string]runnertest.Connect{}
	for topology, connect := range topologies {
		all[topology] = func(tb testing.TB, w *runnertest.Wire, timeout time.Duration) scripts.Runner {
			return errtest.Must(rueidisrunner.New(connect(tb, w, timeout)))
		}
	}
	return all
}

// refusals has answers that refuse a call. rueidis follows redirects. Other refusals are returned to the caller.
var refusals = func() []runnertest.Refusal {
	all := []runnertest.Refusal{
		{Topology: "cluster", Text: "MOVED 12539 " + runnertest.Elsewhere, Followed: true},
		{Topology: "cluster", Text: "ASK 12539 " + runnertest.Elsewhere, Followed: true},
		{Topology: "cluster, always pipelining", Text: "MOVED 12539 " + runnertest.Elsewhere, Followed: true},
		{Topology: "cluster, always pipelining", Text: "ASK 12539 " + runnertest.Elsewhere, Followed: true},
		{Topology: "standalone", Text: "REDIRECT " + runnertest.Elsewhere, Followed: true},
	}
	for topology := range topologies {
		for _, text := range []string{
			"LOADING Redis is loading the dataset in memory",
			"TRYAGAIN Multiple keys request during rehashing of slot",
			"CLUSTERDOWN The cluster is down",
			"READONLY You can't write against a read only replica.",
		} {
			all = append(all, runnertest.Refusal{Topology: topology, Text: text})
		}
	}
	return all
}()

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
		{RESP: "$-1\r\n", Err: "unexpected nil reply: redis nil message"},
		{RESP: "*-1\r\n", Err: "unexpected nil reply: redis nil message"},
		{RESP: "_\r\n", Err: "unexpected nil reply: redis nil message"},
		{RESP: ",1.5\r\n", Err: "unexpected reply: a double, want integers"},
		{RESP: "#t\r\n", Err: "unexpected reply: a boolean, want integers"},
		{RESP: "*1\r\n(12345678901234567890\r\n", Err: "unexpected reply: element 1 of 1 is neither integer nor array, want integers"},
	})
}
