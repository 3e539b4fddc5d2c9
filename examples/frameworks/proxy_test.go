package frameworks_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

// A reverse proxy with a limit for each client. Denied requests don't reach the upstream.
func Example_reverseProxy() {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "upstream serves", r.URL.Path)
	}))
	defer upstream.Close()
	to, err := url.Parse(upstream.URL)
	if err != nil {
		panic(err)
	}
	limiter, err := gcra.NewLocal(algorithms.PerHour(2), algorithms.WithClock(noon)) // over Redis: gcra.New(runner, algorithms.PerHour(2))
	if err != nil {
		panic(err)
	}
	limit, err := httplimit.New(limiter)
	if err != nil {
		panic(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.SetXForwarded() // tells the upstream the client's address
	}}
	handler := limit(proxy)

	for range 3 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/a", nil))
		fmt.Print(w.Code, " ", w.Header().Get("X-RateLimit-Remaining"), " ", w.Body)
	}
	// Output:
	// 200 1 upstream serves /a
	// 200 0 upstream serves /a
	// 429 0 {"detail":"Request was throttled. Expected available in 1800 seconds."}
}
