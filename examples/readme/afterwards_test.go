package readme_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

// complete stands for a call of a language model: it returns how many tokens were used.
func complete(context.Context, string) (tokens int64, err error) { return 700, nil }

func Example_tokens() {
	run, end := embedded()
	defer end()
	limiter, err := gcra.New(run, algorithms.PerDay(10_000))
	if err != nil {
		panic(err)
	}
	ctx, prompt, time := context.Background(), "hello", hours

	// docs/using.md
	reservation, err := limiter.Reserve(ctx, "alice", 2000) // the most that an answer can use
	if err != nil {
		panic(err)
	}
	if !reservation.Result().Allowed {
		fmt.Println("come back in", reservation.Result().RetryAfter)
		return
	}
	used, failed := complete(ctx, prompt)
	if failed != nil {
		used = 0 // nothing was used: a Commit of 0 is Cancel
	}
	after, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second) // even if the client has disconnected
	defer stop()
	err = reservation.Commit(after, used)
	// end of docs/using.md

	left, peeked := limiter.Peek(ctx, "alice")
	fmt.Println(left.Remaining, err, peeked)
	// Output: 9300 <nil> <nil>
}

func Example_logins() {
	run, end := embedded()
	defer end()
	login := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Password") != "correct" { // a real one looks for a hash of the password
			w.WriteHeader(http.StatusUnauthorized)
		}
	})

	// docs/using.md
	failures, err := gcra.New(run, algorithms.PerHour(3), algorithms.WithName("login"))
	if err != nil {
		panic(err)
	}
	limit, err := httplimit.New(failures, httplimit.Settle(func(_ *http.Request, answer httplimit.Response) int64 {
		if answer.Status == http.StatusUnauthorized {
			return 1
		}
		return 0 // a login that succeeds is not charged
	}))
	if err != nil {
		panic(err)
	}
	handler := limit(login)
	// end of docs/using.md

	for _, password := range []string{"correct", "guess", "correct", "guess", "correct", "guess", "correct"} {
		r := httptest.NewRequest(http.MethodPost, "/login", nil)
		r.Header.Set("Password", password)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Print(w.Code, " ")
	}
	// Output: 200 401 200 401 200 401 429
}
