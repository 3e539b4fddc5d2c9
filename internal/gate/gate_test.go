package gate_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/gate"
)

// A stub answers as it is told, and writes down what it was asked.
type stub struct {
	name   string
	asked  *[]string
	answer func(ctx context.Context, cost int64) (algorithms.Result, error) // cost 0: a peek
}

func (s *stub) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	*s.asked = append(*s.asked, fmt.Sprintf("%s allow %s %d", s.name, key, n))
	return s.answer(ctx, n)
}

func (s *stub) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	*s.asked = append(*s.asked, fmt.Sprintf("%s peek %s", s.name, key))
	return s.answer(ctx, 0)
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

// yesThenNo admits when it is peeked, and denies when it is charged: others came between.
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
		policies []gate.Policy
		cost     int64
		each     bool
		asked    string // "a" is an AllowN, "a?" a Peek
		outcome  gate.Outcome
		wait     time.Duration
		failures string
	}{
		{"one admits", []answer{yes}, nil, 1, false, "a", gate.Pass, 0, ""},
		{"one denies", []answer{no}, nil, 1, false, "a", gate.Deny, 7 * time.Second, ""},
		{"one never admits", []answer{never}, nil, 1, false, "a", gate.Deny, 0, "a refuse"},
		{"one fails", []answer{failing}, nil, 1, false, "a", gate.Pass, 0, "a let pass"},
		{"one fails and refuses", []answer{failing}, []gate.Policy{gate.Refuse}, 1, false, "a", gate.Unavailable, 0, "a refuse"},

		{"all admit", []answer{yes, yes, yes}, nil, 1, false, "b? c? a b c", gate.Pass, 0, ""},
		{"the first denies", []answer{no, yes, yes}, nil, 1, false, "b? c? a", gate.Deny, 7 * time.Second, ""},
		{"the second denies", []answer{yes, no, yes}, nil, 1, false, "b? c? b", gate.Deny, 7 * time.Second, ""},
		{"two deny", []answer{yes, no, nolong}, nil, 1, false, "b? c? b c", gate.Deny, 9 * time.Second, ""},
		{"no room for the cost", []answer{yes, yes}, nil, 7, false, "b? b a", gate.Pass, 0, ""},
		{"just room for the cost", []answer{yes, yes}, nil, 6, false, "b? a b", gate.Pass, 0, ""},
		{"the last changes its mind", []answer{yes, yesThenNo}, nil, 1, false, "b? a b", gate.Deny, 7 * time.Second, ""},
		{"a wrong cost is asked for before the others are charged", []answer{yes, yes}, nil, -1, false, "b? b a", gate.Pass, 0, ""},
		{"one of two never admits", []answer{never, no}, nil, 1, false, "b? b", gate.Deny, 7 * time.Second, ""},

		{"the second fails", []answer{yes, failing}, nil, 1, false, "b? a", gate.Pass, 0, "b let pass"},
		{"the second fails and refuses", []answer{yes, failing, yes}, []gate.Policy{{}, gate.Refuse}, 1, false, "b?", gate.Unavailable, 0, "b refuse"},
		{"the first fails and refuses", []answer{failing, yes}, []gate.Policy{gate.Refuse}, 1, false, "b? a", gate.Unavailable, 0, "a refuse"},

		{"each, all admit", []answer{yes, yes}, nil, 1, true, "a b", gate.Pass, 0, ""},
		{"each, the first denies", []answer{nolong, yes, no}, nil, 1, true, "a b c", gate.Deny, 9 * time.Second, ""},
		{"each, one fails and refuses, one denies", []answer{failing, no}, []gate.Policy{gate.Refuse}, 1, true, "a b", gate.Deny, 7 * time.Second, "a refuse"},
		{"each, one never admits", []answer{no, never}, nil, 1, true, "a b", gate.Deny, 0, "b refuse"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked, failures []string
			g := gate.Gate{ChargeEach: c.each, OnError: func(_ *http.Request, f gate.Failure) {
				failures = append(failures, f.Limiter+" "+f.Policy.String())
			}}
			for i, answer := range c.answers {
				name := string(rune('a' + i))
				g.Rules = append(g.Rules, ruleOf(name, &stub{name, &asked, answer}, c.cost))
			}
			for i, policy := range c.policies {
				g.Rules[i].OnFailure = policy
			}
			check(t, &g)
			d := g.Decide(httptest.NewRequest(http.MethodGet, "/", nil))
			defer d.Free()
			var want []string
			for _, question := range strings.Fields(c.asked) {
				name, peek := strings.CutSuffix(question, "?")
				if peek {
					want = append(want, name+" peek k")
				} else {
					want = append(want, fmt.Sprintf("%s allow k %d", name, c.cost))
				}
			}
			if !slices.Equal(asked, want) {
				t.Errorf("asked %q, want %q", asked, want)
			}
			if d.Outcome() != c.outcome || d.RetryAfter() != c.wait {
				t.Errorf("outcome %v, wait %v, want %v, %v", d.Outcome(), d.RetryAfter(), c.outcome, c.wait)
			}
			if got := strings.Join(failures, ", "); got != c.failures {
				t.Errorf("failures %q, want %q", got, c.failures)
			}
		})
	}
}

