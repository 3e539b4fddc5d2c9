package grpclimit_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/grpclimit"
	"github.com/go-weir/weir/httplimit"
)

var start = time.Unix(1_795_363_671, 250_000_000)

// kinds are the ways to make a call.
var kinds = map[string]func(client, context.Context) error{
	"unary":  func(c client, ctx context.Context) error { return c.call(ctx) },
	"stream": func(c client, ctx context.Context) error { return c.talk(ctx, 5) },
}

// TestAdmitsAndRefuses: a denied call does not reach its handler. The client and the hook get the whole denial,
// and the wait is exact. A stream is charged once, however many messages it has.
func TestAdmitsAndRefuses(t *testing.T) {
	for kind, call := range kinds {
		t.Run(kind, func(t *testing.T) {
			clock := limitertest.NewClock(start)
			limiter := must(gcra.NewLocal(algorithms.PerMinute(2), algorithms.WithClock(clock.Now)))
			var denied []httplimit.Verdict
			c := serve(t, limitOf(limiter, grpclimit.OnDenied(func(_ *http.Request, v httplimit.Verdict) {
				denied = append(denied, v)
			})), nil)
			for range 2 {
				if err := call(c, context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			clock.Advance(100 * time.Millisecond)
			err := call(c, context.Background())
			if got := status.Convert(err); got.Code() != codes.ResourceExhausted || got.Message() != "rate limit exceeded, try again in 29.9s" {
				t.Errorf("refused with %v", err)
			}
			retry, quota := detailsOf(err)
			if wait := retry.GetRetryDelay().AsDuration(); wait != 29_900*time.Millisecond {
				t.Errorf("the wait is %v", wait)
			}
			if want := (&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{
				{QuotaId: "default", QuotaValue: 2, Description: `limiter "default" admits 2/minute`},
			}}); !proto.Equal(quota, want) {
				t.Errorf("the details are %v, want %v", quota, want)
			}
			if c.served.Load() != 2 {
				t.Errorf("%d calls reached the handler, want 2", c.served.Load())
			}
			want := []httplimit.Verdict{{
				Status: 429, RetryAfter: 29_900 * time.Millisecond, Denied: []string{"default"},
				Result: algorithms.Result{Limit: 2, RetryAfter: 29_900 * time.Millisecond, ResetAfter: 59_900 * time.Millisecond},
			}}
			if !reflect.DeepEqual(denied, want) {
				t.Errorf("the hook got %+v, want %+v", denied, want)
			}
			clock.Advance(29_900*time.Millisecond - time.Microsecond)
			if err := call(c, context.Background()); waitOf(err) != time.Microsecond {
				t.Errorf("a microsecond too early: %v", err)
			}
			clock.Advance(time.Microsecond)
			if err := call(c, context.Background()); err != nil {
				t.Errorf("after the wait: %v", err)
			}
		})
	}
}

// TestNeverAdmitted: there is no RetryInfo for a call that costs more than its limit can ever admit. A name can be
// any text, and a limiter need not have a method Limit.
func TestNeverAdmitted(t *testing.T) {
	ten := must(gcra.NewLocal(algorithms.PerHour(10)))
	untold := must(denialcache.New(stub(denies)))
	var denied []httplimit.Verdict
	c := serve(t, limitOf(ten, httplimit.Cost(func(*http.Request) int64 { return 11 }),
		grpclimit.ChargeEach(), grpclimit.Also(untold, httplimit.Name("b\xff"), patient), grpclimit.Also(stub(denies), httplimit.Name("c"), patient),
		grpclimit.OnDenied(func(_ *http.Request, v httplimit.Verdict) { denied = append(denied, v) })), nil)
	err := c.call(context.Background())
	if got := status.Convert(err); got.Code() != codes.ResourceExhausted || got.Message() != "rate limit exceeded" {
		t.Errorf("refused with %v", err)
	}
	retry, quota := detailsOf(err)
	if want := (&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{
		{QuotaId: "default", Description: `limiter "default" admits 10/hour`},
		{QuotaId: "b\uFFFD", QuotaValue: 100, Description: `limiter "b\xff"`},
		{QuotaId: "c", QuotaValue: 100, Description: `limiter "c"`},
	}}); retry != nil || !proto.Equal(quota, want) {
		t.Errorf("the details are %v, %v, want only %v", retry, quota, want)
	}
	result, _ := denies(context.Background())
	if want := []httplimit.Verdict{{Status: 429, Denied: []string{"default", "b\xff", "c"}, Result: result}}; !reflect.DeepEqual(denied, want) {
		t.Errorf("the hook got %+v, want %+v", denied, want)
	}
}

