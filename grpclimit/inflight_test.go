package grpclimit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/grpclimit"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/scripts"
)

// TestInflight: a call holds a lease while its handler runs. Meanwhile another call is refused, with a RetryInfo of a
// second.
func TestInflight(t *testing.T) {
	for kind, call := range kinds {
		t.Run(kind, func(t *testing.T) {
			l := must(inflight.NewLocal(1, time.Hour))
			limit := must(grpclimit.NewInflight(l, patient, httplimit.Key(httplimit.Header("user"))))
			var c client
			var inside error
			nested := func() {
				if r := must(l.Peek(context.Background(), "alice")); r.Remaining == 0 {
					inside = call(c, as("alice"))
				}
			}
			c = dial(t, []grpc.ServerOption{
				grpc.ChainUnaryInterceptor(limit.Unary, func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
					nested()
					return h(ctx, req)
				}),
				grpc.ChainStreamInterceptor(limit.Stream, func(srv any, s grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
					nested()
					return h(srv, s)
				}),
			})
			for range 2 { // the second call needs the lease that the first one has given back
				if err := call(c, as("alice")); err != nil {
					t.Fatal(err)
				}
				if got := status.Convert(inside); got.Code() != codes.ResourceExhausted {
					t.Errorf("meanwhile: %v", inside)
				}
				if retry, quota := detailsOf(inside); retry.GetRetryDelay().AsDuration() != time.Second || quota.GetViolations()[0].GetQuotaValue() != 1 {
					t.Errorf("the details are %v, %v", retry, quota)
				}
			}
			if r := must(l.Peek(context.Background(), "alice")); r.Remaining != 1 {
				t.Errorf("at the end %+v", r)
			}
		})
	}
}

// as returns a context whose calls are those of a user.
func as(user string) context.Context {
	return metadata.AppendToOutgoingContext(context.Background(), "user", user)
}

// awayRunner is a runner whose server is away.
type awayRunner struct{}

func (awayRunner) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return nil, errors.New("server is down")
}

// TestInflightFails: if the server fails, the policy decides.
func TestInflightFails(t *testing.T) {
	for policy, want := range map[httplimit.Policy]codes.Code{
		httplimit.Local: codes.OK, httplimit.LetPass: codes.OK, httplimit.Refuse: codes.Unavailable,
	} {
		limit := must(grpclimit.NewInflight(must(inflight.New(awayRunner{}, 1, time.Hour)), httplimit.OnFailure(policy), patient))
		c := serve(t, limit, nil)
		for kind, call := range kinds {
			if got := status.Code(call(c, context.Background())); got != want {
				t.Errorf("%v, %s: %v, want %v", policy, kind, got, want)
			}
		}
	}
}

func TestInflightWrong(t *testing.T) {
	l := must(inflight.NewLocal(1, time.Hour))
	if _, err := grpclimit.NewInflight(nil); !errors.Is(err, algorithms.ErrNilLimiter) {
		t.Errorf("a nil limiter: %v", err)
	}
	for name, opt := range map[string]grpclimit.Option{"nil": nil, "PerMessage": grpclimit.PerMessage(), "Pushback": grpclimit.Pushback(-1)} {
		if _, err := grpclimit.NewInflight(l, opt); !errors.Is(err, algorithms.ErrInvalidOption) {
			t.Errorf("%s: %v, want ErrInvalidOption", name, err)
		}
	}
}
