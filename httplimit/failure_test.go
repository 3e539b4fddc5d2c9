package httplimit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/slidinglog"
)

// A server is a scripts.Runner that fails with an error.
type server struct {
	err   error
	calls int
}

func (s *server) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	s.calls++
	return nil, s.err
}

// quiet drops failures, so that they aren't logged.
var quiet = httplimit.OnError(func(*http.Request, httplimit.Failure) {})

// TestLocalByDefault: without a policy a limiter of the same limit in this process replaces a limiter that fails. It keeps
// its counts from one failure to the next, also if the limiter that fails is behind a cache.
func TestLocalByDefault(t *testing.T) {
	remote := must(gcra.New(&server{err: errDown}, algorithms.PerHour(3)))
	for name, limiter := range map[string]algorithms.Limiter{"plain": remote, "cached": must(denialcache.New(must(gcra.New(&server{err: errDown}, algorithms.PerHour(3)))))} {
		var told []string
		h := limitOf(limiter, httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { told = append(told, f.Policy.String()) }))(served)
		for i, code := range []int{200, 200, 200, 429, 429, 429, 429} {
			w := get(h, "192.0.2.1")
			if w.Code != code {
				t.Errorf("%s, request %d: status %d, want %d", name, i, w.Code, code)
			}
			wantFields(t, w, map[string]string{"X-RateLimit-Limit": "3"})
		}
		if w := get(h, "192.0.2.2"); w.Code != 200 || strings.Join(told, ",") != strings.Repeat("local,", 7)+"local" {
			t.Errorf("%s: another client has %d, the hook got %q", name, w.Code, told)
		}
	}
}

// TestLocalOfPlans: each plan has its own limit while the server is away, and plans that share a count on the server share
// it here.
func TestLocalOfPlans(t *testing.T) {
	remote := must(slidinglog.New(&server{err: errDown}, algorithms.PerHour(1)))
	planOf := func(r *http.Request) algorithms.Limit {
		if r.Header.Get("Plan") == "gold" {
			return algorithms.PerHour(4)
		}
		return algorithms.Limit{}
	}
	for name, opt := range map[string]httplimit.RuleOption{
		"LimitFunc": httplimit.LimitFunc(remote.With, planOf),
		"LimiterFunc": httplimit.LimiterFunc(func(r *http.Request) algorithms.Limiter {
			if limit := planOf(r); limit != (algorithms.Limit{}) {
				return must(remote.With(limit)) // a new one for each request
			}
			return nil
		}),
	} {
		h := limitOf(remote, opt, quiet, httplimit.Key(httplimit.Scope(name)))(served)
		var codes []int
		for _, plan := range []string{"", "", "gold", "gold", "gold", "gold", ""} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Plan", plan)
			codes = append(codes, serve(h, r).Code)
		}
		if got, want := fmt.Sprint(codes), "[200 429 200 200 200 429 429]"; got != want {
			t.Errorf("%s: statuses %s, want %s", name, got, want)
		}
	}
}

