package denialcache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/algorithmtest"
)

// A reserver is a Local that counts its calls.
type reserver struct {
	*algorithms.Local
	asked int
	after func() // called after a decision, before its answer
}

func (r *reserver) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	r.asked++
	result, err := r.Local.AllowN(ctx, key, n)
	if r.after != nil {
		r.after()
	}
	return result, err
}

func (r *reserver) Reserve(ctx context.Context, key string, n int64) (*algorithms.Reservation, error) {
	r.asked++
	reservation, err := r.Local.Reserve(ctx, key, n)
	if r.after != nil {
		r.after()
	}
	return reservation, err
}

// A reserving is a cache around a limiter of ten requests an hour.
type reserving struct {
	*denialcache.Limiter
	behind *reserver
	t      *testing.T
}

func newReserving(t *testing.T) *reserving {
	clock := limitertest.NewClock(algorithmtest.Start)
	local, err := gcra.NewLocal(algorithms.PerHour(10), algorithms.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	behind := &reserver{Local: local}
	cache, err := denialcache.New(behind, denialcache.WithClock(clock.Now), denialcache.MaxAge(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return &reserving{cache, behind, t}
}

// reserve makes a reservation. It fails the test if the request isn't admitted or denied as expected, or if the limiter
// behind isn't called as often as expected.
func (r *reserving) reserve(n int64, allowed bool, asked int) *algorithms.Reservation {
	r.t.Helper()
	r.behind.asked = 0
	reservation, err := r.Reserve(context.Background(), "k", n)
	if err != nil || reservation.Result().Allowed != allowed || r.behind.asked != asked {
		r.t.Fatalf("%+v, %v after %d questions, want %v after %d", reservation, err, r.behind.asked, allowed, asked)
	}
	return reservation
}

func (r *reserving) commit(reservation *algorithms.Reservation, used int64) {
	r.t.Helper()
	if err := reservation.Commit(context.Background(), used); err != nil {
		r.t.Fatal(err)
	}
}

func TestReserveLearnsAndRepeats(t *testing.T) {
	r := newReserving(t)
	r.reserve(10, true, 1)
	r.commit(r.reserve(2, false, 1), 0) // there is nothing to settle for a denial
	denied := r.reserve(3, false, 0)
	if denied.Result().RetryAfter <= 0 || denied.Result().Limit != 10 {
		t.Errorf("a denial that is repeated: %+v", denied.Result())
	}
	r.commit(denied, 5)
	r.behind.asked = 0
	if result, err := r.AllowN(context.Background(), "k", 2); err != nil || result.Allowed || r.behind.asked != 0 {
		t.Errorf("AllowN after a Reserve was denied: %+v, %v, %d questions, want a denial that is remembered", result, err, r.behind.asked)
	}
	if _, err := r.Reserve(context.Background(), "k", 11); !errors.Is(err, algorithms.ErrCostExceedsLimit) {
		t.Errorf("a cost that exceeds the limit: %v", err)
	}
}

// TestSettlementsForget: only a settlement that gives something back forgets the denial.
func TestSettlementsForget(t *testing.T) {
	for used, asked := range map[int64]int{0: 1, 3: 1, 4: 0, 5: 0} {
		r := newReserving(t)
		reservation := r.reserve(4, true, 1)
		r.reserve(6, true, 1)
		r.reserve(1, false, 1)
		r.commit(reservation, used)
		r.reserve(1, asked > 0, asked)
	}
}

// TestSettlementUnderWay: a denial that was decided before a settlement, and whose answer comes after it, is not repeated.
func TestSettlementUnderWay(t *testing.T) {
	r := newReserving(t)
	reservation := r.reserve(4, true, 1)
	r.reserve(6, true, 1)
	r.behind.after = func() {
		r.behind.after = nil
		r.commit(reservation, 0)
	}
	r.reserve(4, false, 1)
	r.reserve(4, true, 1)
}

func TestNoReserve(t *testing.T) {
	cache, err := denialcache.New(struct{ algorithms.Limiter }{newReserving(t)})
	if err != nil {
		t.Fatal(err)
	}
	if reservation, err := cache.Reserve(context.Background(), "k", 1); reservation != nil || !errors.Is(err, algorithms.ErrNoReserve) {
		t.Errorf("around a limiter that can't reserve: %v, %v, want ErrNoReserve", reservation, err)
	}
}
