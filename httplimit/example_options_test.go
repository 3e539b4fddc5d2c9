package httplimit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/slidinglog"
)

// Behind two trusted proxies, the client's address is the one that the outer proxy has written.
func ExampleTrustedProxies() {
	key := httplimit.ClientIP(httplimit.TrustedProxies(2))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "10.0.0.1:43210"
	r.Header.Set("X-Forwarded-For", "1.1.1.1, 203.0.113.9, 10.0.0.2") // the first is the client's own invention
	fmt.Println(key(r))
	// Output: 203.0.113.9
}

// Each plan has its own limit, over the same keys. Staff have no limit, and guests are always denied.
func ExampleLimitFunc() {
	limiter, err := slidinglog.NewLocal(algorithms.PerHour(1))
	if err != nil {
		panic(err)
	}
	planOf := func(r *http.Request) algorithms.Limit {
		switch r.Header.Get("Plan") { // a real one comes from the session
		case "gold":
			return algorithms.PerHour(100)
		case "staff":
			return httplimit.Unlimited
		case "guest":
			return httplimit.DenyAll
		}
		return algorithms.Limit{} // the limiter's own
	}
	limit, err := httplimit.New(limiter, httplimit.LimitFunc(limiter.With, planOf))
	if err != nil {
		panic(err)
	}
	handler := limit(hello)
	for _, plan := range []string{"", "", "gold", "staff", "guest"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Plan", plan)
		show(handler, r)
	}
	// Output:
	// 200 OK
	// 429 Too Many Requests
	// 200 OK
	// 200 OK
	// 429 Too Many Requests
}

// While the server is away, each of six processes admits a sixth of the limit.
func ExampleFallBack() {
	share, err := algorithms.PerHour(6).Share(6)
	if err != nil {
		panic(err)
	}
	local, err := gcra.NewLocal(share)
	if err != nil {
		panic(err)
	}
	var away algorithms.Limiter = failure{errDown} // gcra.New over a server
	limit, err := httplimit.New(away,
		httplimit.OnFailure(httplimit.FallBack(local)),
		httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { fmt.Printf("%s fails: %v\n", f.Limiter, f.Policy) }),
	)
	if err != nil {
		panic(err)
	}
	handler := limit(hello)
	for range 2 {
		show(handler, httptest.NewRequest(http.MethodGet, "/", nil))
	}
	// Output:
	// default fails: fall back
	// 200 OK
	// default fails: fall back
	// 429 Too Many Requests
}

// A search costs ten times as much as anything else, and a health check nothing.
func ExampleCost() {
	limiter, err := gcra.NewLocal(algorithms.PerHour(15))
	if err != nil {
		panic(err)
	}
	limit, err := httplimit.New(limiter, httplimit.Cost(func(r *http.Request) int64 {
		switch r.URL.Path {
		case "/search":
			return 10
		case "/health":
			return 0
		}
		return 1
	}))
	if err != nil {
		panic(err)
	}
	handler := limit(hello)
	for _, path := range []string{"/search", "/items", "/search", "/health"} {
		show(handler, httptest.NewRequest(http.MethodGet, path, nil))
	}
	// Output:
	// 200 OK
	// 200 OK
	// 429 Too Many Requests
	// 200 OK
}

// A stricter limit is tried beside the one in force. It reports what it would have denied, and refuses no request.
func ExampleShadow() {
	inForce, err := gcra.NewLocal(algorithms.PerHour(100))
	if err != nil {
		panic(err)
	}
	strict, err := gcra.NewLocal(algorithms.PerHour(2))
	if err != nil {
		panic(err)
	}
	limit, err := httplimit.New(inForce,
		httplimit.Also(strict, httplimit.Name("strict"), httplimit.Shadow()),
		httplimit.OnShadow(func(_ *http.Request, s httplimit.Shadowed) { fmt.Println(s.Limiter, "says", s.Outcome) }),
	)
	if err != nil {
		panic(err)
	}
	handler := limit(hello)
	for range 3 {
		show(handler, httptest.NewRequest(http.MethodGet, "/", nil))
	}
	// Output:
	// strict says pass
	// 200 OK
	// strict says pass
	// 200 OK
	// strict says denied
	// 200 OK
}