// TestNoLocal: a limiter without a Local needs a policy, in New, in Also and in LimitFunc.
func TestNoLocal(t *testing.T) {
	local := must(gcra.NewLocal(algorithms.PerHour(1)))
	cached := must(denialcache.New(failure{errDown}))
	none := func(algorithms.Limit) (failure, error) { return failure{}, nil }
	plan := func(*http.Request) algorithms.Limit { return algorithms.Limit{} }
	for name, c := range map[string]struct {
		limiter algorithms.Limiter
		opts    []httplimit.Option
	}{
		"of New":       {failure{errDown}, nil},
		"cached":       {cached, nil},
		"of Also":      {local, []httplimit.Option{httplimit.Also(failure{errDown}, httplimit.Name("b"))}},
		"of LimitFunc": {local, []httplimit.Option{httplimit.LimitFunc(none, plan)}},
	} {
		_, err := httplimit.New(c.limiter, c.opts...)
		if !errors.Is(err, algorithms.ErrInvalidOption) || !errors.Is(err, algorithms.ErrNoLocal) || !strings.Contains(err.Error(), "want OnFailure") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, policy := range []httplimit.Policy{httplimit.LetPass, httplimit.Refuse, httplimit.FallBack(local)} {
		if _, err := httplimit.New(failure{errDown}, httplimit.OnFailure(policy), httplimit.LimitFunc(none, plan)); err != nil {
			t.Errorf("%v: %v", policy, err)
		}
	}
	// New can't know that LimiterFunc will return a limiter without a Local. If that limiter fails, the request is refused.
	var told error
	h := limitOf(local, httplimit.LimiterFunc(func(*http.Request) algorithms.Limiter { return failure{errDown} }),
		httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { told = f.Err }))(served)
	if w := get(h, "192.0.2.1"); w.Code != 503 || !errors.Is(told, errDown) || !errors.Is(told, algorithms.ErrNoLocal) {
		t.Errorf("status %d, the hook got %v", w.Code, told)
	}
}

// TestServerAway: a limiter that fails five times in a row is asked by one request at a time from then on, whatever the
// policy. The error wraps the cause.
func TestServerAway(t *testing.T) {
	for _, policy := range []httplimit.Policy{httplimit.Local, httplimit.LetPass, httplimit.Refuse} {
		clock := limitertest.NewClock(start)
		s := &server{err: errDown}
		var told error
		d := decider(t, must(gcra.New(s, algorithms.PerHour(100))), httplimit.WithClock(clock.Now), httplimit.OnFailure(policy),
			httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { told = f.Err }))
		for range 20 {
			decide(context.Background(), d)
		}
		if s.calls != 5 || !errors.Is(told, httplimit.ErrAway) || !errors.Is(told, errDown) {
			t.Errorf("%v: %d calls, the hook got %v", policy, s.calls, told)
		}
		clock.Advance(time.Second)
		for range 20 {
			decide(context.Background(), d)
		}
		if s.calls != 6 {
			t.Errorf("%v: %d calls, want one probe", policy, s.calls)
		}
	}
}

// TestKeysOwnFailure: if the server can't decide on a key, the policy decides. The limiter is still asked about other keys.
func TestKeysOwnFailure(t *testing.T) {
	for _, text := range []string{"WRONGTYPE Operation against a key holding the wrong kind of value", "WEIRSTATE no state of this script"} {
		s := &server{err: errors.New(text)}
		d := decider(t, must(gcra.New(s, algorithms.PerHour(2))), httplimit.OnFailure(httplimit.Local), quiet)
		var outcomes []httplimit.Outcome
		for range 10 {
			outcomes = append(outcomes, decide(context.Background(), d).Outcome)
		}
		if s.calls != 10 || outcomes[1] != httplimit.Pass || outcomes[2] != httplimit.Denied {
			t.Errorf("%s: %d calls, outcomes %v", text, s.calls, outcomes)
		}
	}
}