// TestSeveralLimiters: no limiter is charged for a call that another one denies, unless ChargeEach is given.
// The RetryInfo has the longest wait.
func TestSeveralLimiters(t *testing.T) {
	type step struct {
		on     time.Duration
		wait   time.Duration // 0: admitted
		denied string
	}
	for _, c := range []struct {
		name  string
		opts  []grpclimit.Option
		steps []step
	}{
		{"all or nothing", nil, []step{
			{0, 0, ""}, {0, 0, ""}, {0, time.Second, "burst"},
			{time.Second, 0, ""}, {0, 59 * time.Second, "sustained"},
		}},
		{"charge each", []grpclimit.Option{grpclimit.ChargeEach()}, []step{
			{0, 0, ""}, {0, 0, ""}, {0, time.Second, "burst"}, // denied, but charged as the third call of the minute
			{time.Second, 59 * time.Second, "sustained"},
			{0, 59 * time.Second, "sustained"},
			{0, 59 * time.Second, "burst,sustained"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := limitertest.NewClock(start)
			second := must(fixedwindow.NewLocal(algorithms.PerSecond(2), algorithms.WithClock(clock.Now)))
			minute := must(fixedwindow.NewLocal(algorithms.PerMinute(3), algorithms.WithClock(clock.Now)))
			client := serve(t, limitOf(second, append(c.opts, httplimit.Name("burst"),
				grpclimit.Also(minute, httplimit.Name("sustained"), patient))...), nil)
			for n, step := range c.steps {
				clock.Advance(step.on)
				err := client.call(context.Background())
				_, quota := detailsOf(err)
				var denied []string
				for _, violation := range quota.GetViolations() {
					denied = append(denied, violation.GetQuotaId())
				}
				if (err == nil) != (step.wait == 0) || waitOf(err) != step.wait || strings.Join(denied, ",") != step.denied {
					t.Errorf("step %d: %v, wait %v, denied by %v; want %v, %q", n, err, waitOf(err), denied, step.wait, step.denied)
				}
			}
		})
	}
}

// TestPolicies: each policy decides about calls whose limiter fails.
func TestPolicies(t *testing.T) {
	once := must(gcra.NewLocal(algorithms.PerHour(1)))
	for _, c := range []struct {
		name   string
		policy httplimit.Policy
		codes  [2]codes.Code
		told   string
	}{
		{"let pass", httplimit.LetPass, [2]codes.Code{codes.OK, codes.OK}, "let pass"},
		{"refuse", httplimit.Refuse, [2]codes.Code{codes.Unavailable, codes.Unavailable}, "refuse"},
		{"fall back", httplimit.FallBack(once), [2]codes.Code{codes.OK, codes.ResourceExhausted}, "fall back"},
		{"fall back in vain", httplimit.FallBack(stub(fails)), [2]codes.Code{codes.Unavailable, codes.Unavailable}, "fall back, refuse"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var told []string
			client := serve(t, limitOf(stub(fails), httplimit.OnFailure(c.policy), grpclimit.OnError(func(_ *http.Request, f httplimit.Failure) {
				if !errors.Is(f.Err, errDown) {
					t.Errorf("the hook got %v, want the limiter's error", f.Err)
				}
				told = append(told, f.Policy.String())
			})), nil)
			for _, code := range c.codes {
				told = nil
				err := client.call(context.Background())
				if status.Code(err) != code || strings.Join(told, ", ") != c.told {
					t.Errorf("%v, the hook got %q, want %v, %q", err, told, code, c.told)
				}
				if code == codes.Unavailable && waitOf(err) != time.Second {
					t.Errorf("the wait is %v", waitOf(err))
				}
			}
		})
	}
}

