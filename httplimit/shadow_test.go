package httplimit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

// TestShadow: a shadow, which is a limiter with the option Shadow, is asked about the requests that the other limiters
// admit, and doesn't change the answers to them.
func TestShadow(t *testing.T) {
	panics := func(context.Context, int64) (algorithms.Result, error) { panic(errBroken) }
	for _, c := range []struct {
		name    string
		answers []answer // of a and b, which are in force, and c, a shadow
		policy  httplimit.Policy
		each    bool
		asked   string
		outcome httplimit.Outcome
		wait    time.Duration
		told    string
	}{
		{"all admit", []answer{yes, yes, yes}, httplimit.LetPass, false, "b? a b c", httplimit.Pass, 0, "c pass 0s"},
		{"it would deny", []answer{yes, yes, nolong}, httplimit.LetPass, false, "b? a b c", httplimit.Pass, 0, "c denied 9s"},
		{"it would never admit", []answer{yes, yes, never}, httplimit.LetPass, false, "b? a b c", httplimit.Pass, 0, "c denied 0s"},
		{"another denies", []answer{yes, no, yes}, httplimit.LetPass, false, "b? b", httplimit.Denied, 7 * time.Second, ""},
		{"another denies when it is charged", []answer{no, yes, nolong}, httplimit.LetPass, false, "b? a", httplimit.Denied, 7 * time.Second, ""},
		{"both would deny, and each is charged", []answer{yes, no, nolong}, httplimit.LetPass, true, "a b c", httplimit.Denied, 7 * time.Second, "c denied 9s"},
		{"it fails", []answer{yes, yes, failing}, httplimit.LetPass, false, "b? a b c", httplimit.Pass, 0, "c pass 0s"},
		{"it fails, and would refuse", []answer{yes, yes, failing}, httplimit.Refuse, false, "b? a b c", httplimit.Pass, 0, "c unavailable 0s"},
		{"it fails, and another would deny", []answer{yes, yes, failing}, httplimit.FallBack(nowhere{no}), false, "b? a b c", httplimit.Pass, 0, "c denied 7s"},
		{"it panics", []answer{yes, yes, panics}, httplimit.Refuse, false, "b? a b c", httplimit.Pass, 0, ""},
	} {
		for _, first := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, the first limiter %v", c.name, first), func(t *testing.T) {
				var asked, told []string
				limiters := make([]algorithms.Limiter, 3)
				for i, name := range []string{"a", "b", "c"} {
					limiters[i] = &stub{name, &asked, c.answers[i]}
				}
				failed := 0
				opts := []httplimit.DeciderOption{
					httplimit.OnShadow(func(_ *http.Request, s httplimit.Shadowed) {
						told = append(told, fmt.Sprint(s.Limiter, " ", s.Outcome, " ", s.Result.RetryAfter))
					}),
					httplimit.OnError(func(_ *http.Request, f httplimit.Failure) {
						failed++
						if f.Limiter != "c" {
							t.Errorf("the hook got a failure of %q", f.Limiter)
						}
					}),
				}
				if c.each {
					opts = append(opts, httplimit.ChargeEach())
				}
				also := func(i int, name string, opts ...httplimit.RuleOption) httplimit.DeciderOption {
					return httplimit.Also(limiters[i], append(opts, httplimit.Name(name), ofOneKey, letPass)...)
				}
				shadow := []httplimit.RuleOption{httplimit.Shadow(), httplimit.Name("c"), ofOneKey, httplimit.OnFailure(c.policy)}
				var d *httplimit.Decider
				if first {
					for _, opt := range shadow {
						opts = append(opts, opt)
					}
					d = decider(t, limiters[2], append(opts, also(0, "a"), also(1, "b"))...)
				} else {
					d = decider(t, limiters[0], append(opts, httplimit.Name("a"), also(1, "b"), httplimit.Also(limiters[2], shadow...))...)
				}
				got := decide(context.Background(), d)
				if got.Outcome != c.outcome || got.RetryAfter != c.wait {
					t.Errorf("%v, wait %v, want %v, %v", got.Outcome, got.RetryAfter, c.outcome, c.wait)
				}
				for _, denial := range got.Denials {
					if denial.Limiter == "c" {
						t.Errorf("it is among those that deny: %+v", got.Denials)
					}
				}
				short := strings.NewReplacer(" allow k 1", "", " peek k 1", "?").Replace(strings.Join(asked, " "))
				if short != c.asked || strings.Join(told, ", ") != c.told {
					t.Errorf("asked %q, the hook got %q, want %q, %q", short, told, c.asked, c.told)
				}
				if fails := strings.Contains(c.name, "it fails") || c.name == "it panics" || c.name == "it would never admit"; fails != (failed > 0) {
					t.Errorf("the hook got %d failures", failed)
				}
			})
		}
	}
}

