package algorithms_test

import (
	"context"
	"fmt"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
)

// logged is a limiter that logs settlements.
type logged struct{ *algorithms.Local }

// Reserve wraps the settlement of the limiter's own Reservation.
func (l logged) Reserve(ctx context.Context, key string, n int64) (*algorithms.Reservation, error) {
	inner, err := l.Local.Reserve(ctx, key, n)
	if err != nil {
		return nil, err
	}
	return algorithms.NewReservation(inner.Result(), n, func(ctx context.Context, used int64) error {
		fmt.Printf("%s: %d of %d used\n", key, used, n)
		return inner.Commit(ctx, used)
	}), nil
}

// A wrapper of a limiter passes reservations on by NewReservation.
func ExampleNewReservation() {
	inner, err := gcra.NewLocal(algorithms.PerHour(100))
	if err != nil {
		panic(err)
	}
	var limiter algorithms.Reserver = logged{inner}
	reservation, err := limiter.Reserve(context.Background(), "alice", 40)
	if err != nil {
		panic(err)
	}
	fmt.Println("admitted:", reservation.Result().Allowed)
	if err := reservation.Commit(context.Background(), 15); err != nil {
		panic(err)
	}
	// Output:
	// admitted: true
	// alice: 15 of 40 used
}
