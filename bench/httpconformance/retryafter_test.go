package httpconformance_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/go-weir/weir/algorithms"
)

// TestHonoursRetryAfter has a client that waits for as long as Retry-After says, and else for nothing, use a
// limit alone: it is refused, but never twice in a row.
func TestHonoursRetryAfter(t *testing.T) {
	t.Parallel()
	var clients sync.WaitGroup // at once, as all they do is wait
	for _, limit := range []algorithms.Limit{
		algorithms.PerSecond(2),
		algorithms.Per(3, 1100*time.Millisecond), // no wait is a whole second
	} {
		for _, a := range all {
			clients.Go(func() {
				t.Run(a.name+"/"+limit.String(), func(t *testing.T) {
					limiter, err := a.Over(sharedRedis(t))(limit, fresh())
					if err != nil {
						t.Fatal(err)
					}
					statuses := statusesOf(t, strict(limiter)(served))
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
			})
		}
	}
	clients.Wait()
}

// statusesOf has a client get seven answers, and returns the statuses of all requests that it sent for them.
func statusesOf(t *testing.T, handler http.Handler) (statuses []int) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	client := retryablehttp.NewClient()
	client.Logger, client.RetryMax, client.RetryWaitMin, client.RetryWaitMax = nil, 3, 0, 0
	client.ResponseLogHook = func(_ retryablehttp.Logger, r *http.Response) { statuses = append(statuses, r.StatusCode) }
	for range 7 {
		response, err := client.Get(server.URL)
		if err != nil {
			t.Fatalf("statuses %v: %v", statuses, err)
		}
		response.Body.Close()
	}
	return statuses
}
