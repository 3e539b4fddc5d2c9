package httplimit_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

var start = time.Unix(1_795_363_671, 250_000_000)

// must returns made, and panics if there is an error.
func must[T any](made T, err error) T {
	if err != nil {
		panic(err)
	}
	return made
}

// limitOf returns a middleware whose limiters have a Timeout of an hour, unless an option sets another one.
func limitOf(limiter algorithms.Limiter, opts ...httplimit.Option) func(http.Handler) http.Handler {
	return must(httplimit.New(limiter, append(opts, httplimit.Patient())...))
}

var served = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("served")) })

// get sends a GET request from a client's address to a handler.
func get(h http.Handler, address string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = address + ":4711"
	return serve(h, r)
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// wantFields compares header fields; "" means that the field must be missing.
func wantFields(t *testing.T, w *httptest.ResponseRecorder, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := strings.Join(w.Header().Values(name), " | "); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

// A failure is a limiter that always returns an error.
type failure struct{ err error }

func (f failure) Allow(context.Context, string) (algorithms.Result, error) {
	return algorithms.Result{}, f.err
}

func (f failure) AllowN(context.Context, string, int64) (algorithms.Result, error) {
	return algorithms.Result{}, f.err
}

func (f failure) Peek(context.Context, string) (algorithms.Result, error) {
	return algorithms.Result{}, f.err
}

func (f failure) PeekN(context.Context, string, int64) (algorithms.Result, error) {
	return algorithms.Result{}, f.err
}

func (f failure) Reset(context.Context, string) error { return f.err }

var errDown = errors.New("server is down")

func TestAdmitsAndRefuses(t *testing.T) {
	clock := limitertest.NewClock(start)
	limiter := must(gcra.NewLocal(algorithms.PerMinute(2), algorithms.WithClock(clock.Now)))
	var denied []httplimit.Verdict
	h := limitOf(limiter, httplimit.OnDenied(func(_ *http.Request, v httplimit.Verdict) { denied = append(denied, v) }))(served)
	for _, left := range []string{"1", "0"} {
		w := get(h, "192.0.2.1")
		if w.Code != http.StatusOK || w.Body.String() != "served" {
			t.Fatalf("status %d, body %q, want it served", w.Code, w.Body)
		}
		wantFields(t, w, map[string]string{"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": left, "Retry-After": ""})
	}
	clock.Advance(100 * time.Millisecond)
	w := get(h, "192.0.2.1")
	if w.Code != http.StatusTooManyRequests || w.Body.String() != `{"detail":"Request was throttled. Expected available in 30 seconds."}` {
		t.Errorf("status %d, body %q, want it refused", w.Code, w.Body)
	}
	wantFields(t, w, map[string]string{
		"Content-Type": "application/json", "Retry-After": "30",
		"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60",
	})
	want := []httplimit.Verdict{{
		Status: 429, RetryAfter: 29_900 * time.Millisecond, Denied: []string{"default"},
		Result: algorithms.Result{Limit: 2, RetryAfter: 29_900 * time.Millisecond, ResetAfter: 59_900 * time.Millisecond},
	}}
	if !reflect.DeepEqual(denied, want) {
		t.Errorf("the hook got %+v, want %+v", denied, want)
	}
	if w := get(h, "192.0.2.2"); w.Code != http.StatusOK {
		t.Errorf("another client is answered %d", w.Code)
	}
	clock.Advance(29_900 * time.Millisecond)
	if w := get(h, "192.0.2.1"); w.Code != http.StatusOK {
		t.Errorf("after Retry-After the status is %d", w.Code)
	}
}

func TestPolicies(t *testing.T) {
	twice := func() algorithms.Limiter { return must(gcra.NewLocal(algorithms.PerHour(1))) }
	for _, c := range []struct {
		name   string
		policy httplimit.Policy
		codes  [2]int
		told   string
	}{
		{"let pass", httplimit.LetPass, [2]int{200, 200}, "default: let pass"},
		{"refuse", httplimit.Refuse, [2]int{503, 503}, "default: refuse"},
		{"fall back", httplimit.FallBack(twice()), [2]int{200, 429}, "default: fall back"},
		{"fall back in vain", httplimit.FallBack(failure{errDown}), [2]int{503, 503}, "default: fall back, default: refuse"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var told []string
			h := limitOf(failure{errDown}, httplimit.OnFailure(c.policy), httplimit.OnError(func(_ *http.Request, f httplimit.Failure) {
				if !errors.Is(f.Err, errDown) {
					t.Errorf("the hook got %v, want the limiter's error", f.Err)
				}
				told = append(told, f.Limiter+": "+f.Policy.String())
			}))(served)
			for _, code := range c.codes {
				told = nil
				w := get(h, "192.0.2.1")
				if w.Code != code || strings.Join(told, ", ") != c.told {
					t.Errorf("status %d, the hook got %q, want %d, %q", w.Code, told, code, c.told)
				}
				if code == 503 {
					wantFields(t, w, map[string]string{"Retry-After": "1", "X-RateLimit-Limit": ""})
				}
			}
		})
	}
}

// TestSeveralLimiters: nothing is charged for a request that another limiter denies, and the longest wait
// is in Retry-After.
func TestSeveralLimiters(t *testing.T) {
	clock := limitertest.NewClock(start)
	second := must(fixedwindow.NewLocal(algorithms.PerSecond(2), algorithms.WithClock(clock.Now)))
	minute := must(fixedwindow.NewLocal(algorithms.PerMinute(3), algorithms.WithClock(clock.Now)))
	h := limitOf(second, httplimit.Name("burst"), httplimit.Headers(httplimit.IETFDraft11),
		httplimit.Also(minute, httplimit.Name("sustained")))(served)
	for i, step := range []struct {
		on                time.Duration
		code              int
		policy, rate, end string
	}{
		{0, 200, `"burst";q=2;w=1, "sustained";q=3;w=60`, `"burst";r=1;t=1, "sustained";r=2;t=60`, ""},
		{0, 200, `"burst";q=2;w=1, "sustained";q=3;w=60`, `"burst";r=0;t=1, "sustained";r=1;t=60`, ""},
		{0, 429, `"burst";q=2;w=1, "sustained";q=3;w=60`, `"burst";r=0;t=1, "sustained";r=1;t=60`, "1"},
		{time.Second, 200, `"burst";q=2;w=1, "sustained";q=3;w=60`, `"burst";r=1;t=1, "sustained";r=0;t=59`, ""},
		{0, 429, `"burst";q=2;w=1, "sustained";q=3;w=60`, `"burst";r=1;t=1, "sustained";r=0;t=59`, "59"},
	} {
		clock.Advance(step.on)
		w := get(h, "192.0.2.1")
		if w.Code != step.code {
			t.Errorf("step %d: status %d, want %d", i, w.Code, step.code)
		}
		wantFields(t, w, map[string]string{"RateLimit-Policy": step.policy, "RateLimit": step.rate, "Retry-After": step.end})
	}
}

// TestWrong: New returns an error for everything that can't work, including key functions.
func TestWrong(t *testing.T) {
	ok := instant{}
	for name, c := range map[string]struct {
		limiter algorithms.Limiter
		opt     httplimit.Option
		says    string
	}{
		"nil limiter":          {nil, httplimit.Name("a"), `limiter "a" is nil`},
		"typed nil limiter":    {(*algorithms.Local)(nil), httplimit.Name("a"), `limiter "a" is nil`},
		"typed nil fallback":   {ok, httplimit.OnFailure(httplimit.FallBack((*algorithms.Local)(nil))), "falls back"},
		"method in lower case": {ok, httplimit.Methods("GET", "post"), `"post" of Methods, want one such as "POST"`},
		"method with a space":  {ok, httplimit.Methods("GET /x"), `want one such as "GET"`},
		"empty method":         {ok, httplimit.Methods(""), `want one such as "GET"`},
		"nil option":           {ok, nil, "an option is nil"},
		"nil key":              {ok, httplimit.Key(nil), "key"},
		"nil skip":             {ok, httplimit.Skip(nil), "Skip"},
		"no methods":           {ok, httplimit.Methods(), "Methods"},
		"nil cost":             {ok, httplimit.Cost(nil), "Cost"},
		"nil limit func":       {ok, httplimit.LimitFunc(func(algorithms.Limit) (instant, error) { return ok, nil }, nil), "LimitFunc"},
		"nil with":             {ok, httplimit.LimitFunc[instant](nil, func(*http.Request) algorithms.Limit { return algorithms.Limit{} }), "LimitFunc"},
		"nil limiter func":     {ok, httplimit.LimiterFunc(nil), "LimiterFunc"},
		"nil fallback":         {ok, httplimit.OnFailure(httplimit.FallBack(nil)), "falls back"},
		"negative timeout":     {ok, httplimit.Timeout(-1), "timeout"},
		"no such style":        {ok, httplimit.Headers(99), "header style 99"},
		"nil responder":        {ok, httplimit.Body(nil), "Responder"},
		"nil error hook":       {ok, httplimit.OnError(nil), "OnError"},
		"nil denial hook":      {ok, httplimit.OnDenied(nil), "OnDenied"},
		"empty name":           {ok, httplimit.Name(""), "name is empty"},
		"one name twice":       {ok, httplimit.Also(ok, httplimit.Name("default")), `two limiters are named "default"`},
		"no name":              {ok, httplimit.Also(ok), "limiter 2 has no name"},
		"nil second limiter":   {ok, httplimit.Also(nil, httplimit.Name("a")), `limiter "a" is nil`},
		"nil option in Also":   {ok, httplimit.Also(ok, httplimit.Name("a"), nil), "an option is nil"},
		"wrong in the second":  {ok, httplimit.Also(ok, httplimit.Name("a"), httplimit.Timeout(-1)), `limiter "a" has a timeout`},
	} {
		_, err := httplimit.New(c.limiter, c.opt)
		if !errors.Is(err, algorithms.ErrInvalidOption) && !errors.Is(err, algorithms.ErrNilLimiter) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want an error that says %q", name, err, c.says)
		}
	}
	for says, key := range map[string]httplimit.KeyFunc{
		"-1":                           httplimit.ClientIP(httplimit.TrustedProxies(-1)),
		"129":                          httplimit.ClientIP(httplimit.IPv6Prefix(129)),
		"an option is nil":             httplimit.ClientIP(nil),
		"want TrustedProxies":          httplimit.ClientIP(httplimit.Forwarded()),
		"Scope: the name is empty":     httplimit.Scope(""),
		"not both":                     httplimit.ClientIP(httplimit.TrustedProxies(1), httplimit.TrustedNetworks(netip.MustParsePrefix("10.0.0.0/8"))),
		"FromHeader or TrustedProxies": httplimit.ClientIP(httplimit.FromHeader("X-Real-IP"), httplimit.TrustedProxies(1)),
		"FromHeader or Forwarded":      httplimit.ClientIP(httplimit.FromHeader("X-Real-IP"), httplimit.Forwarded()),
		"TrustedNetworks names none":   httplimit.ClientIP(httplimit.TrustedNetworks()),
		"trusted network invalid":      httplimit.ClientIP(httplimit.TrustedNetworks(netip.Prefix{})),
		`FromHeader: no header`:        httplimit.ClientIP(httplimit.FromHeader("")),
		"FromHeader: net/http moves":   httplimit.ClientIP(httplimit.FromHeader("host")),
		"moves the field Host":         httplimit.Header("host"),
		"Transfer-Encoding out of":     httplimit.Header("Transfer-Encoding"),
		"the field Trailer out of":     httplimit.Header("trailer"),
		`has the name ""`:              httplimit.Header(""),
		`has the name "X Key"`:         httplimit.Header("X Key"),
		`has the name "X-Key:"`:        httplimit.Header("X-Key:"),
		`has the name "X-Schlüssel"`:   httplimit.Header("X-Schlüssel"),
		"Query: the name is empty":     httplimit.Query(""),
		`has the scheme ""`:            httplimit.Authorization(""),
		`has the scheme "Api Key"`:     httplimit.Authorization("Api Key"),
		`has the scheme "Bearer "`:     httplimit.Authorization("Bearer "),
		"a value of the key <nil>":     httplimit.ContextValue(nil),
		"a value of the key [7]":       httplimit.ContextValue([]int{7}),
		"Join has no key function":     httplimit.Join(),
		"function of First is nil":     httplimit.First(httplimit.Path(), nil),
		"function of Hashed is nil":    httplimit.Hashed(nil),
		"First has no key function":    httplimit.Hashed(httplimit.Join(httplimit.Path(), httplimit.First())),
		"the IPv6 prefix is 0, want":   httplimit.First(httplimit.Path(), httplimit.ClientIP(httplimit.IPv6Prefix(0))),
	} {
		for _, opt := range []httplimit.Option{httplimit.Key(key), httplimit.Also(ok, httplimit.Name("a"), httplimit.Key(key))} {
			if _, err := httplimit.New(ok, opt); !errors.Is(err, algorithms.ErrInvalidOption) || !strings.Contains(err.Error(), says) {
				t.Errorf("%v, want ErrInvalidOption that says %q", err, says)
			}
		}
		func() {
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, algorithms.ErrInvalidOption) {
					t.Errorf("%q: a request gets a key", says)
				}
			}()
			key(httptest.NewRequest(http.MethodGet, "/", nil))
		}()
	}
}
