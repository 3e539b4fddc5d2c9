package httplimit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
)

// A stub gives the answers that the test has set, and records the questions.
type stub struct {
	name   string
	asked  *[]string
	answer func(ctx context.Context, cost int64) (algorithms.Result, error) // cost 0: a peek
}

func (s *stub) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	*s.asked = append(*s.asked, fmt.Sprintf("%s allow %s %d", s.name, key, n))
	if n < 1 {
		return algorithms.Result{}, algorithms.ErrInvalidCost
	}
	return s.answer(ctx, n)
}

func (s *stub) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return s.PeekN(ctx, key, 1)
}

func (s *stub) PeekN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	*s.asked = append(*s.asked, fmt.Sprintf("%s peek %s %d", s.name, key, n))
	if n < 1 {
		return algorithms.Result{}, algorithms.ErrInvalidCost
	}
	r, err := s.answer(ctx, 0)
	r.Allowed = r.Allowed && n <= r.Remaining
	return r, err
}

func (s *stub) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	return s.AllowN(ctx, key, 1)
}

func (s *stub) Reset(context.Context, string) error { return nil }

func says(r algorithms.Result, err error) func(context.Context, int64) (algorithms.Result, error) {
	return func(context.Context, int64) (algorithms.Result, error) { return r, err }
}

var (
	yes       = says(algorithms.Result{Allowed: true, Limit: 10, Remaining: 5}, nil)
	no        = says(algorithms.Result{Limit: 10, RetryAfter: 7 * time.Second}, nil)
	nolong    = says(algorithms.Result{Limit: 10, RetryAfter: 9 * time.Second}, nil)
	never     = says(algorithms.Result{}, fmt.Errorf("too much: %w", algorithms.ErrCostExceedsLimit))
	errBroken = errors.New("broken")
	failing   = says(algorithms.Result{}, errBroken)
)

// yesThenNo admits a Peek and denies the charge, as if another request had come in between.
func yesThenNo(ctx context.Context, cost int64) (algorithms.Result, error) {
	if cost == 0 {
		return yes(ctx, cost)
	}
	return no(ctx, cost)
}

type answer = func(context.Context, int64) (algorithms.Result, error)

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name     string
		answers  []answer // of limiters a, b, c
		policies []httplimit.Policy
		cost     int64
		each     bool
		asked    string // "a" is an AllowN, "a?" a Peek
		outcome  httplimit.Outcome
		wait     time.Duration
		failures string
	}{
		{"one admits", []answer{yes}, nil, 1, false, "a", httplimit.Pass, 0, ""},
		{"one denies", []answer{no}, nil, 1, false, "a", httplimit.Denied, 7 * time.Second, ""},
		{"one never admits", []answer{never}, nil, 1, false, "a", httplimit.Denied, 0, "a refuse"},
		{"one fails", []answer{failing}, nil, 1, false, "a", httplimit.Pass, 0, "a let pass"},
		{"one fails and refuses", []answer{failing}, []httplimit.Policy{httplimit.Refuse}, 1, false, "a", httplimit.Unavailable, time.Second, "a refuse"},

		{"all admit", []answer{yes, yes, yes}, nil, 1, false, "b? c? a b c", httplimit.Pass, 0, ""},
		{"the first denies", []answer{no, yes, yes}, nil, 1, false, "b? c? a", httplimit.Denied, 7 * time.Second, ""},
		{"the second denies", []answer{yes, no, yes}, nil, 1, false, "b? c? b", httplimit.Denied, 7 * time.Second, ""},
		{"two deny", []answer{yes, no, nolong}, nil, 1, false, "b? c? b c", httplimit.Denied, 9 * time.Second, ""},
		{"no room for the cost", []answer{yes, yes}, nil, 6, false, "b? b a", httplimit.Pass, 0, ""},
		{"just room for the cost", []answer{yes, yes}, nil, 5, false, "b? a b", httplimit.Pass, 0, ""},
		{"the last changes its mind", []answer{yes, yesThenNo}, nil, 1, false, "b? a b", httplimit.Denied, 7 * time.Second, ""},
		{"a wrong cost", []answer{yes, yes}, nil, -1, false, "", httplimit.Unavailable, 0, "a refuse, b refuse"},
		{"one of two never admits", []answer{never, no}, nil, 1, false, "b? b", httplimit.Denied, 7 * time.Second, ""},

		{"the second fails", []answer{yes, failing}, nil, 1, false, "b? a", httplimit.Pass, 0, "b let pass"},
		{"the second fails and refuses", []answer{yes, failing, yes}, []httplimit.Policy{httplimit.LetPass, httplimit.Refuse}, 1, false, "b?", httplimit.Unavailable, time.Second, "b refuse"},
		{"the first fails and refuses", []answer{failing, yes}, []httplimit.Policy{httplimit.Refuse}, 1, false, "b? a", httplimit.Unavailable, time.Second, "a refuse"},

		{"each, all admit", []answer{yes, yes}, nil, 1, true, "a b", httplimit.Pass, 0, ""},
		{"each, the first denies", []answer{nolong, yes, no}, nil, 1, true, "a b c", httplimit.Denied, 9 * time.Second, ""},
		{"each, one fails and refuses, one denies", []answer{failing, no}, []httplimit.Policy{httplimit.Refuse}, 1, true, "a b", httplimit.Denied, 7 * time.Second, "a refuse"},
		{"each, one never admits", []answer{no, never}, nil, 1, true, "a b", httplimit.Denied, 0, "b refuse"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked, failures []string
			opts := []httplimit.DeciderOption{httplimit.OnError(func(_ *http.Request, f httplimit.Failure) {
				failures = append(failures, f.Limiter+" "+f.Policy.String())
			})}
			if c.each {
				opts = append(opts, httplimit.ChargeEach())
			}
			for i, answer := range c.answers {
				name := string(rune('a' + i))
				rule := []httplimit.RuleOption{httplimit.Name(name), costs(c.cost), letPass}
				if i < len(c.policies) {
					rule = append(rule, httplimit.OnFailure(c.policies[i]))
				}
				if i > 0 {
					opts = append(opts, httplimit.Also(&stub{name, &asked, answer}, append(rule, ofOneKey)...))
					continue
				}
				for _, opt := range rule {
					opts = append(opts, opt)
				}
			}
			d := decider(t, &stub{"a", &asked, c.answers[0]}, opts...).Decide(httptest.NewRequest(http.MethodGet, "/", nil))
			var want []string
			for _, question := range strings.Fields(c.asked) {
				name, peek := strings.CutSuffix(question, "?")
				if peek {
					want = append(want, fmt.Sprintf("%s peek k %d", name, c.cost))
				} else {
					want = append(want, fmt.Sprintf("%s allow k %d", name, c.cost))
				}
			}
			if !slices.Equal(asked, want) {
				t.Errorf("asked %q, want %q", asked, want)
			}
			if d.Outcome != c.outcome || d.RetryAfter != c.wait {
				t.Errorf("outcome %v, wait %v, want %v, %v", d.Outcome, d.RetryAfter, c.outcome, c.wait)
			}
			if got := strings.Join(failures, ", "); got != c.failures {
				t.Errorf("failures %q, want %q", got, c.failures)
			}
		})
	}
}

