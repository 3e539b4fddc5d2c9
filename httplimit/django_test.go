package httplimit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/slidinglog"
)

// TestDjangoRates: ParseLimit reads the rates of Django REST framework's documentation and tests.
func TestDjangoRates(t *testing.T) {
	for text, want := range map[string]algorithms.Limit{
		"1/s": algorithms.PerSecond(1), "5/minute": algorithms.PerMinute(5), "60/minute": algorithms.PerMinute(60),
		"256/min": algorithms.PerMinute(256), "100/day": algorithms.PerDay(100), "20/hour": algorithms.PerHour(20),
	} {
		if got, err := algorithms.ParseLimit(text); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
}

// A visit is a request and its answer.
type visit struct {
	after time.Duration // since the one before
	code  int
	retry string
}

func visitAll(t *testing.T, h http.Handler, clock *limitertest.Clock, visits []visit) {
	t.Helper()
	for i, v := range visits {
		clock.Advance(v.after)
		w := get(h, "192.0.2.1")
		if w.Code != v.code || w.Header().Get("Retry-After") != v.retry {
			t.Errorf("request %d: status %d, Retry-After %q, want %d, %q", i+1, w.Code, w.Header().Get("Retry-After"), v.code, v.retry)
		}
		body, seconds := "served", "seconds"
		if v.retry == "1" {
			seconds = "second"
		}
		if v.code == 429 {
			body = fmt.Sprintf(`{"detail":"Request was throttled. Expected available in %s %s."}`, v.retry, seconds)
		}
		if w.Body.String() != body {
			t.Errorf("request %d: body %q, want %q", i+1, w.Body, body)
		}
	}
}

func logOf(clock *limitertest.Clock, rate string) *algorithms.Local {
	return must(slidinglog.NewLocal(must(algorithms.ParseLimit(rate)), algorithms.WithClock(clock.Now)))
}

// TestDjangoTwoThrottles: each throttle counts each request. So the fourth request, which the throttle per second denies,
// counts in the throttle per minute.
func TestDjangoTwoThrottles(t *testing.T) {
	clock := limitertest.NewClock(start)
	h := limitOf(logOf(clock, "3/sec"), httplimit.Name("burst"), httplimit.DjangoREST(),
		httplimit.Also(logOf(clock, "6/min"), httplimit.Name("sustained")))(served)
	visitAll(t, h, clock, []visit{
		{0, 200, ""}, {0, 200, ""}, {0, 200, ""}, {0, 429, "1"},
		{time.Second, 200, ""}, {0, 200, ""}, {0, 429, "59"},
		{time.Second, 429, "58"},
	})
	wantFields(t, get(h, "192.0.2.2"), map[string]string{"X-RateLimit-Limit": "", "RateLimit": "", "RateLimit-Limit": ""})
}

// TestTwoLimitsAllOrNothing: by default the fourth request, which is denied, isn't charged to any limit. So a second later
// three more requests pass instead of two.
func TestTwoLimitsAllOrNothing(t *testing.T) {
	clock := limitertest.NewClock(start)
	h := limitOf(logOf(clock, "3/sec"), httplimit.Name("burst"),
		httplimit.Also(logOf(clock, "6/min"), httplimit.Name("sustained")))(served)
	visitAll(t, h, clock, []visit{
		{0, 200, ""}, {0, 200, ""}, {0, 200, ""}, {0, 429, "1"},
		{time.Second, 200, ""}, {0, 200, ""}, {0, 200, ""}, {0, 429, "59"},
		{time.Second, 429, "58"},
		{58 * time.Second, 200, ""},
	})
}

// TestDjangoOneThrottle: denied requests are not logged, and an entry that is exactly as old as the window doesn't count.
func TestDjangoOneThrottle(t *testing.T) {
	clock := limitertest.NewClock(start)
	h := limitOf(logOf(clock, "2/min"), httplimit.DjangoREST())(served)
	visitAll(t, h, clock, []visit{
		{0, 200, ""}, {10 * time.Second, 200, ""}, {0, 429, "50"}, {49 * time.Second, 429, "1"},
		{time.Second - time.Microsecond, 429, "1"},
		{time.Microsecond, 200, ""}, {0, 429, "10"}, {10 * time.Second, 200, ""}, {0, 429, "50"},
	})
}

// TestDjangoScope: endpoints of one scope share an allowance, and each client has its own.
func TestDjangoScope(t *testing.T) {
	clock := limitertest.NewClock(start)
	limiter := logOf(clock, "2/min")
	scope := func(name string) http.Handler {
		return limitOf(limiter, httplimit.DjangoREST(), httplimit.Key(httplimit.Join(httplimit.Scope(name), httplimit.ClientIP())))(served)
	}
	mux := http.NewServeMux()
	mux.Handle("/contacts", scope("contacts"))
	mux.Handle("/contacts/archive", scope("contacts"))
	mux.Handle("/uploads", scope("uploads"))
	for _, c := range []struct {
		path, address string
		code          int
	}{
		{"/contacts", "192.0.2.1", 200}, {"/contacts/archive", "192.0.2.1", 200}, {"/contacts", "192.0.2.1", 429},
		{"/contacts/archive", "192.0.2.1", 429}, {"/uploads", "192.0.2.1", 200}, {"/contacts", "192.0.2.2", 200},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		r.RemoteAddr = c.address + ":4711"
		if w := serve(mux, r); w.Code != c.code {
			t.Errorf("%s of %s: status %d, want %d", c.path, c.address, w.Code, c.code)
		}
	}
}
