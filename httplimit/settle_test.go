package httplimit_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/httplimit"
)

var costs4 = httplimit.Cost(func(*http.Request) int64 { return 4 })

func uses(n int64) httplimit.RuleOption {
	return httplimit.Settle(func(*http.Request, httplimit.Response) int64 { return n })
}

// TestSettleCharges: the result of the function of Settle becomes the cost.
func TestSettleCharges(t *testing.T) {
	for _, c := range []struct {
		name     string
		used     int64
		panics   bool
		charged  int64
		settled  []int64
		failures int
	}{
		{"less", 1, false, 1, []int64{1}, 0},
		{"nothing", 0, false, 0, []int64{0}, 0},
		{"as much", 4, false, 4, nil, 0},
		{"more", 25, false, 25, []int64{25}, 0},
		{"below 0", -1, false, 4, nil, 1},
		{"less, and a panic", 1, true, 4, nil, 0},
		{"more, and a panic", 25, true, 25, []int64{25}, 0},
		{"below 0, and a panic", -1, true, 4, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			ledger, failures := newLedger(), 0
			h := limitOf(ledger, ofOneKey, costs4, uses(c.used), httplimit.OnError(func(_ *http.Request, f httplimit.Failure) {
				failures++
				if !errors.Is(f.Err, httplimit.ErrNotSettled) || !errors.Is(f.Err, algorithms.ErrInvalidCost) {
					t.Errorf("the hook got %v", f.Err)
				}
			}))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				if c.panics {
					panic("broken")
				}
			}))
			func() {
				defer func() {
					if v := recover(); (v == "broken") != c.panics {
						t.Errorf("recovered %v", v)
					}
				}()
				get(h, "192.0.2.1")
			}()
			ledger.is(t, c.charged, c.settled...)
			if failures != c.failures {
				t.Errorf("%d failures, want %d", failures, c.failures)
			}
		})
	}
}

// TestSettleDenied: if one limiter admits a request and another denies it, the charge is given back, unless ChargeEach is
// given.
func TestSettleDenied(t *testing.T) {
	for _, each := range []bool{false, true} {
		var asked []string
		ledger := newLedger()
		opts := []httplimit.Option{ofOneKey, costs4, uses(1), httplimit.Also(&stub{"b", &asked, yesThenNo}, httplimit.Name("b"), ofOneKey, letPass)}
		if each {
			opts = append(opts, httplimit.ChargeEach())
		}
		if w := get(limitOf(ledger, opts...)(served), "192.0.2.1"); w.Code != 429 {
			t.Errorf("status %d", w.Code)
		}
		if each {
			ledger.is(t, 4)
		} else {
			ledger.is(t, 0, 0)
		}
	}
	ledger := newLedger()
	h := limitOf(ledger, ofOneKey, costs4, uses(4))(served)
	for _, code := range []int{200, 200, 429} {
		if w := get(h, "192.0.2.1"); w.Code != code {
			t.Errorf("status %d, want %d", w.Code, code)
		}
	}
	ledger.is(t, 8)
}

// TestSettlePolicies: a charge is settled by the limiter that made it. Without a charge nothing is settled.
func TestSettlePolicies(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy httplimit.Policy
		code   int
	}{{"local", httplimit.Local, 200}, {"let pass", httplimit.LetPass, 200}, {"refuse", httplimit.Refuse, 503}} {
		ledger := newLedger()
		ledger.fails = errDown
		h := limitOf(ledger, ofOneKey, costs4, uses(1), httplimit.OnFailure(c.policy), quiet)(served)
		if w := get(h, "192.0.2.1"); w.Code != c.code {
			t.Errorf("%s: status %d, want %d", c.name, w.Code, c.code)
		}
		ledger.is(t, 0)
		if c.name == "local" {
			ledger.local.is(t, 1, 1)
		} else {
			ledger.local.is(t, 0)
		}
	}
	ledger, other := newLedger(), newLedger()
	ledger.fails = errDown
	get(limitOf(ledger, ofOneKey, costs4, uses(1), httplimit.OnFailure(httplimit.FallBack(other)), quiet)(served), "192.0.2.1")
	other.is(t, 1, 1)
}