func ruleOf(name string, limiter algorithms.Limiter, cost int64) *gate.Rule {
	rule := gate.NewRule(limiter)
	rule.Name, rule.Timeout = name, time.Hour
	rule.Key = func(*http.Request) string { return "k" }
	rule.Cost = func(*http.Request) int64 { return cost }
	return rule
}

func check(t *testing.T, g *gate.Gate) {
	t.Helper()
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
}

// TestFallBack: the other limiter is asked what the first could not answer; where it fails too, the
// request is refused. The hook is told of both.
func TestFallBack(t *testing.T) {
	for _, c := range []struct {
		name           string
		first, another answer
		second         answer // the answer of a second limiter, or nil for none
		asked          string
		outcome        gate.Outcome
		failures       string
	}{
		{"not asked", yes, no, nil, "a allow", gate.Pass, ""},
		{"admits", failing, yes, nil, "a allow,f allow", gate.Pass, "fall back"},
		{"denies", failing, no, nil, "a allow,f allow", gate.Deny, "fall back"},
		{"never admits", failing, never, nil, "a allow,f allow", gate.Deny, "fall back,refuse"},
		{"fails", failing, failing, nil, "a allow,f allow", gate.Unavailable, "fall back,refuse"},
		{"is peeked in its turn", failing, yes, yes, "a peek,f peek,z allow,f allow", gate.Pass, "fall back"},
		{"denies when peeked", failing, no, yes, "a peek,f peek,f allow", gate.Deny, "fall back"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked, failures []string
			rule := ruleOf("a", &stub{"a", &asked, c.first}, 1)
			rule.OnFailure = gate.FallBack(&stub{"f", &asked, c.another})
			g := gate.Gate{Rules: []*gate.Rule{rule}, OnError: func(_ *http.Request, f gate.Failure) {
				failures = append(failures, f.Policy.String())
			}}
			if c.second != nil {
				g.Rules = []*gate.Rule{ruleOf("z", &stub{"z", &asked, c.second}, 1), rule}
			}
			check(t, &g)
			d := g.Decide(httptest.NewRequest(http.MethodGet, "/", nil))
			defer d.Free()
			got := strings.ReplaceAll(strings.ReplaceAll(strings.Join(asked, ","), " k 1", ""), " k", "")
			if got != c.asked || d.Outcome() != c.outcome || strings.Join(failures, ",") != c.failures {
				t.Errorf("asked %q, outcome %v, failures %q; want %q, %v, %q", got, d.Outcome(), failures, c.asked, c.outcome, c.failures)
			}
		})
	}
}

// TestApplies: a limiter is not asked where its rule does not apply, or the request is free.
func TestApplies(t *testing.T) {
	for name, change := range map[string]func(*gate.Rule){
		"no key":  func(r *gate.Rule) { r.Key = func(*http.Request) string { return "" } },
		"free":    func(r *gate.Rule) { r.Cost = func(*http.Request) int64 { return 0 } },
		"skipped": func(r *gate.Rule) { r.Skip = append(r.Skip, func(*http.Request) bool { return true }) },
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			rule := ruleOf("a", &stub{"a", &asked, no}, 1)
			change(rule)
			g := gate.Gate{Rules: []*gate.Rule{rule}}
			check(t, &g)
			d := g.Decide(httptest.NewRequest(http.MethodGet, "/", nil))
			defer d.Free()
			if len(asked) > 0 || d.Outcome() != gate.Pass || len(d.Parts) > 0 {
				t.Errorf("asked %q, outcome %v, %d parts, want none asked", asked, d.Outcome(), len(d.Parts))
			}
		})
	}
}

// TestLimiterOf: another limiter can be asked for a request, nil being the rule's own; that there is none is
// a failure.
func TestLimiterOf(t *testing.T) {
	var asked []string
	other := &stub{"b", &asked, yes}
	for _, c := range []struct {
		limiter algorithms.Limiter
		err     error
		asked   string
		outcome gate.Outcome
	}{
		{nil, nil, "a allow k 1", gate.Pass},
		{other, nil, "b allow k 1", gate.Pass},
		{nil, errBroken, "", gate.Unavailable},
	} {
		asked = nil
		rule := ruleOf("a", &stub{"a", &asked, yes}, 1)
		rule.LimiterOf = func(*http.Request) (algorithms.Limiter, error) { return c.limiter, c.err }
		rule.OnFailure = gate.Refuse
		g := gate.Gate{Rules: []*gate.Rule{rule}}
		check(t, &g)
		d := g.Decide(httptest.NewRequest(http.MethodGet, "/", nil))
		if got := strings.Join(asked, ","); got != c.asked || d.Outcome() != c.outcome {
			t.Errorf("%v, %v: asked %q, outcome %v, want %q, %v", c.limiter, c.err, got, d.Outcome(), c.asked, c.outcome)
		}
		d.Free()
	}
}
