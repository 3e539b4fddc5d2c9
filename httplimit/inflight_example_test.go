package httplimit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/inflight"
)

// At most two downloads of one client at once. A download that another one starts while two run is refused.
func ExampleNewInflight() {
	limiter, err := inflight.NewLocal(2, 30*time.Second) // New takes a Runner in front, for all processes together
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
