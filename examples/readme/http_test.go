package readme_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

func Example_http() {
	limit := algorithms.PerMinute(5)
	limiter, err := gcra.NewLocal(limit)
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()

	// README
	share, err := limit.Share(6) // what each of six processes may admit by itself
	if err != nil {
		panic(err)
	}
	local, err := gcra.NewLocal(share)
	if err != nil {
		panic(err)
	}
	throttle, err := httplimit.New(limiter,
		httplimit.Key(httplimit.First(
			httplimit.Hashed(httplimit.Authorization("Api-Key")), // no key in Redis is an API key
			httplimit.ClientIP(httplimit.TrustedProxies(1)),
		)),
		httplimit.OnFailure(httplimit.FallBack(local)),
		httplimit.Headers(httplimit.IETFDraft11),
	)
	if err != nil {
		panic(err)
	}
	handler := throttle(mux) // 429 with a true Retry-After; RateLimit fields on every response
	// end of README

	for range 6 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code == http.StatusTooManyRequests {
			fmt.Println(w.Code, w.Header().Get("Retry-After"), w.Header().Get("RateLimit-Policy"), w.Body)
		}
	}
	// Output: 429 12 "default";q=5;w=60 {"detail":"Request was throttled. Expected available in 12 seconds."}
}