// TestSettleShadow: the charge of a shadow is settled like that of a limiter in force.
func TestSettleShadow(t *testing.T) {
	ledger := newLedger()
	h := limitOf(ledger, ofOneKey, costs4, uses(1), httplimit.Shadow(), httplimit.ShadowHeader())(served)
	wantFields(t, get(h, "192.0.2.1"), map[string]string{"X-RateLimit-Shadow": `"default";q=10;r=6;t=0`})
	ledger.is(t, 1, 1)
}

// TestSettleEnds: the context of a settlement doesn't end when the client leaves, and has a deadline of its own.
func TestSettleEnds(t *testing.T) {
	ledger := newLedger()
	type key struct{}
	parent, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "v"))
	ctx := &ending{Context: parent}
	ledger.during = func(ctx context.Context) error {
		if at, ok := ctx.Deadline(); ctx.Err() != nil || !ok || time.Until(at) > time.Minute || ctx.Value(key{}) != "v" {
			t.Errorf("the context ends with %v at %v, %v", ctx.Err(), at, ok)
		}
		return nil
	}
	h := limitOf(ledger, ofOneKey, costs4, uses(1), httplimit.Timeout(time.Minute))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		cancel()
		ctx.past.Store(true)
	}))
	serve(h, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx))
	ledger.is(t, 1, 1)
}

// TestSettleHangs: a settlement that hangs is given up, and goes on in its goroutine. The test doubles the timeout until the
// settlement begins before it passes. On a busy machine it may pass before that, and then nothing is settled.
func TestSettleHangs(t *testing.T) {
	for timeout, inTime := time.Millisecond, false; !inTime; timeout *= 2 {
		ledger, began, hung := newLedger(), make(chan bool, 1), make(chan struct{})
		ledger.during = func(context.Context) error {
			began <- true
			<-hung
			return nil
		}
		var told []error
		h := limitOf(ledger, ofOneKey, costs4, uses(0), httplimit.Timeout(timeout), httplimit.OnError(func(_ *http.Request, f httplimit.Failure) {
			told = append(told, f.Err)
		}))(served)
		if w := get(h, "192.0.2.1"); w.Code != 200 || w.Body.String() != "served" {
			t.Errorf("status %d", w.Code)
		}
		if len(told) != 1 || !errors.Is(told[0], context.DeadlineExceeded) {
			t.Fatalf("the hook got %v, want a timeout", told)
		}
		select {
		case inTime = <-began:
			if !errors.Is(told[0], httplimit.ErrNotSettled) {
				t.Errorf("the hook got %v, want ErrNotSettled", told)
			}
			ledger.is(t, 4)
		default:
		}
		close(hung)
		until(func() bool { ledger.mu.Lock(); defer ledger.mu.Unlock(); return !inTime || len(ledger.settled) == 1 })
	}
}

// ending is a context whose deadline passes when the test says so.
type ending struct {
	context.Context
	past atomic.Bool
}

func (e *ending) Deadline() (time.Time, bool) {
	if e.past.Load() {
		return time.Unix(0, 0), true
	}
	return time.Now().Add(time.Hour), true
}

// TestSettleFields: the fields about limits are adjusted even if the handler writes nothing through the middleware's
// ResponseWriter, but unwraps it.
func TestSettleFields(t *testing.T) {
	w := get(limitOf(newLedger(), ofOneKey, uses(0))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("X-RateLimit-Remaining", "99") // as a ReverseProxy adds the fields of its upstream
		_ = http.NewResponseController(w).EnableFullDuplex()
	})), "192.0.2.1")
	wantFields(t, w, map[string]string{"X-RateLimit-Remaining": "9"})
}

// TestSettleAway: a limiter that is away isn't asked to settle. A settlement that fails is reported, and not repeated.
func TestSettleAway(t *testing.T) {
	ledger, settlements := newLedger(), 0
	ledger.during = func(context.Context) error {
		settlements++
		return errDown
	}
	var told []error
	middleware := limitOf(ledger, ofOneKey, uses(0), httplimit.OnFailure(httplimit.Refuse), httplimit.WithClock(limitertest.NewClock(start).Now), httplimit.OnError(func(_ *http.Request, f httplimit.Failure) {
		if errors.Is(f.Err, httplimit.ErrNotSettled) {
			told = append(told, f.Err)
		}
	}))
	get(middleware(served), "192.0.2.1")
	if len(told) != 1 || !errors.Is(told[0], errDown) || settlements != 1 {
		t.Errorf("the hook got %v, settled %d times, want the failure of one settlement", told, settlements)
	}
	get(middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		ledger.fails = errDown
		for range 5 {
			get(middleware(served), "192.0.2.1")
		}
	})), "192.0.2.1")
	if len(told) != 2 || !errors.Is(told[1], httplimit.ErrAway) || settlements != 1 {
		t.Errorf("the hook got %v, settled %d times, want the second one not sent", told, settlements)
	}
	ledger.is(t, 2)
}