// TestMistakesRefuse: if the program has made a mistake, the request is refused and the mistake is reported, whatever the
// policy.
func TestMistakesRefuse(t *testing.T) {
	local := must(gcra.NewLocal(algorithms.PerHour(10)))
	limit := func(l algorithms.Limit) httplimit.RuleOption {
		return httplimit.LimitFunc(local.With, func(*http.Request) algorithms.Limit { return l })
	}
	lateClock := must(gcra.NewLocal(algorithms.PerHour(10), algorithms.WithClock(func() time.Time { return time.Unix(-1, 0) })))
	for name, c := range map[string]struct {
		limiter algorithms.Limiter
		opt     httplimit.RuleOption
		want    error
	}{
		"cost -1":             {local, costs(-1), algorithms.ErrInvalidCost},
		"no rate":             {local, limit(algorithms.PerHour(0)), algorithms.ErrInvalidLimit},
		"negative":            {local, limit(algorithms.PerHour(-5)), algorithms.ErrInvalidLimit},
		"no period":           {local, limit(algorithms.Per(1, 0)), algorithms.ErrInvalidLimit},
		"nil by with":         {local, httplimit.LimitFunc(func(algorithms.Limit) (*algorithms.Local, error) { return nil, nil }, func(*http.Request) algorithms.Limit { return algorithms.PerHour(1) }), algorithms.ErrNilLimiter},
		"typed nil limiter":   {local, httplimit.LimiterFunc(func(*http.Request) algorithms.Limiter { return (*algorithms.Local)(nil) }), algorithms.ErrNilLimiter},
		"limiter's cost":      {failure{fmt.Errorf("a: %w", algorithms.ErrInvalidCost)}, costs(1), algorithms.ErrInvalidCost},
		"limiter's limit":     {failure{fmt.Errorf("a: %w", algorithms.ErrInvalidLimit)}, costs(1), algorithms.ErrInvalidLimit},
		"the limiter's clock": {lateClock, costs(1), algorithms.ErrInvalidTime},
	} {
		for _, policy := range []httplimit.Policy{httplimit.Local, httplimit.LetPass, httplimit.Refuse, httplimit.FallBack(must(gcra.NewLocal(algorithms.PerHour(100))))} {
			if _, ok := c.limiter.(failure); ok && policy == httplimit.Local {
				continue
			}
			var told []httplimit.Failure
			h := limitOf(c.limiter, c.opt, httplimit.OnFailure(policy), httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { told = append(told, f) }))(served)
			for range 7 {
				w := get(h, "192.0.2.1")
				if w.Code != 503 {
					t.Errorf("%s, %v: status %d, want it refused", name, policy, w.Code)
				}
				wantFields(t, w, map[string]string{"Retry-After": ""})
			}
			if len(told) != 7 || !errors.Is(told[0].Err, c.want) || told[0].Policy != httplimit.Refuse {
				t.Errorf("%s, %v: the hook got %v", name, policy, told)
			}
		}
	}
}

// TestUnlimitedAndDenyAll: a plan may have no limit, or deny every request.
func TestUnlimitedAndDenyAll(t *testing.T) {
	local := must(gcra.NewLocal(algorithms.PerHour(1)))
	limit := algorithms.Limit{}
	var denied []httplimit.Verdict
	h := limitOf(local, httplimit.LimitFunc(local.With, func(*http.Request) algorithms.Limit { return limit }),
		httplimit.OnDenied(func(_ *http.Request, v httplimit.Verdict) { denied = append(denied, v) }),
		httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { t.Errorf("the hook got %v", f) }))(served)
	limit = httplimit.Unlimited
	for range 5 {
		if w := get(h, "192.0.2.1"); w.Code != 200 {
			t.Errorf("unlimited: status %d", w.Code)
		} else {
			wantFields(t, w, map[string]string{"X-RateLimit-Limit": ""})
		}
	}
	limit = httplimit.DenyAll
	for range 2 {
		w := get(h, "192.0.2.1")
		if w.Code != 429 {
			t.Errorf("nothing allowed: status %d", w.Code)
		}
		wantFields(t, w, map[string]string{"Retry-After": "", "X-RateLimit-Limit": ""})
	}
	if len(denied) != 2 || denied[0].RetryAfter != 0 || denied[0].Denied[0] != "default" {
		t.Errorf("the hook got %+v", denied)
	}
	limit = algorithms.Limit{}
	if w := get(h, "192.0.2.1"); w.Code != 200 {
		t.Errorf("the limiter's own: status %d", w.Code)
	}
	for _, no := range []algorithms.Limit{httplimit.Unlimited, httplimit.DenyAll} {
		if _, err := local.With(no); !errors.Is(err, algorithms.ErrInvalidLimit) {
			t.Errorf("a limiter of %v: %v", no, err)
		}
	}
}

