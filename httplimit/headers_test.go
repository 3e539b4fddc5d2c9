package httplimit_test

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
)

// A fixed limiter always gives the same answer.
type fixed struct {
	instant
	result algorithms.Result
	limit  algorithms.Limit
}

func (f fixed) AllowN(context.Context, string, int64) (algorithms.Result, error) {
	return f.result, nil
}

func (f fixed) Peek(context.Context, string) (algorithms.Result, error) { return f.result, nil }

func (f fixed) PeekN(context.Context, string, int64) (algorithms.Result, error) { return f.result, nil }

func (f fixed) Limit() algorithms.Limit { return f.limit }

func TestHeaderStyles(t *testing.T) {
	const ms = time.Millisecond
	admitted := algorithms.Result{Allowed: true, Limit: 10, Remaining: 3, ResetAfter: 41_001 * ms}
	denied := algorithms.Result{Limit: 10, Remaining: 0, RetryAfter: 6_001 * ms, ResetAfter: 60_000 * ms}
	for _, c := range []struct {
		name   string
		style  httplimit.HeaderStyle
		result algorithms.Result
		want   map[string]string
	}{
		{"X", httplimit.XRateLimit, admitted, map[string]string{"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "42", "Retry-After": "", "RateLimit": "", "RateLimit-Limit": ""}},
		{"X denied", httplimit.XRateLimit, denied, map[string]string{"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60", "Retry-After": "7"}},
		{"draft 3", httplimit.IETFDraft03, admitted, map[string]string{"RateLimit-Limit": "10", "RateLimit-Remaining": "3", "RateLimit-Reset": "42", "Retry-After": "", "X-RateLimit-Limit": ""}},
		{"draft 3 denied", httplimit.IETFDraft03, denied, map[string]string{"RateLimit-Reset": "7", "Retry-After": "7"}},
		{"draft 11", httplimit.IETFDraft11, admitted, map[string]string{"RateLimit-Policy": `"default";q=10;w=60`, "RateLimit": `"default";r=3;t=42`, "X-RateLimit-Limit": "", "RateLimit-Limit": ""}},
		{"draft 11 denied", httplimit.IETFDraft11, denied, map[string]string{"RateLimit": `"default";r=0;t=7`, "Retry-After": "7"}},
		{"none", httplimit.NoHeaders, admitted, map[string]string{"RateLimit": "", "RateLimit-Policy": "", "X-RateLimit-Limit": "", "RateLimit-Limit": ""}},
		{"none denied", httplimit.NoHeaders, denied, map[string]string{"RateLimit": "", "X-RateLimit-Limit": "", "Retry-After": "7"}},
		{"never early", httplimit.XRateLimit, algorithms.Result{Limit: 1, RetryAfter: time.Microsecond, ResetAfter: time.Microsecond}, map[string]string{"X-RateLimit-Reset": "1", "Retry-After": "1"}},
		{"to the second", httplimit.XRateLimit, algorithms.Result{Limit: 1, RetryAfter: 2 * time.Second}, map[string]string{"X-RateLimit-Reset": "0", "Retry-After": "2"}},
		{"a limiter that tells nonsense", httplimit.IETFDraft11, algorithms.Result{Allowed: true, Limit: -5, Remaining: math.MinInt64, ResetAfter: -time.Hour}, map[string]string{"RateLimit-Policy": `"default";q=0`, "RateLimit": `"default";r=0;t=0`}},
		{"a limiter that tells too much", httplimit.IETFDraft11, algorithms.Result{Allowed: true, Limit: math.MaxInt64, Remaining: math.MaxInt64}, map[string]string{"RateLimit-Policy": `"default";q=999999999999999`, "RateLimit": `"default";r=999999999999999;t=0`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			during := http.Header{}
			h := limitOf(fixed{result: c.result, limit: algorithms.PerMinute(10)}, httplimit.Headers(c.style))(
				http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { during = w.Header().Clone() }))
			w := get(h, "192.0.2.1")
			wantFields(t, w, c.want)
			if c.result.Allowed && !reflect.DeepEqual(during, w.Header()) {
				t.Errorf("the next handler saw %v, want all of %v", during, w.Header())
			}
		})
	}
}

func TestUnixReset(t *testing.T) {
	before := time.Now()
	w := get(limitOf(fixed{result: algorithms.Result{Allowed: true, Limit: 1, ResetAfter: 1500 * time.Millisecond}},
		httplimit.Headers(httplimit.XRateLimitUnix))(served), "192.0.2.1")
	after := time.Now()
	reset, err := strconv.ParseInt(w.Header().Get("X-RateLimit-Reset"), 10, 64)
	at := time.Unix(reset, 0)
	if err != nil || at.Before(before.Add(1500*time.Millisecond)) || at.After(after.Add(2500*time.Millisecond)) {
		t.Errorf("reset at %v, %v, want 1.5 s after %v, rounded up", at, err, before)
	}
}

// TestWindow: w is the time in which q comes back, if that is known and is a whole number of seconds.
func TestWindow(t *testing.T) {
	for _, c := range []struct {
		capacity int64
		limit    algorithms.Limit
		want     string
	}{
		{100, algorithms.PerMinute(100), ";w=60"},
		{20, algorithms.PerSecond(10).WithBurst(20), ";w=2"},
		{5, algorithms.PerSecond(10).WithBurst(5), ""},              // half a second
		{7, algorithms.PerSecond(3).WithBurst(7), ""},               // 2 1/3 s
		{10, algorithms.PerSecond(10).WithBurst(20), ";w=1"},        // an algorithm that ignores Burst
		{1, algorithms.PerSecond(1), ";w=1"},                        // one second
		{3, algorithms.Per(3, 1500*time.Millisecond), ""},           // one and a half seconds
		{2e9 + 1, algorithms.PerSecond(2e9).WithBurst(2e9 + 1), ""}, // half a nanosecond too long
		{1, algorithms.Limit{}, ""},                                 // not known
		{1 << 49, algorithms.Per(1<<49, time.Hour), ";w=3600"},      // the product overflows 64 bits, the quotient doesn't
		{1 << 49, algorithms.Per(1, time.Hour), ""},                 // the quotient overflows too
		{1000, algorithms.PerDay(1000).WithBurst(1000), ";w=86400"},
	} {
		h := limitOf(fixed{result: algorithms.Result{Allowed: true, Limit: c.capacity}, limit: c.limit},
			httplimit.Headers(httplimit.IETFDraft11))(served)
		want := `"default";q=` + strconv.FormatInt(c.capacity, 10) + c.want
		wantFields(t, get(h, "192.0.2.1"), map[string]string{"RateLimit-Policy": want})
	}
	wantFields(t, get(limitOf(unlimited{}, letPass, httplimit.Headers(httplimit.IETFDraft11))(served), "192.0.2.1"),
		map[string]string{"RateLimit-Policy": `"default";q=100`})
}

// unlimited is a limiter without a method Limit.
type unlimited struct{ algorithms.Limiter }

func (unlimited) AllowN(context.Context, string, int64) (algorithms.Result, error) {
	return instantly, nil
}

// TestTightest: the fields are those of the limiter that matters most.
func TestTightest(t *testing.T) {
	admits := func(left int64, reset time.Duration) fixed {
		return fixed{result: algorithms.Result{Allowed: true, Limit: 10, Remaining: left, ResetAfter: reset}}
	}
	denies := func(wait time.Duration) fixed {
		return fixed{result: algorithms.Result{Limit: 20, RetryAfter: wait, ResetAfter: wait}}
	}
	for _, c := range []struct {
		name        string
		a, b        fixed
		left, reset string
		retry       string
	}{
		{"the one with the least left", admits(5, time.Hour), admits(4, time.Second), "4", "1", ""},
		{"of equals the one that takes longer", admits(5, time.Second), admits(5, time.Hour), "5", "3600", ""},
		{"the one that denies", admits(0, time.Hour), denies(2 * time.Second), "0", "2", "2"},
		{"of two the one with the longer wait", denies(2 * time.Second), denies(3 * time.Second), "0", "3", "3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, order := range [][2]fixed{{c.a, c.b}, {c.b, c.a}} {
				h := limitOf(order[0], httplimit.ChargeEach(), httplimit.Also(order[1], httplimit.Name("b")))(served)
				wantFields(t, get(h, "192.0.2.1"), map[string]string{"X-RateLimit-Remaining": c.left, "X-RateLimit-Reset": c.reset, "Retry-After": c.retry})
			}
		})
	}
}

