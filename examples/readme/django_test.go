package readme_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/slidinglog"
)

func Example_django() {
	run, end := embedded()
	defer end()
	mux := http.NewServeMux()

	// docs/migrating.md
	limit, err := algorithms.ParseLimit("5/minute")
	if err != nil {
		panic(err)
	}
	limiter, err := slidinglog.New(run, limit, algorithms.WithName("user"))
	if err != nil {
		panic(err)
	}
	throttle, err := httplimit.New(limiter,
		httplimit.Key(httplimit.First(httplimit.ContextValue(userKey{}), httplimit.ClientIP(httplimit.TrustedProxies(1)))),
		httplimit.DjangoREST())
	if err != nil {
		panic(err)
	}
	handler := throttle(mux)
	// end of docs/migrating.md

	for range 6 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code == http.StatusTooManyRequests {
			fmt.Println(w.Header().Get("Retry-After"), w.Body)
		}
	}
	// Output: 60 {"detail":"Request was throttled. Expected available in 60 seconds."}
}
