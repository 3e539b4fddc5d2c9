package httplimit_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/scripts"
)

// TestInflightLost: if a request's lease is lost, its context ends under the policy Refuse. Under other policies it doesn't.
func TestInflightLost(t *testing.T) {
	l := newOneLease(3 * time.Millisecond)
	l.renew = func(context.Context) error { return inflight.ErrNotHeld }
	for _, policy := range []httplimit.Policy{httplimit.Refuse, httplimit.Local, httplimit.LetPass} {
		ran := false
		get(inflightOf(l, httplimit.OnFailure(policy))(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			ran = true
			if policy != httplimit.Refuse {
				if r.Context().Done() != nil {
					t.Errorf("%v: the request's context can end", policy)
				}
				return
			}
			<-r.Context().Done()
			if err := context.Cause(r.Context()); !errors.Is(err, inflight.ErrNotHeld) {
				t.Errorf("the cause is %v", err)
			}
		})), client)
		if !ran {
			t.Errorf("%v: the handler didn't run", policy)
		}
	}
}

// brokenRunner is a runner whose server is away.
type brokenRunner struct{}

func (brokenRunner) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return nil, errDown
}

// TestInflightFails: if the server fails, the policy decides.
func TestInflightFails(t *testing.T) {
	for policy, want := range map[httplimit.Policy][2]int{
		httplimit.Local: {200, 429}, httplimit.Refuse: {503, 503}, httplimit.LetPass: {200, 200},
	} {
		var told []httplimit.Failure
		limit := inflightOf(must(inflight.New(brokenRunner{}, 1, time.Hour)), httplimit.OnFailure(policy),
			httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { told = append(told, f) }))
		inner := want[1]
		outer := get(limit(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inner = get(limit(served), client).Code })), client)
		if outer.Code != want[0] || inner != want[1] {
			t.Errorf("%v: %d and inside %d, want %v", policy, outer.Code, inner, want)
		}
		if again := get(limit(served), client).Code; again != want[0] {
			t.Errorf("%v: afterwards %d", policy, again)
		}
		if len(told) < 2 || !errors.Is(told[0].Err, errDown) || told[0].Policy != policy {
			t.Errorf("%v: the hook got %+v", policy, told)
		}
	}
}

// TestInflightLate: a lease that is taken after its call was given up is given back, while the request is served. The test
// doubles the timeout until the limiter is called before it passes. On a busy machine it may pass before the call, and
// then no lease is taken.
func TestInflightLate(t *testing.T) {
	for timeout, late := time.Millisecond, false; !late; timeout *= 2 {
		l := newOneLease(time.Hour)
		asked, served := make(chan bool, 1), make(chan bool)
		l.acquire = func(context.Context) error { asked <- true; <-served; return nil } // it ignores its context
		limit := inflightOf(l, httplimit.Timeout(timeout), httplimit.OnFailure(httplimit.LetPass),
			httplimit.OnError(func(*http.Request, httplimit.Failure) {}))
		w := get(limit(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(served)
			select {
			case late = <-asked:
				<-l.released
			default:
			}
		})), client)
		if w.Code != http.StatusOK || late && free(t, l, client) != 1 {
			t.Errorf("%d, %d are free", w.Code, free(t, l, client))
		}
	}
}

// withoutLocal is a limiter without a Local.
type withoutLocal struct{ inflight.Limiter }

func TestInflightWrong(t *testing.T) {
	l, rate := must(inflight.NewLocal(1, time.Hour)), must(gcra.NewLocal(algorithms.PerHour(1)))
	var none *inflight.Local
	for _, nothing := range []inflight.Limiter{nil, none} {
		if _, err := httplimit.NewInflight(nothing); !errors.Is(err, algorithms.ErrNilLimiter) {
			t.Errorf("a nil limiter: %v", err)
		}
		if _, err := httplimit.NewInflightDecider(nothing); !errors.Is(err, algorithms.ErrNilLimiter) {
			t.Errorf("a nil limiter: %v", err)
		}
	}
	for name, opt := range map[string]httplimit.DeciderOption{
		"Cost":      httplimit.Cost(func(*http.Request) int64 { return 2 }),
		"LimitFunc": httplimit.LimiterFunc(func(*http.Request) algorithms.Limiter { return rate }),
		"FallBack":  httplimit.OnFailure(httplimit.FallBack(rate)),
		"Key":       httplimit.Key(nil),
	} {
		if _, err := httplimit.NewInflight(l, opt); !errors.Is(err, algorithms.ErrInvalidOption) {
			t.Errorf("%s: %v, want ErrInvalidOption", name, err)
		}
		if _, err := httplimit.NewInflightDecider(l, opt); !errors.Is(err, algorithms.ErrInvalidOption) {
			t.Errorf("%s: %v, want ErrInvalidOption", name, err)
		}
	}
	if _, err := httplimit.NewInflight(withoutLocal{l}); !errors.Is(err, algorithms.ErrNoLocal) {
		t.Errorf("a limiter without a Local: %v", err)
	}
	if _, err := httplimit.NewInflight(withoutLocal{l}, httplimit.OnFailure(httplimit.Refuse)); err != nil {
		t.Errorf("a limiter without a Local under Refuse: %v", err)
	}
}
