package httplimit_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/algorithms/fallback"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/slidinglog"
)

// TestSettleLimiters: each algorithm settles, over a server and in this process, also behind wrappers and with LimitFunc.
func TestSettleLimiters(t *testing.T) {
	clock := limitertest.NewClock(start)
	_, run := resptest.Miniredis(t)
	limit, simulated := algorithms.PerHour(10), algorithms.WithClock(clock.Now)
	cached := must(denialcache.New(must(gcra.New(run, limit, simulated, algorithms.WithName("cached"))), denialcache.WithClock(clock.Now)))
	fallen := must(fallback.New(must(gcra.New(run, limit, simulated, algorithms.WithName("fallen"))), must(gcra.NewLocal(limit, simulated))))
	planned := must(gcra.New(run, algorithms.PerHour(1), simulated, algorithms.WithName("planned")))
	for name, c := range map[string]struct {
		limiter algorithms.Limiter
		opt     httplimit.RuleOption
	}{
		"gcra":              {must(gcra.New(run, limit, simulated)), httplimit.Name("a")},
		"gcra, local":       {must(gcra.NewLocal(limit, simulated)), httplimit.Name("a")},
		"fixedwindow":       {must(fixedwindow.New(run, limit, simulated)), httplimit.Name("a")},
		"slidinglog":        {must(slidinglog.New(run, limit, simulated)), httplimit.Name("a")},
		"slidinglog, local": {must(slidinglog.NewLocal(limit, simulated)), httplimit.Name("a")},
		"leakybucket":       {must(leakybucket.New(run, limit, simulated)), httplimit.Name("a")},
		"a cache":           {cached, httplimit.Name("a")},
		"a fallback":        {fallen, httplimit.Name("a")},
		"a plan":            {planned, httplimit.LimitFunc(planned.With, func(*http.Request) algorithms.Limit { return limit })},
	} {
		t.Run(name, func(t *testing.T) {
			used := int64(0)
			h := limitOf(c.limiter, c.opt, ofOneKey, costs4, httplimit.OnFailure(httplimit.Refuse),
				httplimit.Settle(func(*http.Request, httplimit.Response) int64 { return used }))(served)
			for i, step := range []struct {
				used int64
				code int
			}{{0, 200}, {4, 200}, {1, 200}, {1, 200}, {9, 200}, {0, 429}} {
				used = step.used
				if w := get(h, "192.0.2.1"); w.Code != step.code {
					t.Errorf("request %d: status %d, want %d", i, w.Code, step.code)
				}
			}
			if name == "a plan" {
				return
			}
			if got, err := c.limiter.Peek(context.Background(), "k"); err != nil || got.Remaining != 0 {
				t.Errorf("%d are left (%v), want none", got.Remaining, err)
			}
		})
	}
}
