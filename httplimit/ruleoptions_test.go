package httplimit_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/slidinglog"
)

func TestCosts(t *testing.T) {
	limiter := must(gcra.NewLocal(algorithms.PerHour(10)))
	cost := int64(0)
	var told []error
	h := limitOf(limiter,
		httplimit.Cost(func(*http.Request) int64 { return cost }),
		httplimit.OnFailure(httplimit.Refuse),
		httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { told = append(told, f.Err) }),
	)(served)
	for _, c := range []struct {
		cost      int64
		code      int
		remaining string
		err       error
	}{
		{0, 200, "", nil}, // free: the limiter isn't asked
		{7, 200, "3", nil},
		{4, 429, "3", nil},
		{11, 429, "", algorithms.ErrCostExceedsLimit},
		{-1, 503, "", algorithms.ErrInvalidCost},
		{3, 200, "0", nil},
	} {
		cost, told = c.cost, nil
		w := get(h, "192.0.2.1")
		if w.Code != c.code || (c.err != nil) != (len(told) == 1) || c.err != nil && !errors.Is(told[0], c.err) {
			t.Errorf("cost %d: status %d, the hook got %v, want %d, %v", c.cost, w.Code, told, c.code, c.err)
		}
		wantFields(t, w, map[string]string{"X-RateLimit-Remaining": c.remaining})
		if errors.Is(c.err, algorithms.ErrCostExceedsLimit) {
			wantFields(t, w, map[string]string{"Retry-After": ""})
			if got := w.Body.String(); got != `{"detail":"Request was throttled."}` {
				t.Errorf("body %q", got)
			}
		}
	}
}

