package httpconformance_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
)

// TestHonoursRetryAfter: if a client is the only user of a limit and waits as long as Retry-After says, it is never refused
// twice in a row. Only the client's waits advance the limiter's clock.
func TestHonoursRetryAfter(t *testing.T) {
	t.Parallel()
	for _, limit := range []algorithms.Limit{
		algorithms.PerSecond(2),
		algorithms.Per(3, 1100*time.Millisecond), // no wait is a whole second
		algorithms.PerMinute(3),
	} {
		for _, a := range all {
			t.Run(a.name+"/"+limit.String(), func(t *testing.T) {
				clock := limitertest.NewClock(time.Now())
				limiter, err := a.Over(sharedRedis(t))(limit, fresh(), algorithms.WithClock(clock.Now))
				if err != nil {
					t.Fatal(err)
				}
				statuses := statusesOf(t, strict(limiter)(served), clock)
				const refused = http.StatusTooManyRequests
				if !slices.Contains(statuses, refused) {
					t.Errorf("statuses %v, want refusals", statuses)
				}
				for i, status := range statuses {
					if status == refused && i > 0 && statuses[i-1] == refused || status != refused && status != http.StatusOK {
						t.Fatalf("statuses %v, want none refused twice in a row", statuses)
					}
				}
			})
		}
	}
}

// statusesOf makes a client get seven answers, and returns the statuses of all requests that it sent for them. Instead of
// waiting, the client advances the clock.
func statusesOf(t *testing.T, handler http.Handler, clock *limitertest.Clock) (statuses []int) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	client := retryablehttp.NewClient()
	client.Logger, client.RetryMax, client.RetryWaitMin, client.RetryWaitMax = nil, 3, 0, 0
	client.ResponseLogHook = func(_ retryablehttp.Logger, r *http.Response) { statuses = append(statuses, r.StatusCode) }
	client.Backoff = func(least, most time.Duration, attempt int, response *http.Response) time.Duration {
		clock.Advance(retryablehttp.DefaultBackoff(least, most, attempt, response))
		return 0
	}
	for range 7 {
		response, err := client.Get(server.URL)
		if err != nil {
			t.Fatalf("statuses %v: %v", statuses, err)
		}
		response.Body.Close()
	}
	return statuses
}
