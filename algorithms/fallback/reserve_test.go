package fallback_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/fallback"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/scripts"
)

// A ledger is a stub that can reserve. It records settlements.
type ledger struct {
	stub
	settled []int64
	settles func(ctx context.Context) error // nil: at once
}

func (l *ledger) Reserve(ctx context.Context, _ string, n int64) (*algorithms.Reservation, error) {
	result, err := l.ask(ctx)
	if err != nil {
		return nil, err
	}
	return algorithms.NewReservation(result, n, func(ctx context.Context, used int64) error {
		l.settled = append(l.settled, used)
		if l.settles != nil {
			return l.settles(ctx)
		}
		return nil
	}), nil
}

// ledgers returns a limiter of two ledgers.
func ledgers(opts ...fallback.Option) (l *fallback.Limiter, primary, secondary *ledger) {
	primary, secondary = &ledger{}, &ledger{}
	return must(fallback.New(primary, secondary, append([]fallback.Option{
		fallback.Timeout(time.Hour), fallback.Backoff(time.Hour, time.Hour), fallback.OnError(func(error) {}),
	}, opts...)...)), primary, secondary
}

// TestSettlesWhereCharged: a Reservation is settled by the limiter that has charged it, even if a request would go to the
// other limiter by then.
func TestSettlesWhereCharged(t *testing.T) {
	ctx := context.Background()
	l, primary, secondary := ledgers()
	first, err := l.Reserve(ctx, "k", 5)
	if err != nil || !first.Result().Allowed || first.Result().Limit != 10 {
		t.Fatalf("%+v, %v", first, err)
	}
	primary.answer = says(errDown)
	second, err := l.Reserve(ctx, "k", 5)
	if err != nil || !second.Result().Allowed || primary.asked.Load() != 2 || secondary.asked.Load() != 1 {
		t.Fatalf("%+v, %v, asked %d and %d", second, err, primary.asked.Load(), secondary.asked.Load())
	}
	for range 10 { // the breaker opens
		if _, err := l.Reserve(ctx, "k", 1); err != nil {
			t.Fatal(err)
		}
	}
	if n := primary.asked.Load(); n >= 10 {
		t.Errorf("the breaker is closed after %d questions", n)
	}
	primary.answer = nil
	if err := second.Commit(ctx, 2); err != nil {
		t.Error(err)
	}
	if err := first.Cancel(ctx); err != nil {
		t.Error(err)
	}
	if err := first.Cancel(ctx); !errors.Is(err, algorithms.ErrSettled) {
		t.Errorf("a second settlement: %v", err)
	}
	if len(primary.settled) != 1 || primary.settled[0] != 0 || len(secondary.settled) != 1 || secondary.settled[0] != 2 {
		t.Errorf("the primary has settled %v, the secondary %v, want 0 and 2", primary.settled, secondary.settled)
	}
}

// TestSettlementFails: the error of a settlement that fails is returned, and the secondary isn't asked.
func TestSettlementFails(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		settles func(context.Context) error
		want    error
	}{{says(errDown), errDown}, {says(scripts.ErrReply), scripts.ErrReply}} {
		l, primary, secondary := ledgers()
		primary.settles = c.settles
		reservation, err := l.Reserve(ctx, "k", 5)
		if err != nil {
			t.Fatal(err)
		}
		if err := reservation.Commit(ctx, 3); !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
		if err := reservation.Commit(ctx, 3); !errors.Is(err, algorithms.ErrSettled) {
			t.Errorf("again: %v, want ErrSettled", err)
		}
		if len(secondary.settled) != 0 {
			t.Errorf("the secondary has settled %v", secondary.settled)
		}
	}
}

// TestSettlementHangs: a settlement that hangs is given up after the Timeout.
func TestSettlementHangs(t *testing.T) {
	primary := &ledger{settles: hangs}
	local := must(gcra.NewLocal(algorithms.PerSecond(1)))
	l := must(fallback.New(primary, local, fallback.Timeout(50*time.Millisecond), fallback.OnError(func(error) {})))
	for {
		reservation, err := l.Reserve(context.Background(), "k", 1)
		if err != nil {
			t.Fatal(err)
		}
		if reservation.Result().Limit == 1 {
			continue // on a loaded machine the primary may have no time to answer
		}
		if err := reservation.Cancel(context.Background()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want context.DeadlineExceeded", err)
		}
		return
	}
}

// TestReserveErrors: Reserve returns the errors of AllowN, and ErrNoReserve for limiters that can't reserve.
func TestReserveErrors(t *testing.T) {
	ctx := context.Background()
	l, primary, secondary := ledgers()
	primary.answer, secondary.answer = says(errDown), says(errors.New("down too"))
	if r, err := l.Reserve(ctx, "k", 1); r != nil || !errors.Is(err, errDown) {
		t.Errorf("both fail: %v, %v", r, err)
	}
	primary.answer = says(algorithms.ErrInvalidCost)
	if r, err := l.Reserve(ctx, "k", 0); r != nil || !errors.Is(err, algorithms.ErrInvalidCost) || secondary.asked.Load() != 1 {
		t.Errorf("an invalid cost: %v, %v", r, err)
	}
	for _, pair := range [][2]algorithms.Limiter{{&stub{}, &ledger{}}, {&ledger{}, &stub{}}} {
		l := must(fallback.New(pair[0], pair[1]))
		if r, err := l.Reserve(ctx, "k", 1); r != nil || !errors.Is(err, algorithms.ErrNoReserve) {
			t.Errorf("around a %T and a %T: %v, %v, want ErrNoReserve", pair[0], pair[1], r, err)
		}
	}
}
