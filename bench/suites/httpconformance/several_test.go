package httpconformance_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/slidinglog"
)

// TestSeveralLimits: of 101 requests at one moment, under limits of 60 a minute and 1,000 an hour, 60 pass, in either order
// of the limiters. The 41 that are refused are charged to neither limit.
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

// TestSeveralAtOnce: of 200 concurrent requests under two limits, the smaller limit admits 60, and the other limit is
// charged for exactly these, because one script decides both.
func TestSeveralAtOnce(t *testing.T) {
	t.Parallel()
	run := sharedRedis(t)
	for _, a := range all {
		t.Run(a.name, func(t *testing.T) {
			perDay, err := a.Over(run)(algorithms.PerDay(60), fresh())
			if err != nil {
				t.Fatal(err)
			}
			perYear, err := gcra.New(run, algorithms.Per(10_000, 365*24*time.Hour), fresh())
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(strict(perYear,
				httplimit.Also(perDay, httplimit.Name("day"), httplimit.Timeout(time.Minute), httplimit.OnFailure(httplimit.Refuse)))(served))
			defer server.Close()
			var admitted, denied atomic.Int64
			var all sync.WaitGroup
			for range 200 {
				all.Go(func() {
					switch response, err := fetch(t.Context(), server.Client(), server.URL); {
					case err != nil:
						t.Error(err)
					case response.StatusCode == http.StatusOK:
						admitted.Add(1)
					case response.StatusCode == http.StatusTooManyRequests:
						denied.Add(1)
					}
				})
			}
			all.Wait()
			if admitted.Load() != 60 || denied.Load() != 140 {
				t.Errorf("%d served and %d refused, want 60 and 140", admitted.Load(), denied.Load())
			}
			if left, err := perYear.Peek(t.Context(), "127.0.0.1"); err != nil || left.Remaining != 10_000-60 {
				t.Errorf("then the year has %+v, %v, want 60 counted", left, err)
			}
		})
	}
}
