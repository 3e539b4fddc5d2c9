package grpclimit_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/grpclimit"
)

// retries is a client that retries refused calls after its own back-off.
func retries(backOff string) grpc.DialOption {
	return grpc.WithDefaultServiceConfig(fmt.Sprintf(`{"methodConfig": [{"name": [{}], "retryPolicy": {
		"maxAttempts": 5, "initialBackoff": %[1]q, "maxBackoff": %[1]q, "backoffMultiplier": 1,
		"retryableStatusCodes": ["RESOURCE_EXHAUSTED"]}}]}`, backOff))
}

// TestRetries: gRPC's own client obeys the trailer of a denial. Where the client must retry after the wait in the trailer,
// its own back-off is an hour, so that a retry after the back-off would miss the deadline. In the other cases the back-off
// is a millisecond, so that a client that ignored the trailer would retry at once.
func TestRetries(t *testing.T) {
	for _, c := range []struct {
		name     string
		denials  int64 // before it is admitted
		wait     time.Duration
		opts     []grpclimit.Option
		backOff  string
		asked    int64
		code     codes.Code
		pushback string
	}{
		{"after the wait", 1, 1200 * time.Microsecond, nil, "3600s", 2, codes.OK, ""},
		{"after each wait", 3, time.Microsecond, nil, "3600s", 4, codes.OK, ""},
		{"as often as its policy says", 99, time.Millisecond, nil, "3600s", 5, codes.ResourceExhausted, "1"},
		{"a wait is rounded up", 99, 1001 * time.Microsecond, nil, "3600s", 5, codes.ResourceExhausted, "2"},
		{"too long", 1, 10*time.Second + 1, nil, "0.001s", 1, codes.ResourceExhausted, "-1"},
		{"longer than said", 1, time.Second + 1, []grpclimit.Option{grpclimit.Pushback(time.Second)}, "0.001s", 1, codes.ResourceExhausted, "-1"},
		{"beyond the deadline", 1, time.Hour, []grpclimit.Option{grpclimit.Pushback(2 * time.Hour)}, "0.001s", 1, codes.ResourceExhausted, "-1"},
		{"no wait helps", 1, 0, nil, "0.001s", 1, codes.ResourceExhausted, "-1"},
		{"not told", 99, time.Hour, []grpclimit.Option{grpclimit.Pushback(0)}, "0.001s", 5, codes.ResourceExhausted, ""},
	} {
		for _, kind := range []string{"unary", "stream"} {
			t.Run(c.name+" "+kind, func(t *testing.T) {
				var asked atomic.Int64
				limiter := stub(func(ctx context.Context) (algorithms.Result, error) {
					switch {
					case asked.Add(1) > c.denials:
						return admits(ctx)
					case c.wait == 0:
						return algorithms.Result{}, algorithms.ErrCostExceedsLimit
					}
					return algorithms.Result{Limit: 1, RetryAfter: c.wait}, nil
				})
				client := serve(t, limitOf(limiter, c.opts...), nil, retries(c.backOff))
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				var trailer metadata.MD
				var err error
				if kind == "unary" {
					err = client.call(ctx, grpc.Trailer(&trailer))
				} else {
					err = client.talk(ctx, 0, grpc.Trailer(&trailer)) // a message to send would race the refusal
				}
				if status.Code(err) != c.code || asked.Load() != c.asked {
					t.Errorf("%v after %d attempts, want %v after %d", err, asked.Load(), c.code, c.asked)
				}
				told := ""
				if values := trailer.Get("grpc-retry-pushback-ms"); len(values) > 0 {
					told = values[0]
				}
				if told != c.pushback || waitOf(err) != c.wait && err != nil {
					t.Errorf("pushback %q, wait %v, want %q, %v", told, waitOf(err), c.pushback, c.wait)
				}
			})
		}
	}
}
