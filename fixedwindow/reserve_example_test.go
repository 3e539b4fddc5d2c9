package fixedwindow_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/fixedwindow"
)

// Login attempts count only if they fail. Each attempt reserves one of three. A login that succeeds gives it back, so that
// a user who knows the password is never locked out.
func Example_loginAttempts() {
	limiter, err := fixedwindow.NewLocal(algorithms.Per(3, 15*time.Minute))
	if err != nil {
		panic(err)
	}
	login := func(user, password string) {
		ctx := context.Background()
		attempt, err := limiter.Reserve(ctx, user, 1)
		if err != nil {
			panic(err)
		}
		switch result := attempt.Result(); {
		case !result.Allowed:
			fmt.Println("too many failures, try again in", result.RetryAfter.Round(time.Minute))
		case password == "secret":
			// Another context, so that the attempt doesn't count if the client has left.
			if err := attempt.Cancel(context.WithoutCancel(ctx)); err != nil {
				panic(err)
			}
			fmt.Println("welcome")
		default:
			fmt.Println("wrong,", result.Remaining, "more")
		}
	}
	for _, password := range []string{"secret", "secret", "guess", "secret", "guess", "guess", "secret"} {
		login("alice", password)
	}
	// Output:
	// welcome
	// welcome
	// wrong, 2 more
	// welcome
	// wrong, 1 more
	// wrong, 0 more
	// too many failures, try again in 15m0s
}