// TestShareTooSmall: a cost that fits the limit, but not its share in FallBack, gives 503. A cost that fits
// neither is denied for good.
func TestShareTooSmall(t *testing.T) {
	share := must(gcra.NewLocal(algorithms.PerHour(2)))
	remote := must(gcra.New(&server{err: errDown}, algorithms.PerHour(10)))
	for cost, want := range map[int64]string{1: "200 ", 5: "503 1", 10: "503 1", 11: "429 "} {
		h := limitOf(remote, costs(cost), httplimit.OnFailure(httplimit.FallBack(share)), quiet)(served)
		for range 7 { // from the sixth the limiter itself isn't asked
			if w := get(h, fmt.Sprintf("192.0.2.%d", cost)); cost != 1 && fmt.Sprint(w.Code, " ", w.Header().Get("Retry-After")) != want {
				t.Errorf("cost %d: %d, Retry-After %q, want %q", cost, w.Code, w.Header().Get("Retry-After"), want)
			}
		}
	}
}

// TestLog: by default the first failure is logged at once, then at most one line in ten seconds with the number of failures,
// and then the end of the outage.
func TestLog(t *testing.T) {
	var out bytes.Buffer
	previous := slog.Default()
	t.Cleanup(func() { slog.SetDefault(previous) })
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))
	clock := limitertest.NewClock(start)
	var fails bool
	limiter := nowhere{func(ctx context.Context, n int64) (algorithms.Result, error) {
		if fails {
			return algorithms.Result{}, errDown
		}
		return yes(ctx, n)
	}}
	d := decider(t, limiter, httplimit.WithClock(clock.Now), httplimit.Name("api"))
	step := func(on time.Duration, failing bool, n int, want string) {
		t.Helper()
		clock.Advance(on)
		fails = failing
		out.Reset()
		for range n {
			decide(context.Background(), d)
		}
		if got := strings.TrimSuffix(out.String(), "\n"); got != want {
			t.Errorf("logged %q, want %q", got, want)
		}
	}
	const line = `level=ERROR msg="rate limiter fails" limiter=api policy="let pass" failures=%d error="%s"`
	step(0, false, 10, "")
	step(0, true, 1, fmt.Sprintf(line, 1, "server is down"))
	step(9*time.Second, true, 100, "")
	step(time.Second, true, 50, fmt.Sprintf(line, 101, "server is down")) // a probe fails first
	step(20*time.Second, false, 3, `level=INFO msg="rate limiter answers again" limiter=api failures=151 after=30s`)
	step(time.Second, true, 1, fmt.Sprintf(line, 1, "server is down"))
	step(time.Second, false, 5, `level=INFO msg="rate limiter answers again" limiter=api failures=1 after=1s`)
	step(0, true, 3, "") // an outage that begins within ten seconds of a line
	step(0, false, 1, "")
	step(0, true, 1, "")
	step(10*time.Second, true, 1, fmt.Sprintf(line, 5, "server is down"))

	out.Reset()
	decide(context.Background(), decider(t, nowhere{failing}, quiet))
	decide(context.Background(), decider(t, nowhere{yes}, costs(0)))
	if out.Len() > 0 {
		t.Errorf("logged %q, although OnError is given", &out)
	}
	decide(context.Background(), decider(t, nowhere{never}))
	if out.Len() > 0 {
		t.Errorf("logged %q for a denial", &out)
	}
	decide(context.Background(), decider(t, nowhere{yes}, costs(-1)))
	if !strings.Contains(out.String(), "rate limiter can't be asked") {
		t.Errorf("logged %q for a wrong cost", &out)
	}
	var own bytes.Buffer
	out.Reset()
	decide(context.Background(), decider(t, nowhere{failing}, quiet, httplimit.Logger(slog.New(slog.NewTextHandler(&own, nil)))))
	if out.Len() > 0 || !strings.Contains(own.String(), "rate limiter fails") {
		t.Errorf("logged %q, and by the logger that was given %q", &out, &own)
	}
}