// TestManyServers: servers that share a limiter admit exactly its limit in total.
func TestManyServers(t *testing.T) {
	const limit, servers, callers, calls = 100, 3, 4, 20
	limiter := must(gcra.NewLocal(algorithms.PerDay(limit)))
	var admitted, refused atomic.Int64
	var all sync.WaitGroup
	for range servers {
		c := serve(t, limitOf(limiter, httplimit.Key(httplimit.Scope("all"))), nil)
		for _, call := range kinds {
			for range callers {
				all.Add(1)
				go func() {
					defer all.Done()
					for range calls {
						switch err := call(c, context.Background()); status.Code(err) {
						case codes.OK:
							admitted.Add(1)
						case codes.ResourceExhausted:
							refused.Add(1)
						default:
							t.Error(err)
						}
					}
				}()
			}
		}
	}
	all.Wait()
	if total := int64(servers * len(kinds) * callers * calls); admitted.Load() != limit || refused.Load() != total-limit {
		t.Errorf("%d admitted, %d refused, want %d of %d", admitted.Load(), refused.Load(), limit, total)
	}
}

// TestPanic: a limiter's panic reaches the goroutine of the call, where another interceptor can recover it.
func TestPanic(t *testing.T) {
	recovers := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (_ any, err error) {
		defer func() {
			if recover() != nil {
				err = status.Error(codes.Internal, "recovered")
			}
		}()
		return next(ctx, req)
	}
	limit := limitOf(stub(func(context.Context) (algorithms.Result, error) { panic(errDown) }))
	c := serve(t, limit, []grpc.ServerOption{grpc.ChainUnaryInterceptor(recovers)})
	for range 2 {
		if err := c.call(context.Background()); status.Code(err) != codes.Internal {
			t.Errorf("%v, want it recovered", err)
		}
	}
}

func TestWrong(t *testing.T) {
	ok := stub(admits)
	for name, c := range map[string]struct {
		limiter algorithms.Limiter
		opt     grpclimit.Option
		says    string
	}{
		"nil limiter":         {nil, httplimit.Name("a"), `limiter "a" is nil`},
		"nil option":          {ok, nil, "an option is nil"},
		"nil key":             {ok, httplimit.Key(nil), "key"},
		"negative pushback":   {ok, grpclimit.Pushback(-1), "pushback"},
		"nil error hook":      {ok, grpclimit.OnError(nil), "OnError"},
		"nil denial hook":     {ok, grpclimit.OnDenied(nil), "OnDenied"},
		"another's option":    {ok, struct{ httplimit.AdapterOption }{}, "another package's"},
		"no name":             {ok, grpclimit.Also(ok), "limiter 2 has no name"},
		"one name twice":      {ok, grpclimit.Also(ok, httplimit.Name("default")), `two limiters are named "default"`},
		"nil second limiter":  {ok, grpclimit.Also(nil, httplimit.Name("a")), `limiter "a" is nil`},
		"nil option in Also":  {ok, grpclimit.Also(ok, httplimit.Name("a"), nil), "an option is nil"},
		"wrong in the second": {ok, grpclimit.Also(ok, httplimit.Name("a"), httplimit.Timeout(-1)), `limiter "a" has a timeout`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := grpclimit.New(c.limiter, c.opt)
			if !errors.Is(err, algorithms.ErrInvalidOption) && !errors.Is(err, algorithms.ErrNilLimiter) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want an error that says %q", err, c.says)
			}
		})
	}
}

// TestOptions: grpclimit.New, httplimit.New and httplimit.NewDecider compile only with options of their own kinds.
func TestOptions(t *testing.T) {
	own, all := reflect.TypeFor[grpclimit.Option](), reflect.TypeFor[httplimit.Option]()
	deciding, rule := reflect.TypeFor[httplimit.DeciderOption](), reflect.TypeFor[httplimit.RuleOption]()
	for _, c := range []struct {
		given, wanted reflect.Type
		fits          bool
	}{
		{rule, own, true}, {deciding, own, true}, {all, own, false},
		{rule, all, true}, {deciding, all, true}, {own, all, false},
		{rule, deciding, true}, {all, deciding, false}, {own, deciding, false},
		{deciding, rule, false}, {own, rule, false},
	} {
		if c.given.Implements(c.wanted) != c.fits {
			t.Errorf("a %v is a %v: want %v", c.given, c.wanted, c.fits)
		}
	}
	for _, opt := range []grpclimit.Option{grpclimit.PerMessage(), grpclimit.Pushback(0)} {
		if _, is := opt.(httplimit.Option); is {
			t.Errorf("%T is an option of httplimit", opt)
		}
	}
}
