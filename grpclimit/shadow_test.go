package grpclimit_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/grpclimit"
	"github.com/go-weir/weir/httplimit"
)

// TestShadow: a limiter with the option Shadow refuses no call, even if it fails or panics, and its decisions are reported.
// The limiters in force refuse calls as they do without it.
func TestShadow(t *testing.T) {
	for name, c := range map[string]struct {
		shadow func() algorithms.Limiter
		want   []string
	}{
		"a stricter limit": {func() algorithms.Limiter { return must(gcra.NewLocal(algorithms.PerHour(1))) }, []string{"pass", "denied", "denied"}},
		"a failure":        {func() algorithms.Limiter { return stub(fails) }, []string{"unavailable", "unavailable", "unavailable"}},
		"a panic": {func() algorithms.Limiter {
			return stub(func(context.Context) (algorithms.Result, error) { panic("broken") })
		}, nil},
	} {
		for kind, call := range kinds {
			t.Run(name+", "+kind, func(t *testing.T) {
				var told []string
				client := serve(t, limitOf(must(gcra.NewLocal(algorithms.PerHour(3))),
					grpclimit.Also(c.shadow(), httplimit.Name("tried"), httplimit.Shadow(), httplimit.OnFailure(httplimit.Refuse), httplimit.Timeout(time.Minute)),
					grpclimit.OnShadow(func(_ *http.Request, s httplimit.Shadowed) { told = append(told, s.Outcome.String()) }),
					grpclimit.OnError(func(*http.Request, httplimit.Failure) {}),
				), nil)
				for range 3 {
					if err := call(client, context.Background()); err != nil {
						t.Fatal(err)
					}
				}
				err := call(client, context.Background())
				if _, quota := detailsOf(err); status.Code(err) != codes.ResourceExhausted || len(quota.GetViolations()) != 1 {
					t.Errorf("the fourth call: %v, want it denied by the limit in force", err)
				}
				if !reflect.DeepEqual(told, c.want) {
					t.Errorf("the hook got %q, want %q", told, c.want)
				}
			})
		}
	}
}

// TestSettle: New returns an error for Settle, as a call has no HTTP response.
func TestSettle(t *testing.T) {
	_, err := grpclimit.New(stub(admits), httplimit.OnFailure(httplimit.LetPass), httplimit.Settle(func(*http.Request, httplimit.Response) int64 { return 0 }))
	if !errors.Is(err, algorithms.ErrInvalidOption) {
		t.Errorf("%v, want ErrInvalidOption", err)
	}
}
