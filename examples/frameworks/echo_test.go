package frameworks_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v5"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

// Echo wraps the middleware. The handler isn't called after a 429.
func Example_echo() {
	limiter, err := gcra.NewLocal(algorithms.PerHour(2)) // over Redis: gcra.New(runner, algorithms.PerHour(2))
	if err != nil {
		panic(err)
	}
	limit, err := httplimit.New(limiter)
	if err != nil {
		panic(err)
	}
	e := echo.New()
	e.Use(echo.WrapMiddleware(limit))
	e.GET("/", func(c *echo.Context) error {
		return c.String(http.StatusAccepted, "served")
	})

	for range 3 {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		fmt.Println(w.Code, w.Header().Get("X-RateLimit-Remaining"), w.Body)
	}
	// Output:
	// 202 1 served
	// 202 0 served
	// 429 0 {"detail":"Request was throttled. Expected available in 1800 seconds."}
}
