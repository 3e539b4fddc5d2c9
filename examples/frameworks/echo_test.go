package frameworks_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

// noon is a clock that stands still, so that the Retry-After of a denied request is always the same.
func noon() time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) }

// Echo wraps the middleware. The handler isn't called after a 429.
func Example_echo() {
	limiter, err := gcra.NewLocal(algorithms.PerHour(2), algorithms.WithClock(noon)) // over Redis: gcra.New(runner, algorithms.PerHour(2))
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
