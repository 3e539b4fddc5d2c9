package grpclimit_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/grpclimit"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/scripts"
)

// quiet drops failures, so that they aren't logged.
var quiet = grpclimit.OnError(func(*http.Request, httplimit.Failure) {})

// away is a runner whose server is away.
type away struct{}

func (away) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return nil, errDown
}

// TestLocalByDefault: without a policy a limiter of the same limit in this process replaces a limiter that fails.
func TestLocalByDefault(t *testing.T) {
	c := serve(t, limitOf(must(gcra.New(away{}, algorithms.PerHour(2))), quiet), nil)
	for i, want := range []codes.Code{codes.OK, codes.OK, codes.ResourceExhausted, codes.ResourceExhausted, codes.ResourceExhausted, codes.ResourceExhausted} {
		if err := c.call(context.Background()); status.Code(err) != want {
			t.Errorf("call %d: %v, want %v", i, err, want)
		}
	}
}

// TestMistakesRefuse: a call with a cost below 0 or an invalid limit is refused, and its status has no RetryInfo.
func TestMistakesRefuse(t *testing.T) {
	local := must(gcra.NewLocal(algorithms.PerHour(2)))
	for name, opt := range map[string]grpclimit.Option{
		"cost":  httplimit.Cost(func(*http.Request) int64 { return -1 }),
		"limit": httplimit.LimitFunc(local.With, func(*http.Request) algorithms.Limit { return algorithms.PerHour(0) }),
	} {
		for _, policy := range []httplimit.Policy{httplimit.Local, httplimit.LetPass} {
			var told int
			c := serve(t, limitOf(local, opt, httplimit.OnFailure(policy), grpclimit.OnError(func(*http.Request, httplimit.Failure) { told++ })), nil)
			err := c.call(context.Background())
			if status.Code(err) != codes.Unavailable || waitOf(err) != 0 || c.served.Load() != 0 || told != 1 {
				t.Errorf("%s, %v: %v, the hook was called %d times", name, policy, err, told)
			}
		}
	}
}

// TestDenyAll: a call with the limit DenyAll is denied, and its status has no RetryInfo.
func TestDenyAll(t *testing.T) {
	local := must(gcra.NewLocal(algorithms.PerHour(2)))
	c := serve(t, limitOf(local, httplimit.LimitFunc(local.With, func(*http.Request) algorithms.Limit { return httplimit.DenyAll })), nil)
	err := c.call(context.Background())
	if _, quota := detailsOf(err); status.Code(err) != codes.ResourceExhausted || waitOf(err) != 0 || len(quota.GetViolations()) != 1 {
		t.Errorf("%v, details %v", err, quota)
	}
}

// A lagging context has a deadline that passes by the clock before its timer fires.
type lagging struct {
	context.Context
	at time.Time
}

func (l *lagging) Deadline() (time.Time, bool) { return l.at, true }

// TestDeadlineBeforeTimer: if a call's deadline has passed, but the timer of its context hasn't fired yet, the status is
// DeadlineExceeded and the handler doesn't run, whatever the policy.
func TestDeadlineBeforeTimer(t *testing.T) {
	for _, policy := range []httplimit.Policy{httplimit.Local, httplimit.LetPass, httplimit.Refuse} {
		for _, timeout := range []time.Duration{0, time.Hour} {
			ctx := &lagging{context.Background(), time.Now().Add(time.Hour)}
			limiter := stub(func(context.Context) (algorithms.Result, error) {
				ctx.at = time.Now().Add(-1)
				return algorithms.Result{}, os.ErrDeadlineExceeded
			})
			limit := must(grpclimit.New(limiter, httplimit.OnFailure(policy), httplimit.Timeout(timeout),
				grpclimit.OnError(func(_ *http.Request, f httplimit.Failure) { t.Errorf("the hook got %v", f.Err) })))
			for range 2 { // the second time, the deadline has passed before the limiter is asked
				_, err := limit.Unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: method}, func(context.Context, any) (any, error) {
					return nil, errors.New("served")
				})
				if status.Code(err) != codes.DeadlineExceeded {
					t.Errorf("%v: %v", policy, err)
				}
			}
		}
	}
}
