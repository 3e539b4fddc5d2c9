package httplimit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/inflight"
)

// A client may run two downloads at the same time. A third is refused while two run.
func ExampleNewInflight() {
	limiter, err := inflight.NewLocal(2, 30*time.Second) // over Redis: inflight.New(runner, 2, 30*time.Second)
	if err != nil {
		panic(err)
	}
	limit, err := httplimit.NewInflight(limiter)
	if err != nil {
		panic(err)
	}
	var downloads http.Handler
	downloads = limit(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner := httptest.NewRecorder()
		downloads.ServeHTTP(inner, r) // while this one runs, another begins
		fmt.Println("another:", inner.Code)
	}))
	w := httptest.NewRecorder()
	downloads.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/download", nil))
	fmt.Println("the first:", w.Code)
	// Output:
	// another: 429
	// another: 200
	// the first: 200
}

// A consumer of messages handles one message of a tenant at a time.
func ExampleNewInflightDecider() {
	limiter, err := inflight.NewLocal(1, 30*time.Second) // over Redis: inflight.New(runner, 1, 30*time.Second)
	if err != nil {
		panic(err)
	}
	decider, err := httplimit.NewInflightDecider(limiter, httplimit.Key(httplimit.Header("Tenant")))
	if err != nil {
		panic(err)
	}
	message := &http.Request{Header: http.Header{"Tenant": {"acme"}}}
	first, ctx, release := decider.Decide(message)
	second, _, releaseSecond := decider.Decide(message) // while the first message is handled
	releaseSecond()
	fmt.Println(first.Outcome, second.Outcome, ctx.Err())
	release() // the first message has been handled
	third, _, release := decider.Decide(message)
	release()
	fmt.Println(third.Outcome)
	// Output:
	// pass denied <nil>
	// pass
}
