package ask

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/scripts/coalesce"
)

// TestJudge: Judge returns the right verdict about the server for each error.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Verdict
	}{
		{nil, Answered},
		{errors.New("dial tcp: connection refused"), Failed},
		{&timeoutError{1, nil, ""}, Failed},
		{fmt.Errorf("a: %w", context.DeadlineExceeded), Failed},
		{errors.New("MISCONF Redis is configured to save RDB snapshots"), Failed},
		{errors.New("asked for WRONGTYPE in the middle"), Failed},
		{fmt.Errorf("goredisrunner: gcra: %w", errors.New("WRONGTYPE Operation")), Answered},
		{errors.Join(errors.New("a"), fmt.Errorf("b: %w", errors.New("MOVED 3999 127.0.0.1:6381"))), Answered},
		{fmt.Errorf("a: %w: %w", errors.New("b"), errors.New("TRYAGAIN Multiple keys")), Answered},
		{fmt.Errorf("a: %w", errors.New("redis: connection pool timeout")), Unknown},
		{fmt.Errorf("a: %w", errors.New("redis: connection pool exhausted")), Unknown},
		{coalesce.ErrQueueFull, Unknown},
		{fmt.Errorf("%w: a", ErrHung), Unknown},
		{&EndedError{context.Canceled, errors.New("read: broken pipe")}, Unknown},
		{fmt.Errorf("a: %w", algorithms.ErrCostExceedsLimit), Unknown},
		{fmt.Errorf("a: %w", algorithms.ErrInvalidLimit), Unknown},
	} {
		if got := Judge(c.err); got != c.want {
			t.Errorf("%v: verdict %d, want %d", c.err, got, c.want)
		}
	}
}
