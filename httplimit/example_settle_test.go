package httplimit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

// Three logins of an address may fail in an hour. Logins that succeed cost nothing.
func ExampleSettle() {
	limiter, err := gcra.NewLocal(algorithms.PerHour(3))
	if err != nil {
		panic(err)
	}
	limit, err := httplimit.New(limiter, httplimit.Settle(func(_ *http.Request, response httplimit.Response) int64 {
		if response.Status == http.StatusUnauthorized {
			return 1
		}
		return 0
	}))
	if err != nil {
		panic(err)
	}
	login := limit(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Password") != "correct" { // a real one looks for a hash of the password
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	for _, password := range []string{"correct", "guess", "correct", "guess", "correct", "guess", "correct"} {
		r := httptest.NewRequest(http.MethodPost, "/login", nil)
		r.Header.Set("Password", password)
		w := httptest.NewRecorder()
		login.ServeHTTP(w, r)
		fmt.Println(password, w.Code)
	}
	// Output:
	// correct 200
	// guess 401
	// correct 200
	// guess 401
	// correct 200
	// guess 401
	// correct 429
}

// Each address may download 1,000 bytes a day. The size of a response isn't known beforehand, so a request passes as long
// as any of the limit is left. If its response is larger than what was left, later requests are refused for longer.
func ExampleSettle_bytes() {
	limiter, err := gcra.NewLocal(algorithms.PerDay(1000))
	if err != nil {
		panic(err)
	}
	limit, err := httplimit.New(limiter, httplimit.Settle(func(_ *http.Request, response httplimit.Response) int64 {
		return response.Written
	}), httplimit.OnDenied(func(_ *http.Request, v httplimit.Verdict) { fmt.Println("denied for", v.RetryAfter.Round(time.Hour)) }))
	if err != nil {
		panic(err)
	}
	download := limit(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 700)) }))
	for range 3 {
		w := httptest.NewRecorder()
		download.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		fmt.Println(w.Code)
	}
	// Output:
	// 200
	// 200
	// denied for 10h0m0s
	// 429
}
