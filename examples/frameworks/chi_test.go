package frameworks_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-chi/chi/v5"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

// chi's router takes the middleware as it is, for all routes or for one.
func Example_chi() {
	limiter, err := gcra.NewLocal(algorithms.PerHour(2)) // over Redis: gcra.New(runner, algorithms.PerHour(2))
	if err != nil {
		panic(err)
	}
	limit, err := httplimit.New(limiter)
	if err != nil {
		panic(err)
	}
	router := chi.NewRouter()
	router.With(limit).Get("/search", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "found") })
	router.Get("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "well") })

	for _, path := range []string{"/search", "/search", "/search", "/health"} {
		w := httptest.NewRecorder()
		router.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		fmt.Println(path, w.Code)
	}
	// Output:
	// /search 200
	// /search 200
	// /search 429
	// /health 200
}