// TestShadowHangs: a shadow that hangs is given up, and the request passes. The test doubles the timeout until the shadow is
// called before it passes. On a busy machine it may pass before the call.
func TestShadowHangs(t *testing.T) {
	for timeout, inTime := time.Millisecond, false; !inTime; timeout *= 2 {
		called := make(chan bool, 1)
		hangs := nowhere{func(ctx context.Context, n int64) (algorithms.Result, error) {
			called <- true
			return hanging(ctx, n)
		}}
		var shadowed []string
		var told told
		d := decider(t, nowhere{yes}, told.hook(),
			httplimit.Also(hangs, httplimit.Name("c"), httplimit.Shadow(), ofOneKey, httplimit.OnFailure(httplimit.Refuse), httplimit.Timeout(timeout)),
			httplimit.OnShadow(func(_ *http.Request, s httplimit.Shadowed) { shadowed = append(shadowed, s.Outcome.String()) }))
		if got := decide(context.Background(), d); got.Outcome != httplimit.Pass || !reflect.DeepEqual(shadowed, []string{"unavailable"}) {
			t.Errorf("%v, the hook got %q, want it to pass, and the shadow unavailable", got.Outcome, shadowed)
		}
		if len(told) != 1 || !errors.Is(told[0], context.DeadlineExceeded) {
			t.Errorf("the hook got %v, want a timeout", told)
		}
		select {
		case inTime = <-called:
		default:
		}
	}
}

// TestShadowCounts: a shadow is charged as much as if it were in force beside the others.
func TestShadowCounts(t *testing.T) {
	clock := limitertest.NewClock(start)
	local := func(rate int64) *algorithms.Local {
		return must(gcra.NewLocal(algorithms.PerMinute(rate), algorithms.WithClock(clock.Now)))
	}
	var told []string
	h := limitOf(local(3), httplimit.ShadowHeader(),
		httplimit.Also(local(2), httplimit.Name("strict"), httplimit.Shadow()),
		httplimit.OnShadow(func(_ *http.Request, s httplimit.Shadowed) {
			told = append(told, s.Outcome.String())
			if s.Limit != algorithms.PerMinute(2) {
				t.Errorf("its limit is %v", s.Limit)
			}
		}))(served)
	for i, c := range []struct {
		on                 time.Duration
		code               int
		remaining, shadows string
	}{
		{0, 200, "2", `"strict";q=2;r=1;t=30`},
		{0, 200, "1", `"strict";q=2;r=0;t=60`},
		{0, 200, "0", `"strict";q=2;r=0;t=30;denied`},
		{0, 429, "0", ""},
		{20 * time.Second, 200, "0", `"strict";q=2;r=0;t=10;denied`},
		{10 * time.Second, 429, "0", ""},
		{10 * time.Second, 200, "0", `"strict";q=2;r=0;t=50`},
	} {
		clock.Advance(c.on)
		w := get(h, "192.0.2.1")
		if w.Code != c.code {
			t.Errorf("step %d: status %d, want %d", i, w.Code, c.code)
		}
		wantFields(t, w, map[string]string{"X-RateLimit-Limit": "3", "X-RateLimit-Remaining": c.remaining, "X-RateLimit-Shadow": c.shadows})
	}
	if want := []string{"pass", "pass", "denied", "denied", "pass"}; !reflect.DeepEqual(told, want) {
		t.Errorf("the hook got %q, want %q", told, want)
	}
}