// letPass is the OnFailure option for limiters without a method Local.
var letPass = httplimit.OnFailure(httplimit.LetPass)

// ofOneKey lets all requests share the key "k".
var ofOneKey = httplimit.Key(httplimit.Scope("k"))

func costs(n int64) httplimit.RuleOption {
	return httplimit.Cost(func(*http.Request) int64 { return n })
}

// decider returns a Decider whose first limiter counts all requests under one key. Its limiters have a Timeout of an hour,
// unless an option sets another one.
func decider(t *testing.T, limiter algorithms.Limiter, opts ...httplimit.DeciderOption) *httplimit.Decider {
	t.Helper()
	d, err := httplimit.NewDecider(limiter, append(append([]httplimit.DeciderOption{ofOneKey, letPass}, opts...), httplimit.Patient())...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestFallBack: the other limiter is asked when the first one fails. If it fails too, the
// request is refused. The hook gets both failures.
func TestFallBack(t *testing.T) {
	for _, c := range []struct {
		name           string
		first, another answer
		second         answer // the answer of a second limiter, or nil for none
		asked          string
		outcome        httplimit.Outcome
		failures       string
	}{
		{"not asked", yes, no, nil, "a allow", httplimit.Pass, ""},
		{"admits", failing, yes, nil, "a allow,f allow", httplimit.Pass, "fall back"},
		{"denies", failing, no, nil, "a allow,f allow", httplimit.Denied, "fall back"},
		{"never admits", failing, never, nil, "a allow,f allow", httplimit.Unavailable, "fall back,refuse"},
		{"fails", failing, failing, nil, "a allow,f allow", httplimit.Unavailable, "fall back,refuse"},
		{"is peeked in its turn", failing, yes, yes, "a peek,f peek,z allow,f allow", httplimit.Pass, "fall back"},
		{"denies when peeked", failing, no, yes, "a peek,f peek,f allow", httplimit.Denied, "fall back"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked, failures []string
			first, another := &stub{"a", &asked, c.first}, httplimit.OnFailure(httplimit.FallBack(&stub{"f", &asked, c.another}))
			told := httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { failures = append(failures, f.Policy.String()) })
			d := decider(t, first, another, told)
			if c.second != nil {
				d = decider(t, &stub{"z", &asked, c.second}, told, httplimit.Also(first, httplimit.Name("a"), ofOneKey, another))
			}
			outcome := d.Decide(httptest.NewRequest(http.MethodGet, "/", nil)).Outcome
			got := strings.ReplaceAll(strings.ReplaceAll(strings.Join(asked, ","), " k 1", ""), " k", "")
			if got != c.asked || outcome != c.outcome || strings.Join(failures, ",") != c.failures {
				t.Errorf("asked %q, outcome %v, failures %q; want %q, %v, %q", got, outcome, failures, c.asked, c.outcome, c.failures)
			}
		})
	}
}

