package httplimit_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// A wire is a runner over a server. It records the scripts that it has run.
type wire struct {
	*resptest.Conn
	apart bool          // keys with different hash tags can't be in one script
	let   chan struct{} // calls wait until it is closed; nil: they don't wait

	mu        sync.Mutex
	ran       []string
	fails     error
	out, most atomic.Int64
}

func newWire(t *testing.T) *wire {
	_, conn := resptest.Miniredis(t)
	return &wire{Conn: conn}
}

func (w *wire) Place(_ context.Context, key string) (scripts.Place, bool) {
	if !w.apart {
		return scripts.Place{}, true
	}
	return scripts.Place{Group: scripts.HashTag(key)}, true
}

func (w *wire) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	w.mu.Lock()
	w.ran = append(w.ran, s.Name())
	fails := w.fails
	w.mu.Unlock()
	if out := w.out.Add(1); out > w.most.Load() {
		w.most.Store(out)
	}
	defer w.out.Add(-1)
	if w.let != nil {
		<-w.let
	}
	if fails != nil {
		return nil, fails
	}
	return w.Conn.Run(ctx, s, keys, args)
}

// took returns the scripts that ran since the last call of took.
func (w *wire) took() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ran := strings.Join(w.ran, " ")
	w.ran = nil
	return ran
}

// byUser makes the user the key of a request.
var byUser = httplimit.Key(httplimit.Header("User"))

func as(h http.Handler, user string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("User", user)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return serve(h, r)
}

// TestTogether: limiters over one server are asked in one script, and none is charged for a request that another denies.
func TestTogether(t *testing.T) {
	run := newWire(t)
	user := must(gcra.New(run, algorithms.PerHour(2)))
	tenant := must(fixedwindow.New(run, algorithms.PerHour(3)))
	h := limitOf(user, byUser, httplimit.Name("user"), httplimit.Headers(httplimit.IETFDraft11),
		httplimit.Also(tenant, httplimit.Name("tenant"), ofOneKey, httplimit.Cost(func(r *http.Request) int64 {
			switch r.Header.Get("Cost") {
			case "0":
				return 0
			case "4":
				return 4
			}
			return 1
		})))(served)
	for i, c := range []struct {
		user, cost string
		code       int
		left, ran  string
	}{
		{"a", "", 200, "user 1, tenant 2", "allof"},
		{"a", "", 200, "user 0, tenant 1", "allof"},
		{"a", "", 429, "user 0, tenant 1", "allof"},
		{"b", "4", 429, "user 2", "gcra_peek"}, // the tenant's limiter can never admit it
		{"b", "0", 200, "user 1", "gcra"},      // the tenant's limiter doesn't apply
		{"b", "", 200, "user 0, tenant 0", "allof"},
		{"c", "", 429, "user 2, tenant 0", "allof"},
		{"b", "", 429, "user 0, tenant 0", "allof"},
	} {
		w := as(h, c.user, "Cost", c.cost)
		var left []string
		for _, item := range strings.Split(w.Header().Get("RateLimit"), ", ") {
			name, rest, _ := strings.Cut(item, ";r=")
			remaining, _, _ := strings.Cut(rest, ";")
			left = append(left, strings.Trim(name, `"`)+" "+remaining)
		}
		if w.Code != c.code {
			t.Errorf("step %d: status %d, want %d", i, w.Code, c.code)
		}
		if ran := run.took(); ran != c.ran && c.cost != "4" {
			t.Errorf("step %d: ran %q, want %q", i, ran, c.ran)
		}
		if got := strings.Join(left, ", "); got != c.left && c.cost != "4" {
			t.Errorf("step %d: left %q, want %q", i, got, c.left)
		}
		if retry := w.Header().Get("Retry-After"); (retry != "") != (c.code == 429 && c.cost != "4") {
			t.Errorf("step %d: Retry-After %q", i, retry)
		}
	}
}

