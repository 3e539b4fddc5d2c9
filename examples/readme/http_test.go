package readme_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

type userKey struct{}

// authenticate lets alice's requests through.
func authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != "7d3f" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, "alice")))
	})
}

func Example_http() {
	run, end := embedded()
	defer end()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(http.ResponseWriter, *http.Request) {})

	// docs/using.md
	perAddress, err := gcra.New(run, algorithms.PerHour(10), algorithms.WithName("address"))
	if err != nil {
		panic(err)
	}
	perUser, err := gcra.New(run, algorithms.PerHour(5), algorithms.WithName("user"))
	if err != nil {
		panic(err)
	}
	byAddress, err := httplimit.New(perAddress, httplimit.Key(httplimit.ClientIP(httplimit.TrustedProxies(1))))
	if err != nil {
		panic(err)
	}
	byUser, err := httplimit.New(perUser, httplimit.Key(httplimit.ContextValue(userKey{})))
	if err != nil {
		panic(err)
	}
	handler := byAddress(authenticate(byUser(mux))) // 429 with the exact Retry-After
	// end of docs/using.md

	for _, key := range []string{"7d3f", "guess"} {
		for range 6 {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("X-Api-Key", key)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			fmt.Print(w.Code, " ")
		}
		fmt.Println(key)
	}
	// Output:
	// 200 200 200 200 200 429 7d3f
	// 401 401 401 401 429 429 guess
}
