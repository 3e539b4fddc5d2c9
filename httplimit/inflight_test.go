package httplimit_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/internal/resptest"
)

// oneLease is a limiter of one lease a key. A test can watch its calls and change their results.
type oneLease struct {
	inflight.Limiter
	acquire, renew func(ctx context.Context) error // called first, unless nil
	released       chan string
}

func newOneLease(ttl time.Duration) *oneLease {
	return &oneLease{Limiter: must(inflight.NewLocal(1, ttl)), released: make(chan string, 100)}
}

// Local returns the limiter without the changes of the test.
func (l *oneLease) Local() (inflight.Limiter, error) { return l.Limiter, nil }

func (l *oneLease) Acquire(ctx context.Context, key, id string) (algorithms.Result, error) {
	if l.acquire != nil {
		if err := l.acquire(ctx); err != nil {
			return algorithms.Result{}, err
		}
	}
	return l.Limiter.Acquire(context.WithoutCancel(ctx), key, id)
}

func (l *oneLease) Renew(ctx context.Context, key, id string) error {
	if l.renew != nil {
		if err := l.renew(ctx); err != nil {
			return err
		}
	}
	return l.Limiter.Renew(ctx, key, id)
}

func (l *oneLease) Release(ctx context.Context, key, id string) error {
	err := l.Limiter.Release(ctx, key, id)
	l.released <- id
	return err
}

// inflightOf is limitOf for leases.
func inflightOf(limiter inflight.Limiter, opts ...httplimit.Option) func(http.Handler) http.Handler {
	return must(httplimit.NewInflight(limiter, append(opts, httplimit.Patient())...))
}

// free returns how many leases of the address are free.
func free(t *testing.T, l inflight.Limiter, address string) int64 {
	t.Helper()
	r, err := l.Peek(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	return r.Remaining
}

const client = "192.0.2.1"

// TestInflight: a limited number of requests of a client are served at once. Others are refused with Retry-After and no other
// field, and other clients have separate leases.
func TestInflight(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	for name, l := range map[string]inflight.Limiter{
		"Local": must(inflight.NewLocal(2, time.Hour)), "Remote": must(inflight.New(conn, 2, time.Hour)),
	} {
		var denied []httplimit.Verdict
		limit := inflightOf(l, httplimit.OnDenied(func(_ *http.Request, v httplimit.Verdict) { denied = append(denied, v) }))
		depth := 0
		var h http.Handler
		h = limit(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			depth++
			if inner := get(h, client); depth <= 2 && inner.Code != http.StatusOK {
				wantFields(t, inner, map[string]string{"Retry-After": "1", "X-RateLimit-Limit": "", "X-RateLimit-Remaining": ""})
				if inner.Code != http.StatusTooManyRequests || inner.Body.String() != `{"detail":"Request was throttled. Expected available in 1 second."}` {
					t.Errorf("%s: %d, %s", name, inner.Code, inner.Body)
				}
				if other := get(limit(served), "192.0.2.2"); other.Code != http.StatusOK {
					t.Errorf("%s: another client: %d", name, other.Code)
				}
			}
			_, _ = w.Write([]byte("served"))
		}))
		if w := get(h, client); w.Code != http.StatusOK || depth != 2 || free(t, l, client) != 2 {
			t.Errorf("%s: %d, %d were inside, then %d are free", name, w.Code, depth, free(t, l, client))
		}
		if len(denied) != 1 || denied[0].RetryAfter != time.Second || denied[0].Result.RetryAfter != time.Second ||
			denied[0].Result.Limit != 2 || denied[0].Denied[0] != "default" {
			t.Errorf("%s: the hook got %+v", name, denied)
		}
	}
}

// TestInflightFields: header fields are set if the option Headers is given.
func TestInflightFields(t *testing.T) {
	limit := inflightOf(must(inflight.NewLocal(2, time.Hour)), httplimit.Headers(httplimit.XRateLimit))
	wantFields(t, get(limit(served), client), map[string]string{"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "1"})
}

// TestInflightGivesBack: whatever the handler does, its lease is given back when it has returned. A request to which
// the limiter doesn't apply takes none.
func TestInflightGivesBack(t *testing.T) {
	l := must(inflight.NewLocal(1, time.Hour))
	limit := inflightOf(l, httplimit.Methods(http.MethodGet))
	panics := limit(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if free(t, l, client) != 0 {
			t.Error("the handler holds no lease")
		}
		panic("the handler's")
	}))
	func() {
		defer func() {
			if value := recover(); value != "the handler's" {
				t.Errorf("recovered %v", value)
			}
		}()
		get(panics, client)
	}()
	if free(t, l, client) != 1 {
		t.Error("a handler that panicked holds its lease")
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.RemoteAddr = client + ":4711"
	if w := serve(limit(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if free(t, l, client) != 1 {
			t.Error("a request that doesn't count holds a lease")
		}
	})), r); w.Code != http.StatusOK {
		t.Errorf("a request that doesn't count: %d", w.Code)
	}
}

// TestInflightHijacked: a connection that was taken over counts until the handler returns.
func TestInflightHijacked(t *testing.T) {
	l := newOneLease(time.Hour)
	server := httptest.NewServer(inflightOf(l, httplimit.Key(func(*http.Request) string { return "k" }))(
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = buffered.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
			_ = buffered.Flush()
			if free(t, l, "k") != 0 {
				t.Error("a hijacked connection holds no lease")
			}
			_, _ = buffered.WriteString("ok")
			_ = buffered.Flush()
		})))
	defer server.Close()
	if status, body := fetch(t, server.URL); status != http.StatusOK || body != "ok" {
		t.Errorf("%d, %q", status, body)
	}
	<-l.released
	if free(t, l, "k") != 1 {
		t.Error("the lease is held after the handler")
	}
}