// TestApplies: a limiter is not asked if its rule does not apply, or the request has a cost of 0.
func TestApplies(t *testing.T) {
	for name, opt := range map[string]httplimit.RuleOption{
		"no key":       httplimit.Key(httplimit.Header("X-Key")),
		"free":         costs(0),
		"skipped":      httplimit.Skip(func(*http.Request) bool { return true }),
		"other method": httplimit.Methods(http.MethodPost),
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			d := decider(t, &stub{"a", &asked, no}, opt)
			if got := d.Decide(httptest.NewRequest(http.MethodGet, "/", nil)); len(asked) > 0 || got.Outcome != httplimit.Pass {
				t.Errorf("asked %q, outcome %v, want it not asked", asked, got.Outcome)
			}
		})
	}
}

// TestDenials: a Decision has the name, the limit and the answer of each limiter that denies, and of no other. The
// function of OnDenied is called with a Verdict, as it is by the middleware. The error of NewDecider names everything
// that is wrong.
func TestDenials(t *testing.T) {
	second, minute := algorithms.PerSecond(1), algorithms.PerMinute(5)
	var told []httplimit.Verdict
	d := decider(t, limited{nowhere{no}, second}, httplimit.ChargeEach(), httplimit.Name("a"),
		httplimit.Also(nowhere{yes}, httplimit.Name("b"), letPass),
		httplimit.Also(limited{nowhere{nolong}, minute}, httplimit.Name("c"), letPass),
		httplimit.Also(nowhere{no}, httplimit.Name("d"), letPass),
		httplimit.OnDenied(func(_ *http.Request, v httplimit.Verdict) { told = append(told, v) }),
	)
	short, long := algorithms.Result{Limit: 10, RetryAfter: 7 * time.Second}, algorithms.Result{Limit: 10, RetryAfter: 9 * time.Second}
	want := httplimit.Decision{Outcome: httplimit.Denied, RetryAfter: 9 * time.Second, Denials: []httplimit.Denial{
		{Limiter: "a", Limit: second, Result: short},
		{Limiter: "c", Limit: minute, Result: long},
		{Limiter: "d", Result: short},
	}}
	if got := d.Decide(httptest.NewRequest(http.MethodGet, "/", nil)); !reflect.DeepEqual(got, want) {
		t.Errorf("decided %+v, want %+v", got, want)
	}
	verdicts := []httplimit.Verdict{{Status: 429, RetryAfter: 9 * time.Second, Denied: []string{"a", "c", "d"}, Result: long}}
	if !reflect.DeepEqual(told, verdicts) {
		t.Errorf("the hook got %+v, want %+v", told, verdicts)
	}
	forGood := decider(t, limited{nowhere{never}, second}).Decide(httptest.NewRequest(http.MethodGet, "/", nil))
	want = httplimit.Decision{Outcome: httplimit.Denied, Denials: []httplimit.Denial{{Limiter: "default", Limit: second}}}
	if !reflect.DeepEqual(forGood, want) {
		t.Errorf("decided %+v, want %+v", forGood, want)
	}
	none, err := httplimit.NewDecider(nil, nil, httplimit.OnDenied(nil))
	for _, says := range []string{`limiter "default" is nil`, "an option is nil", "OnDenied"} {
		if none != nil || !errors.Is(err, algorithms.ErrInvalidOption) || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want ErrInvalidOption that says %q", err, says)
		}
	}
}

// limited is a limiter with a method Limit.
type limited struct {
	algorithms.Limiter
	limit algorithms.Limit
}

func (l limited) Limit() algorithms.Limit { return l.limit }

// TestLimiterOf: LimiterFunc can choose another limiter, or return nil for the rule's own. If LimitFunc can't
// make a limiter, the request is refused.
func TestLimiterOf(t *testing.T) {
	var asked []string
	other := &stub{"b", &asked, yes}
	for _, c := range []struct {
		limiter algorithms.Limiter
		err     error
		asked   string
		outcome httplimit.Outcome
	}{
		{nil, nil, "a allow k 1", httplimit.Pass},
		{other, nil, "b allow k 1", httplimit.Pass},
		{nil, errBroken, "", httplimit.Unavailable},
	} {
		asked = nil
		opts := []httplimit.DeciderOption{httplimit.OnFailure(httplimit.Refuse), httplimit.LimiterFunc(func(*http.Request) algorithms.Limiter { return c.limiter })}
		if c.err != nil {
			opts[1] = httplimit.LimitFunc(func(algorithms.Limit) (*stub, error) { return nil, c.err },
				func(*http.Request) algorithms.Limit { return algorithms.PerSecond(1) })
		}
		outcome := decider(t, &stub{"a", &asked, yes}, opts...).Decide(httptest.NewRequest(http.MethodGet, "/", nil)).Outcome
		if got := strings.Join(asked, ","); got != c.asked || outcome != c.outcome {
			t.Errorf("%v, %v: asked %q, outcome %v, want %q, %v", c.limiter, c.err, got, outcome, c.asked, c.outcome)
		}
	}
}
