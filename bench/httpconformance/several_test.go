package httpconformance_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/slidinglog"
)

// TestSeveralLimits: of 101 requests in a moment, 60 a minute and 1,000 an hour let 60 pass, whichever of the two
// is asked first, and the 41 that are refused count in neither.
func TestSeveralLimits(t *testing.T) {
	t.Parallel()
	run := sharedRedis(t)
	moment := time.Now()
	still := algorithms.WithClock(func() time.Time { return moment })
	for _, a := range all {
		for _, order := range []string{"minute first", "hour first"} {
			t.Run(a.name+"/"+order, func(t *testing.T) {
				perMinute, err := a.Over(run)(algorithms.PerMinute(60), fresh(), still)
				if err != nil {
					t.Fatal(err)
				}
				perHour, err := slidinglog.New(run, algorithms.PerHour(1000), fresh(), still)
				if err != nil {
					t.Fatal(err)
				}
				first, second := algorithms.Limiter(perHour), perMinute
				if order == "minute first" {
					first, second = second, first
				}
				server := httptest.NewServer(strict(first,
					httplimit.Also(second, httplimit.Name("second"), httplimit.Timeout(time.Minute), httplimit.OnFailure(httplimit.Refuse)))(served))
				defer server.Close()
				statuses := map[int]int{}
				for range 101 {
					response, err := fetch(t.Context(), server.Client(), server.URL)
					if err != nil {
						t.Fatal(err)
					}
					statuses[response.StatusCode]++
				}
				if statuses[http.StatusOK] != 60 || statuses[http.StatusTooManyRequests] != 41 {
					t.Errorf("statuses %v, want 60 served and 41 refused", statuses)
				}
				if left, err := perHour.Peek(t.Context(), "127.0.0.1"); err != nil || left.Remaining != 1000-60 {
					t.Errorf("then the hour has %+v, %v, want 60 counted", left, err)
				}
			})
		}
	}
}
