package readme_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

func Example_shadow() {
	run, end := embedded()
	defer end()
	limiter, err := gcra.New(run, algorithms.PerHour(100))
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(http.ResponseWriter, *http.Request) {})
	var wouldDeny atomic.Int64

	// docs/using.md
	stricter, err := gcra.New(run, algorithms.PerHour(3))
	if err != nil {
		panic(err)
	}
	limit, err := httplimit.New(limiter, // the limit in force
		httplimit.Also(stricter, httplimit.Name("stricter"), httplimit.Shadow()),
		httplimit.OnShadow(func(_ *http.Request, tried httplimit.Shadowed) {
			if tried.Outcome == httplimit.Denied {
				wouldDeny.Add(1)
			}
		}))
	if err != nil {
		panic(err)
	}
	handler := limit(mux)
	// end of docs/using.md

	for range 5 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		fmt.Print(w.Code, " ")
	}
	fmt.Println(wouldDeny.Load())
	// Output: 200 200 200 200 200 2
}