// TestInflightFlushes: the handler can flush a stream.
func TestInflightFlushes(t *testing.T) {
	server := httptest.NewServer(inflightOf(newOneLease(time.Hour))(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("one\n"))
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			<-r.Context().Done() // the client has gone
		})))
	defer server.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if line, err := bufio.NewReader(response.Body).ReadString('\n'); err != nil || line != "one\n" {
		t.Errorf("%q, %v", line, err)
	}
}

// TestInflightRenews: the lease is renewed while the handler runs. The test doubles the TTL until the lease is renewed
// before it ends, because a renewal can be late on a busy machine.
func TestInflightRenews(t *testing.T) {
	for ttl, isRenewed := 3*time.Millisecond, false; !isRenewed; ttl *= 2 {
		l := newOneLease(ttl)
		renewed := make(chan bool, 1000)
		l.renew = func(context.Context) error { renewed <- true; return nil }
		limit := inflightOf(l, httplimit.OnFailure(httplimit.Refuse))
		w := get(limit(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case isRenewed = <-renewed:
			case <-r.Context().Done(): // the lease has ended
			}
		})), client)
		if isRenewed && w.Code != http.StatusOK {
			t.Errorf("%d", w.Code)
		}
	}
}

// TestInflightAlso: a request that another limiter denies gives its lease back.
func TestInflightAlso(t *testing.T) {
	l := must(inflight.NewLocal(1, time.Hour))
	rate := must(gcra.NewLocal(algorithms.PerHour(1), algorithms.WithClock(limitertest.NewClock(start).Now)))
	limit := inflightOf(l, httplimit.Also(rate, httplimit.Name("rate")))
	if w := get(limit(served), client); w.Code != http.StatusOK {
		t.Errorf("%d", w.Code)
	}
	w := get(limit(served), client)
	if w.Code != http.StatusTooManyRequests || free(t, l, client) != 1 {
		t.Errorf("%d, %d are free", w.Code, free(t, l, client))
	}
	wantFields(t, w, map[string]string{"Retry-After": "3600"})
	both := inflightOf(l, httplimit.Also(rate, httplimit.Name("rate")), httplimit.ChargeEach())
	if w := get(both(served), client); w.Code != http.StatusTooManyRequests || free(t, l, client) != 1 {
		t.Errorf("each charged: %d, %d are free", w.Code, free(t, l, client))
	}
}

// TestInflightDecider: an InflightDecider makes the same decisions as the middleware.
func TestInflightDecider(t *testing.T) {
	l := must(inflight.NewLocal(1, time.Hour))
	d := must(httplimit.NewInflightDecider(l))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = client + ":4711"
	first, ctx, release := d.Decide(r)
	if first.Outcome != httplimit.Pass || ctx.Err() != nil || free(t, l, client) != 0 {
		t.Errorf("%+v, %v", first, ctx.Err())
	}
	second, _, nothing := d.Decide(r)
	if second.Outcome != httplimit.Denied || second.RetryAfter != time.Second || len(second.Denials) != 1 ||
		second.Denials[0].Result.RetryAfter != time.Second || second.Denials[0].Result.Limit != 1 {
		t.Errorf("%+v", second)
	}
	nothing()
	if free(t, l, client) != 0 {
		t.Error("a refused request gave the other's lease back")
	}
	release()
	if free(t, l, client) != 1 {
		t.Error("the lease is held after release")
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if gone, _, _ := d.Decide(r.WithContext(ended)); gone.Outcome != httplimit.Gone || free(t, l, client) != 1 {
		t.Errorf("%+v, %d are free", gone, free(t, l, client))
	}
	panics := must(httplimit.NewInflightDecider(l, httplimit.Also(panicking{}, httplimit.Name("panics"), httplimit.OnFailure(httplimit.Refuse), httplimit.Timeout(0)),
		httplimit.ChargeEach()))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		panics.Decide(r)
	}()
	if free(t, l, client) != 1 {
		t.Error("after a panic the lease is held")
	}
}

// panicking is a limiter that panics.
type panicking struct{ algorithms.Limiter }

func (panicking) AllowN(context.Context, string, int64) (algorithms.Result, error) { panic("limiter") }

// TestInflightCrowd: if very many requests come at once and share refusals, never too many are served at the same time.
func TestInflightCrowd(t *testing.T) {
	const most, requests = 3, 400
	_, conn := resptest.Miniredis(t)
	l := must(inflight.New(conn, most, time.Hour))
	var inside, passed, refused atomic.Int64
	h := inflightOf(l)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if n := inside.Add(1); n > most {
			t.Errorf("%d are inside", n)
		}
		inside.Add(-1)
	}))
	var all sync.WaitGroup
	for range requests {
		all.Add(1)
		go func() {
			defer all.Done()
			switch code := get(h, client).Code; code {
			case http.StatusOK:
				passed.Add(1)
			case http.StatusTooManyRequests:
				refused.Add(1)
			default:
				t.Errorf("%d", code)
			}
		}()
	}
	all.Wait()
	if passed.Load() == 0 || passed.Load()+refused.Load() != requests || free(t, l, client) != most {
		t.Errorf("%d passed, %d refused, %d are free", passed.Load(), refused.Load(), free(t, l, client))
	}
}
