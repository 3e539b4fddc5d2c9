package grpclimit

import (
	"net/http"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/internal/gate"
)

// An Option changes what New makes. Besides those of this package, each httplimit.RuleOption is one:
// httplimit.Key, Name, Skip, Methods, Cost, LimitFunc, LimiterFunc, OnFailure and Timeout.
type Option interface {
	// Configure is for Weir's own interceptors and middlewares.
	Configure(rule *gate.Rule)
}

var _ Option = httplimit.RuleOption(nil)

// An option concerns all of an Interceptor.
type option func(*Interceptor)

// Configure does nothing: no single limiter is concerned.
func (option) Configure(*gate.Rule) {}

// Also adds a limiter that is asked about each call too, by its own key, cost and policy. It needs an
// httplimit.Name. All must admit a call, and no limiter is charged for a call that another denies: package
// httplimit says how that is done, and [ChargeEach] is the other way.
func Also(limiter algorithms.Limiter, opts ...httplimit.RuleOption) Option {
	return option(func(i *Interceptor) {
		gate.Configure(i.add(limiter), opts)
	})
}

// ChargeEach lets every limiter be asked and charged for every call to which it applies, also for those
// that another denies. It costs one question to each limiter, and a client that doesn't wait for one limit
// uses up the others.
func ChargeEach() Option {
	return option(func(i *Interceptor) { i.gate.ChargeEach = true })
}

// PerMessage lets each message that the client sends on a stream be charged like a call. The first one is
// paid for by what the stream was charged when it opened, so that a stream of n messages costs n, a stream
// of none 1, and all calls with a single request what they cost without PerMessage.
//
// A message that is denied is an error of the handler's RecvMsg, which most handlers return as it is: that
// ends the stream with ResourceExhausted. A handler may as well go on; the next message is asked about
// anew. Messages of the server are not counted.
func PerMessage() Option {
	return option(func(i *Interceptor) { i.perMessage = true })
}

const defaultPushback = 10 * time.Second

// Pushback sets how long a wait can be for a client to retry by itself after it; 10 s by default.
//
// A client whose service config has a retryPolicy for RESOURCE_EXHAUSTED would retry after a wait of its
// own choice. The trailer grpc-retry-pushback-ms of a denied call tells it the right one, rounded up to
// milliseconds, or, by "-1", not to retry: where the wait is longer than this, or than the call's deadline
// allows; where no wait helps; and for a stream's later messages, as a retry would send all of them again.
// The caller then has its error at once, with the RetryInfo. The retries are still those of the policy:
// maxAttempts is at most 5.
//
// With 0 there is no trailer: as is right where each server has limiters of its own, and a retry may meet
// another. Clients without such a policy ignore it, but that one with retryThrottling counts a "-1" as a
// failure. gRPC clients retry only what is refused before any header is sent, so an interceptor further
// out must not set one.
func Pushback(longest time.Duration) Option {
	return option(func(i *Interceptor) {
		if longest < 0 {
			i.gate.Rules[0].Complain("the longest pushback is %v, want 0 or more", longest)
		}
		i.pushback = longest
	})
}

// OnError sets a function that is told of each failure of a limiter, before the call is answered. It is
// told as httplimit.OnError says; one function can serve both.
func OnError(f func(*http.Request, httplimit.Failure)) Option {
	return option(func(i *Interceptor) {
		if f == nil {
			i.gate.Rules[0].Complain("the function of OnError is nil")
		}
		i.gate.OnError = func(call *http.Request, failure gate.Failure) { f(call, httplimit.Failure(failure)) }
	})
}

// OnDenied sets a function that is told of each call or message that a limiter denies, before it is
// answered. The Verdict's Status is that of HTTP, 429, so that one function can serve httplimit.OnDenied
// too.
func OnDenied(f func(*http.Request, httplimit.Verdict)) Option {
	return option(func(i *Interceptor) {
		if f == nil {
			i.gate.Rules[0].Complain("the function of OnDenied is nil")
		}
		i.onDenied = f
	})
}