// TestTogetherVerdict: the hook gets the limiters that deny, and the longest wait.
func TestTogetherVerdict(t *testing.T) {
	run := newWire(t)
	var told []httplimit.Verdict
	d := decider(t, must(gcra.New(run, algorithms.PerHour(1))), httplimit.Name("a"),
		httplimit.Also(must(gcra.New(run, algorithms.PerDay(1))), httplimit.Name("b"), ofOneKey),
		httplimit.Also(must(gcra.New(run, algorithms.PerMinute(9))), httplimit.Name("c"), ofOneKey),
		httplimit.OnDenied(func(_ *http.Request, v httplimit.Verdict) { told = append(told, v) }))
	decide(context.Background(), d)
	got := decide(context.Background(), d)
	if len(told) != 1 || !slices.Equal(told[0].Denied, []string{"a", "b"}) || told[0].RetryAfter <= 23*time.Hour || told[0].RetryAfter != got.RetryAfter {
		t.Errorf("the hook got %+v, decided %+v, want a and b that deny for a day", told, got)
	}
	if len(got.Denials) != 2 || got.Denials[0].Limit != algorithms.PerHour(1) || got.Denials[1].Result.RetryAfter != got.RetryAfter {
		t.Errorf("denials %+v", got.Denials)
	}
	if ran := run.took(); ran != "allof allof" {
		t.Errorf("ran %q", ran)
	}
}

// TestTogetherRace: among requests that race, those that one limiter denies are charged to none.
func TestTogetherRace(t *testing.T) {
	first, second := must(gcra.NewLocal(algorithms.PerDay(1000))), must(gcra.NewLocal(algorithms.PerDay(10)))
	d := decider(t, first, httplimit.Also(second, httplimit.Name("second"), ofOneKey))
	outcomes := flood(1000, func(int) httplimit.Outcome { return decide(context.Background(), d).Outcome })
	got, err := first.Peek(context.Background(), "k")
	if outcomes[httplimit.Pass] != 10 || err != nil || got.Remaining != 990 {
		t.Errorf("%v, and the first has %d left (%v), want 10 admitted, and charged once each", outcomes, got.Remaining, err)
	}
}

// TestTogetherShares: requests don't share the denial of one limiter if only the key of another limiter is the same.
func TestTogetherShares(t *testing.T) {
	const others, same = 200, 100
	run := newWire(t)
	run.let = make(chan struct{})
	refuse := httplimit.OnFailure(httplimit.Refuse)
	h := limitOf(must(gcra.New(run, algorithms.PerDay(1))), byUser, refuse,
		httplimit.Also(must(gcra.New(run, algorithms.PerDay(5000))), httplimit.Name("all"), ofOneKey, refuse))(served)
	go func() {
		until(func() bool { return run.out.Load() == 32 && httplimit.Waiting() >= others+same-64 })
		close(run.let)
	}()
	var served atomic.Int64
	flood(others+same, func(i int) httplimit.Outcome {
		user := "the same"
		if i%3 > 0 {
			user = fmt.Sprint("user ", i)
		}
		if as(h, user).Code == 200 {
			served.Add(1)
		}
		return httplimit.Pass
	})
	if n := served.Load(); n != others+1 {
		t.Errorf("%d were served, want %d: each user once", n, others+1)
	}
}