// TestSettleFlood: at most 32 settlements of a key are under way at a time. Settlements and requests don't share denials.
func TestSettleFlood(t *testing.T) {
	const requests = 100
	let := make(chan struct{})
	var out, most atomic.Int64
	var reserved sync.WaitGroup
	reserved.Add(requests)
	admitting := &ledger{charged: -1_000_000, during: func(context.Context) error {
		if n := out.Add(1); n > most.Load() {
			most.Store(n)
		}
		<-let
		out.Add(-1)
		return nil
	}}
	h := limitOf(admitting, ofOneKey, costs4, uses(1), httplimit.OnFailure(httplimit.Refuse))(
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			reserved.Done()
			reserved.Wait()
		}))
	go func() {
		until(func() bool { return out.Load() == 32 && httplimit.Waiting() == requests-32 })
		close(let)
	}()
	outcomes := flood(requests, func(int) httplimit.Outcome {
		if get(h, "192.0.2.1").Code == 200 {
			return httplimit.Pass
		}
		return httplimit.Denied
	})
	if outcomes[httplimit.Pass] != requests || most.Load() > 32 {
		t.Errorf("%v, %d settlements at a time", outcomes, most.Load())
	}
	if n := len(admitting.settled); n != requests {
		t.Errorf("%d were settled, want %d", n, requests)
	}
}

// TestSettleWrong: New returns an error for a limiter that is known not to be a Reserver. If LimiterFunc returns such a
// limiter later, the request is refused.
func TestSettleWrong(t *testing.T) {
	plain, can := failure{errDown}, newLedger()
	for name, opts := range map[string][]httplimit.Option{
		"it":         nil,
		"its Local":  nil,
		"LimitFunc":  {httplimit.LimitFunc(func(algorithms.Limit) (*plainLocal, error) { return nil, nil }, func(*http.Request) algorithms.Limit { return algorithms.Limit{} })},
		"FallBack":   {httplimit.OnFailure(httplimit.FallBack(plain))},
		"in an Also": {httplimit.Also(plain, httplimit.Name("also"), letPass, uses(1))},
	} {
		var limiter algorithms.Limiter = can
		switch name {
		case "it":
			limiter, opts = plain, []httplimit.Option{letPass}
		case "its Local":
			limiter = &halfway{ledger: newLedger()}
		}
		_, err := httplimit.New(limiter, append(opts, uses(1))...)
		if !errors.Is(err, algorithms.ErrNoReserve) || !errors.Is(err, algorithms.ErrInvalidOption) {
			t.Errorf("%s: %v, want ErrNoReserve", name, err)
		}
	}
	if _, err := httplimit.New(can, httplimit.Settle(nil)); !errors.Is(err, algorithms.ErrInvalidOption) {
		t.Errorf("%v, want ErrInvalidOption", err)
	}
	for _, opt := range []httplimit.DeciderOption{uses(1), httplimit.Also(can, httplimit.Name("also"), uses(1))} {
		if _, err := httplimit.NewDecider(can, opt); !errors.Is(err, algorithms.ErrInvalidOption) || !strings.Contains(err.Error(), "want New") {
			t.Errorf("%v, want ErrInvalidOption of a Decider", err)
		}
	}
	var told []error
	h := limitOf(can, ofOneKey, letPass, uses(1), httplimit.LimiterFunc(func(*http.Request) algorithms.Limiter { return plain }),
		httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { told = append(told, f.Err) }))(served)
	if w := get(h, "192.0.2.1"); w.Code != 503 || len(told) != 1 || !errors.Is(told[0], algorithms.ErrNoReserve) {
		t.Errorf("status %d, the hook got %v, want 503 and ErrNoReserve", w.Code, told)
	}
}

// plainLocal has a Local, but can't reserve.
type plainLocal struct{ failure }

func (*plainLocal) Local() (algorithms.Limiter, error) { return instant{}, nil }

// halfway can reserve, but its Local can't.
type halfway struct{ *ledger }

func (*halfway) Local() (algorithms.Limiter, error) { return failure{errDown}, nil }
