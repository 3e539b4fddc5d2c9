package httplimit_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/internal/embeddedtest"
	"github.com/go-weir/weir/slidinglog"
)

// The examples decide in this process. For limits over Redis use gcra.New with a Runner: see packages
// goredisrunner and rueidisrunner.

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })

// show sends a handler a request, and prints the status of the answer.
func show(h http.Handler, r *http.Request) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, http.StatusText(w.Code))
}

// Each client address may make two requests an hour.
func Example() {
	limiter, err := gcra.NewLocal(algorithms.PerHour(2))
	if err != nil {
		panic(err)
	}
	limit, err := httplimit.New(limiter)
	if err != nil {
		panic(err)
	}
	handler := limit(hello)
	for range 3 {
		show(handler, httptest.NewRequest(http.MethodGet, "/", nil))
	}
	// Output:
	// 200 OK
	// 200 OK
	// 429 Too Many Requests
}

// A middleware over a server. All processes that use the server share the limit of a client.
func ExampleNew() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	defer stop()
	limiter, err := gcra.New(run, algorithms.PerHour(1), algorithms.WithName("search"))
	if err != nil {
		panic(err)
	}
	limit, err := httplimit.New(limiter,
		httplimit.Key(httplimit.ClientIP(httplimit.TrustedProxies(1))),
		httplimit.Timeout(time.Minute)) // a request waits that long for its limiter at most; 250 ms by default
	if err != nil {
		panic(err)
	}
	handler := limit(hello)
	for _, client := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.2"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-Forwarded-For", client)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(client, w.Code)
	}
	// Output:
	// 192.0.2.1 200
	// 192.0.2.1 429
	// 192.0.2.2 200
}

type callerKey struct{}

// authenticate admits callers with a known API key, and puts their names into the context.
func authenticate(next http.Handler) http.Handler {
	callers := map[string]string{"7d3f": "alice", "91c0": "bob"} // a real service looks for a hash of the key
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, ok := callers[r.Header.Get("X-Api-Key")]
		if !ok {
			http.Error(w, "unknown key", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
	})
}

// A client can write a different API key into each request. So addresses are limited first, and verified callers after that.
// This also limits how many keys a client can guess.
func Example_verifiedCaller() {
	perAddress, err := gcra.NewLocal(algorithms.PerHour(4))
	if err != nil {
		panic(err)
	}
	perCaller, err := gcra.NewLocal(algorithms.PerHour(1))
	if err != nil {
		panic(err)
	}
	byAddress, err := httplimit.New(perAddress)
	if err != nil {
		panic(err)
	}
	byCaller, err := httplimit.New(perCaller, httplimit.Key(httplimit.ContextValue(callerKey{})))
	if err != nil {
		panic(err)
	}
	handler := byAddress(authenticate(byCaller(hello)))
	for _, key := range []string{"7d3f", "7d3f", "91c0", "guess 1", "guess 2"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-Api-Key", key)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(key, w.Code)
	}
	// Output:
	// 7d3f 200
	// 7d3f 429
	// 91c0 200
	// guess 1 401
	// guess 2 429
}

// A tenant has a limit for all of its users together, and each user has another one. A middleware further out verifies both
// names. A request that one limit denies is charged to neither.
func Example_tenantAndUser() {
	perTenant, err := gcra.NewLocal(algorithms.PerHour(3))
	if err != nil {
		panic(err)
	}
	perUser, err := gcra.NewLocal(algorithms.PerHour(2))
	if err != nil {
		panic(err)
	}
	tenant, user := httplimit.Header("Tenant"), httplimit.Header("User") // a service puts both into the context: ContextValue
	limit, err := httplimit.New(perTenant, httplimit.Name("tenant"), httplimit.Key(tenant),
		httplimit.Also(perUser, httplimit.Name("user"), httplimit.Key(httplimit.Join(tenant, user))),
		httplimit.OnDenied(func(_ *http.Request, v httplimit.Verdict) { fmt.Print("denied by ", v.Denied, ": ") }))
	if err != nil {
		panic(err)
	}
	handler := limit(hello)
	for _, who := range []string{"alice", "alice", "alice", "bob", "bob"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Tenant", "acme")
		r.Header.Set("User", who)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(who, w.Code)
	}
	// Output:
	// alice 200
	// alice 200
	// denied by [user]: alice 429
	// bob 200
	// denied by [tenant]: bob 429
}

// Login attempts are limited by address, so that one client can't try many accounts, and by account, so that many clients
// can't try one account.
func Example_loginAttempts() {
	perAddress, err := slidinglog.NewLocal(algorithms.PerMinute(20), algorithms.WithName("login address"))
	if err != nil {
		panic(err)
	}
	perAccount, err := slidinglog.NewLocal(algorithms.PerMinute(2), algorithms.WithName("login account"))
	if err != nil {
		panic(err)
	}
	account := func(r *http.Request) string { return strings.ToLower(r.FormValue("account")) }
	limit, err := httplimit.New(perAddress, httplimit.Name("address"), httplimit.Methods(http.MethodPost),
		httplimit.Also(perAccount, httplimit.Name("account"), httplimit.Methods(http.MethodPost), httplimit.Key(account)))
	if err != nil {
		panic(err)
	}
	login := limit(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	for _, account := range []string{"alice", "Alice", "ALICE", "bob"} {
		w := httptest.NewRecorder()
		login.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/login?account="+account, nil))
		fmt.Println(account, w.Code)
	}
	// Output:
	// alice 401
	// Alice 401
	// ALICE 429
	// bob 401
}

// A request must be within two limits. If one of them denies it, it is charged to neither.
func Example_twoLimits() {
	burst, err := gcra.NewLocal(algorithms.PerSecond(10))
	if err != nil {
		panic(err)
	}
	daily, err := slidinglog.NewLocal(algorithms.PerDay(1000))
	if err != nil {
		panic(err)
	}
	limit, err := httplimit.New(burst, httplimit.Name("burst"),
		httplimit.Also(daily, httplimit.Name("daily")),
		httplimit.Headers(httplimit.IETFDraft11),
	)
	if err != nil {
		panic(err)
	}
	handler := limit(hello)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(w.Header().Get("RateLimit-Policy"))
	fmt.Println(w.Header().Get("RateLimit"))
	// Output:
	// "burst";q=10;w=1, "daily";q=1000;w=86400
	// "burst";r=9;t=1, "daily";r=999;t=86400
}

// A consumer of messages handles two messages of each tenant an hour, and puts others back for the RetryAfter.
func ExampleNewDecider() {
	limiter, err := gcra.NewLocal(algorithms.PerHour(2))
	if err != nil {
		panic(err)
	}
	decider, err := httplimit.NewDecider(limiter, httplimit.Key(httplimit.Header("Tenant")))
	if err != nil {
		panic(err)
	}
	for _, tenant := range []string{"a", "a", "b", "a"} {
		message := &http.Request{Header: http.Header{"Tenant": {tenant}}}
		decision := decider.Decide(message.WithContext(context.Background())) // the consumer's context
		fmt.Println(tenant, decision.Outcome, decision.RetryAfter.Round(time.Minute))
	}
	// Output:
	// a pass 0s
	// a pass 0s
	// b pass 0s
	// a denied 30m0s
}