// TestApart: limiters that can't be decided as one are asked one after the other.
func TestApart(t *testing.T) {
	for name, c := range map[string]struct {
		first, second func(run scripts.Runner) algorithms.Limiter
		opts          []httplimit.RuleOption // of the second
		apart         bool
	}{
		"a cache": {second: func(run scripts.Runner) algorithms.Limiter {
			return must(denialcache.New(must(gcra.New(run, algorithms.PerDay(3)))))
		}},
		"another time to answer": {opts: []httplimit.RuleOption{httplimit.Timeout(time.Minute)}},
		"another runner": {second: func(run scripts.Runner) algorithms.Limiter {
			return must(gcra.New(&wire{Conn: run.(*wire).Conn}, algorithms.PerDay(3)))
		}},
		"keys of two slots": {opts: []httplimit.RuleOption{httplimit.Key(httplimit.Scope("other"))}, apart: true},
	} {
		t.Run(name, func(t *testing.T) {
			run := newWire(t)
			run.apart = c.apart
			second := algorithms.Limiter(must(gcra.New(run, algorithms.PerDay(3))))
			if c.second != nil {
				second = c.second(run)
			}
			d := decider(t, must(gcra.New(run, algorithms.PerDay(2))), httplimit.OnFailure(httplimit.Refuse),
				httplimit.Also(second, append([]httplimit.RuleOption{httplimit.Name("second"), ofOneKey}, c.opts...)...))
			for i, want := range []httplimit.Outcome{httplimit.Pass, httplimit.Pass, httplimit.Denied, httplimit.Denied, httplimit.Denied, httplimit.Denied, httplimit.Denied} {
				if got := decide(context.Background(), d); got.Outcome != want {
					t.Errorf("request %d: %v, want %v", i, got.Outcome, want)
				}
			}
			ran := run.took()
			if strings.Contains(ran, "allof") {
				t.Errorf("ran %q, want nothing as one", ran)
			}
		})
	}
}

// TestTogetherOneKey: if a key has foreign contents, only the limiter of that key fails.
func TestTogetherOneKey(t *testing.T) {
	run := newWire(t)
	if _, err := run.Do("SET", "weir:{bad}:gcra:3/1d", "foreign"); err != nil {
		t.Fatal(err)
	}
	var told []string
	d := decider(t, must(gcra.New(run, algorithms.PerDay(2))), httplimit.OnFailure(httplimit.Refuse), httplimit.Name("first"),
		httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { told = append(told, f.Limiter) }),
		httplimit.Also(must(gcra.New(run, algorithms.PerDay(3))), httplimit.Name("second"), httplimit.Key(httplimit.Scope("bad")), letPass))
	for i, want := range []httplimit.Outcome{httplimit.Pass, httplimit.Pass, httplimit.Denied, httplimit.Denied, httplimit.Denied, httplimit.Denied, httplimit.Denied} {
		if got := decide(context.Background(), d); got.Outcome != want {
			t.Errorf("request %d: %v, want %v", i, got.Outcome, want)
		}
	}
	if !slices.Equal(told, slices.Repeat([]string{"second"}, 7)) {
		t.Errorf("the hook got failures of %q, want those of the second", told)
	}
}

// TestTogetherPlans: limiters that LimitFunc chooses for a request decide as one.
func TestTogetherPlans(t *testing.T) {
	run := newWire(t)
	user := must(gcra.New(run, algorithms.PerDay(1)))
	h := limitOf(user, byUser, httplimit.LimitFunc(user.With, func(r *http.Request) algorithms.Limit {
		switch r.Header.Get("Plan") {
		case "two":
			return algorithms.PerDay(2)
		case "none":
			return httplimit.DenyAll
		case "all":
			return httplimit.Unlimited
		}
		return algorithms.Limit{}
	}), httplimit.Also(must(gcra.New(run, algorithms.PerDay(5))), httplimit.Name("all"), ofOneKey))(served)
	for i, c := range []struct {
		user, plan string
		code       int
		ran        string
	}{
		{"a", "", 200, "allof"}, {"a", "", 429, "allof"}, {"a", "two", 200, "allof"}, {"a", "two", 200, "allof"}, {"a", "two", 429, "allof"},
		{"a", "none", 429, ""}, {"a", "all", 200, "gcra"}, {"b", "", 200, "allof"}, {"c", "", 429, "allof"},
	} {
		if w, ran := as(h, c.user, "Plan", c.plan), run.took(); w.Code != c.code || ran != c.ran {
			t.Errorf("step %d: status %d, ran %q, want %d, %q", i, w.Code, ran, c.code, c.ran)
		}
	}
}