func TestAppliesTo(t *testing.T) {
	h := limitOf(must(gcra.NewLocal(algorithms.PerHour(1))),
		httplimit.Methods(http.MethodGet, http.MethodHead),
		httplimit.Skip(func(r *http.Request) bool { return r.URL.Path == "/health" }),
	)(served)
	for _, c := range []struct {
		method, path string
		code         int
	}{
		{"POST", "/", 200}, {"POST", "/", 200}, {"GET", "/health", 200}, {"GET", "/health", 200},
		{"GET", "/", 200}, {"GET", "/", 429}, {"HEAD", "/", 429}, {"POST", "/", 200}, {"GET", "/health", 200},
	} {
		w := serve(h, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.code {
			t.Errorf("%s %s: status %d, want %d", c.method, c.path, w.Code, c.code)
		}
		if c.method == "HEAD" && w.Body.Len() > 0 {
			t.Errorf("HEAD is answered with a body: %q", w.Body)
		}
	}
}

// TestMethods: HEAD counts as GET, and a method counts in upper and in lower case.
func TestMethods(t *testing.T) {
	for _, c := range []struct {
		methods []string
		counted string // methods of requests
		free    string
	}{
		{[]string{"GET"}, "GET HEAD get Head", "POST OPTIONS GETS"},
		{[]string{"HEAD"}, "HEAD head", "GET POST"},
		{[]string{"POST", "GET"}, "POST post GET HEAD", "PUT OPTIONS"},
		{[]string{"M-SEARCH"}, "M-SEARCH m-search", "GET HEAD"},
	} {
		for _, method := range strings.Fields(c.counted + " " + c.free) {
			h := limitOf(must(gcra.NewLocal(algorithms.PerHour(1))), httplimit.Methods(c.methods...))(served)
			request := httptest.NewRequest(method, "/", nil)
			want := http.StatusOK
			if slices.Contains(strings.Fields(c.counted), method) {
				want = http.StatusTooManyRequests
			}
			if serve(h, request); serve(h, request).Code != want {
				t.Errorf("Methods(%q): the second %s is not answered %d", c.methods, method, want)
			}
		}
	}
}

// TestHeadThroughServeMux: a HEAD that ServeMux gives to "GET /x" counts for the limit of GET.
func TestHeadThroughServeMux(t *testing.T) {
	handled := 0
	mux := http.NewServeMux()
	mux.HandleFunc("GET /x", func(http.ResponseWriter, *http.Request) { handled++ })
	h := limitOf(must(gcra.NewLocal(algorithms.PerHour(2))), httplimit.Methods("GET"))(mux)
	for range 100 {
		serve(h, httptest.NewRequest(http.MethodHead, "/x", nil))
	}
	if handled != 2 {
		t.Errorf("%d of 100 HEAD requests handled, want 2", handled)
	}
}

// TestSkipPreflight: only preflights as browsers send them pass.
func TestSkipPreflight(t *testing.T) {
	for _, c := range []struct {
		method, origin, asks string
		free                 bool
	}{
		{"OPTIONS", "https://example.com", "PUT", true},
		{"OPTIONS", "", "PUT", false},
		{"OPTIONS", "https://example.com", "", false},
		{"PUT", "https://example.com", "PUT", false},
		{"options", "https://example.com", "PUT", false},
	} {
		request := httptest.NewRequest(c.method, "/", nil)
		for name, value := range map[string]string{"Origin": c.origin, "Access-Control-Request-Method": c.asks} {
			if value != "" {
				request.Header.Set(name, value)
			}
		}
		for _, opt := range []struct {
			opts []httplimit.Option
			free bool
		}{{nil, false}, {[]httplimit.Option{httplimit.SkipPreflight()}, c.free}} {
			h := limitOf(must(gcra.NewLocal(algorithms.PerHour(1))), opt.opts...)(served)
			if serve(h, request); (serve(h, request).Code == http.StatusOK) != opt.free {
				t.Errorf("%+v, %d options: let through %v, want %v", c, len(opt.opts), !opt.free, opt.free)
			}
		}
	}
}

// TestLimitFunc: each plan has its limit over the same keys. The zero Limit is the limiter's own. A request with a limit
// that isn't valid is refused. Each limiter is made once, and at most 1,024 are kept.
func TestLimitFunc(t *testing.T) {
	limiter := must(slidinglog.NewLocal(algorithms.PerHour(1)))
	made := 0
	with := func(limit algorithms.Limit) (*algorithms.Local, error) {
		made++
		return limiter.With(limit)
	}
	var limit algorithms.Limit
	var told error
	h := limitOf(limiter, httplimit.LimitFunc(with, func(*http.Request) algorithms.Limit { return limit }),
		httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { told = f.Err }))(served)
	for _, c := range []struct {
		limit algorithms.Limit
		code  int
		shown string
	}{
		{algorithms.Limit{}, 200, "1"}, {algorithms.Limit{}, 429, "1"},
		{algorithms.PerHour(3), 200, "3"}, {algorithms.PerHour(3), 200, "3"}, {algorithms.PerHour(3), 429, "3"},
		{algorithms.Limit{}, 429, "1"}, {algorithms.PerHour(4), 200, "4"},
	} {
		limit = c.limit
		w := get(h, "192.0.2.1")
		if w.Code != c.code || told != nil {
			t.Errorf("%v: status %d, the hook got %v, want %d", limit, w.Code, told, c.code)
		}
		wantFields(t, w, map[string]string{"X-RateLimit-Limit": c.shown})
	}
	if made != 2 {
		t.Errorf("%d limiters made, want one for each of two limits", made)
	}
	limit = algorithms.Limit{Rate: -1}
	if w := get(h, "192.0.2.1"); w.Code != 503 || !errors.Is(told, algorithms.ErrInvalidLimit) {
		t.Errorf("a wrong limit: status %d, the hook got %v, want it refused with ErrInvalidLimit", w.Code, told)
	}
	made = 0
	for range 2 {
		for i := range int64(2000) {
			limit = algorithms.PerDay(1000 + i)
			get(h, "192.0.2.1")
		}
	}
	if made < 2000+976 {
		t.Errorf("%d limiters made for 2,000 limits twice, so more than 1,024 were kept", made)
	}
}

func TestLimiterFunc(t *testing.T) {
	gold := must(gcra.NewLocal(algorithms.PerHour(2)))
	h := limitOf(must(gcra.NewLocal(algorithms.PerHour(1))), httplimit.LimiterFunc(func(r *http.Request) algorithms.Limiter {
		if r.Header.Get("Plan") == "gold" {
			return gold
		}
		return nil
	}))(served)
	for plan, shown := range map[string]string{"gold": "2", "": "1"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Plan", plan)
		wantFields(t, serve(h, r), map[string]string{"X-RateLimit-Limit": shown})
	}
}