// TestShadowAlone: without a limit in force all requests pass, and only the field of ShadowHeader is set.
func TestShadowAlone(t *testing.T) {
	for _, style := range []httplimit.HeaderStyle{httplimit.XRateLimit, httplimit.IETFDraft11, httplimit.NoHeaders} {
		inner := limitOf(denies, httplimit.OnFailure(httplimit.LetPass), httplimit.Name("a b"), httplimit.Shadow(), httplimit.ShadowHeader(), httplimit.Headers(style))(served)
		outer := limitOf(failure{errDown}, httplimit.OnFailure(httplimit.Refuse), httplimit.Shadow(), httplimit.ShadowHeader(),
			httplimit.OnError(func(*http.Request, httplimit.Failure) {}))(inner)
		w := get(outer, "192.0.2.1")
		if w.Code != 200 {
			t.Errorf("status %d, want 200", w.Code)
		}
		wantFields(t, w, map[string]string{
			"X-RateLimit-Shadow": `"default";unavailable, "a b";q=5;r=0;t=7;denied`, "X-RateLimit-Limit": "", "RateLimit": "", "RateLimit-Policy": "", "Retry-After": "",
		})
	}
}

// TestShadowMistakes: no request is refused because of a mistake that the program makes about a shadow.
func TestShadowMistakes(t *testing.T) {
	for name, opt := range map[string]httplimit.RuleOption{
		"a key that panics":     httplimit.Key(func(*http.Request) string { panic("broken") }),
		"a cost that panics":    httplimit.Cost(func(*http.Request) int64 { panic(http.ErrAbortHandler) }),
		"a cost below 0":        httplimit.Cost(func(*http.Request) int64 { return -1 }),
		"a typed nil":           httplimit.LimiterFunc(func(*http.Request) algorithms.Limiter { return (*algorithms.Local)(nil) }),
		"a choice that panics":  httplimit.LimiterFunc(func(*http.Request) algorithms.Limiter { panic("broken") }),
		"a limit that is wrong": httplimit.LimitFunc(must(gcra.NewLocal(algorithms.PerMinute(1))).With, func(*http.Request) algorithms.Limit { return algorithms.PerMinute(-1) }),
	} {
		var told []error
		var unavailable int
		h := limitOf(left(3), httplimit.OnFailure(httplimit.Refuse),
			httplimit.Also(must(gcra.NewLocal(algorithms.PerMinute(1))), httplimit.Shadow(), httplimit.Name("tried"), opt),
			httplimit.OnShadow(func(_ *http.Request, s httplimit.Shadowed) {
				if s.Outcome == httplimit.Unavailable {
					unavailable++
				}
			}),
			httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { told = append(told, f.Err) }))(served)
		w := get(h, "192.0.2.1")
		if w.Code != 200 || len(told) != 1 || (unavailable == 0) != strings.Contains(name, "panics") {
			t.Errorf("%s: status %d, the hook got %v, reported %d times as unavailable", name, w.Code, told, unavailable)
		}
		wantFields(t, w, map[string]string{"X-RateLimit-Remaining": "3"})
	}
}

// TestShadowGone: a request whose context ends during the call of a shadow stays admitted by the limits in force.
func TestShadowGone(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	leaves := func(ctx context.Context, _ int64) (algorithms.Result, error) {
		cancel()
		<-ctx.Done()
		return algorithms.Result{}, ctx.Err()
	}
	d := decider(t, nowhere{yes}, httplimit.Also(nowhere{leaves}, httplimit.Name("tried"), httplimit.Shadow(), ofOneKey, letPass),
		httplimit.OnShadow(func(_ *http.Request, s httplimit.Shadowed) { t.Errorf("the hook got %+v, want no call", s) }))
	if got := d.Decide(httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)); got.Outcome != httplimit.Pass {
		t.Errorf("%v, want it to pass", got.Outcome)
	}
}

// TestShadowUnheard: New returns an error for a shadow whose decisions nothing reports.
func TestShadowUnheard(t *testing.T) {
	_, err := httplimit.New(instant{}, httplimit.OnFailure(httplimit.LetPass), httplimit.Shadow())
	if !errors.Is(err, algorithms.ErrInvalidOption) || !strings.Contains(err.Error(), "want OnShadow or") {
		t.Errorf("%v, want ErrInvalidOption that says what would report", err)
	}
	_, err = httplimit.NewDecider(instant{}, httplimit.OnFailure(httplimit.LetPass), httplimit.OnShadow(nil))
	if !errors.Is(err, algorithms.ErrInvalidOption) || !strings.Contains(err.Error(), "OnShadow is nil") {
		t.Errorf("%v, want ErrInvalidOption", err)
	}
}
