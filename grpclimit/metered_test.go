package grpclimit_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/grpclimit"
	"github.com/go-weir/weir/httplimit"
)

// TestPerMessage: a stream of n messages costs n, and one without messages 1. A denied message ends it.
func TestPerMessage(t *testing.T) {
	for _, c := range []struct {
		messages  int
		code      codes.Code
		remaining int64
	}{
		{0, codes.OK, 3}, {1, codes.OK, 3}, {2, codes.OK, 2}, {4, codes.OK, 0}, {5, codes.ResourceExhausted, 0},
	} {
		limiter := must(gcra.NewLocal(algorithms.PerDay(4)))
		client := serve(t, limitOf(limiter, grpclimit.PerMessage(), grpclimit.Pushback(24*time.Hour), httplimit.Key(httplimit.Scope("all"))), nil)
		var trailer metadata.MD
		err := client.talk(context.Background(), c.messages, grpc.Trailer(&trailer))
		if status.Code(err) != c.code {
			t.Errorf("%d messages: %v, want %v", c.messages, err, c.code)
		}
		if told := trailer.Get("grpc-retry-pushback-ms"); err != nil && (waitOf(err) == 0 || len(told) != 1 || told[0] != "-1") {
			t.Errorf("%d messages: the wait is %v, pushback %q", c.messages, waitOf(err), told)
		}
		left := must(limiter.Peek(context.Background(), "all"))
		if left.Remaining != c.remaining {
			t.Errorf("%d messages leave %d, want %d", c.messages, left.Remaining, c.remaining)
		}
	}
}

// TestPerMessageUnary: calls with a single request cost the same as without PerMessage.
func TestPerMessageUnary(t *testing.T) {
	client := serve(t, limitOf(must(gcra.NewLocal(algorithms.PerDay(2))), grpclimit.PerMessage()), nil)
	for _, code := range []codes.Code{codes.OK, codes.OK, codes.ResourceExhausted} {
		if err := client.call(context.Background()); status.Code(err) != code {
			t.Errorf("%v, want %v", err, code)
		}
	}
}