func TestDetail(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		0:                         "Request was throttled.",
		time.Millisecond:          "Request was throttled. Expected available in 1 second.",
		time.Second:               "Request was throttled. Expected available in 1 second.",
		15_001 * time.Millisecond: "Request was throttled. Expected available in 16 seconds.",
	} {
		h := limitOf(fixed{result: algorithms.Result{Limit: 1, RetryAfter: wait}})(served)
		if got := get(h, "192.0.2.1").Body.String(); got != `{"detail":"`+want+`"}` {
			t.Errorf("a wait of %v: body %q, want %q", wait, got, want)
		}
	}
}

func TestProblem(t *testing.T) {
	read := func(limiter algorithms.Limiter) (problem map[string]any) {
		h := limitOf(limiter, httplimit.Body(httplimit.Problem), httplimit.OnFailure(httplimit.Refuse), httplimit.Name("a"),
			httplimit.ChargeEach(), httplimit.Also(instant{}, httplimit.Name("b")))(served)
		w := get(h, "192.0.2.1")
		wantFields(t, w, map[string]string{"Content-Type": "application/problem+json"})
		if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || problem["status"] != float64(w.Code) {
			t.Errorf("status %d, body %q: %v", w.Code, w.Body, err)
		}
		return problem
	}
	want := map[string]any{
		"type":              "https://iana.org/assignments/http-problem-types#quota-exceeded",
		"title":             "Request cannot be satisfied as assigned quota has been exceeded",
		"status":            429.0,
		"detail":            "Request was throttled. Expected available in 3 seconds.",
		"violated-policies": []any{"a"},
	}
	if got := read(fixed{result: algorithms.Result{Limit: 1, RetryAfter: 3 * time.Second}}); !reflect.DeepEqual(got, want) {
		t.Errorf("denied: %v, want %v", got, want)
	}
	want = map[string]any{
		"type": "about:blank", "title": "Service Unavailable", "status": 503.0, "detail": "Service temporarily unavailable, try again later.",
	}
	if got := read(failure{errDown}); !reflect.DeepEqual(got, want) {
		t.Errorf("failed: %v, want %v", got, want)
	}
}

func TestOwnBody(t *testing.T) {
	h := limitOf(fixed{result: algorithms.Result{Limit: 1, RetryAfter: time.Second}},
		httplimit.Body(func(w http.ResponseWriter, _ *http.Request, v httplimit.Verdict) {
			http.Redirect(w, httptest.NewRequest(http.MethodGet, "/", nil), "/slow?wait="+v.RetryAfter.String(), http.StatusFound)
		}))(served)
	w := get(h, "192.0.2.1")
	wantFields(t, w, map[string]string{"Location": "/slow?wait=1s", "Retry-After": "1"})
}
