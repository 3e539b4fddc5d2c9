package grpclimit

import (
	"net/http"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
)

// An Option changes what New makes. Besides those of this package, each httplimit.DeciderOption is one:
// httplimit.Key, Name, Skip, Methods, Cost, LimitFunc, LimiterFunc, OnFailure and Timeout, which concern one
// limiter, and httplimit.Also, ChargeEach, OnError and OnDenied, which are also found here.
type Option interface{ httplimit.AdapterOption }

// An option is one of this package's own.
type option struct {
	httplimit.AdapterOption // nil
	apply                   func(*Interceptor)
}

// Also is [httplimit.Also].
func Also(limiter algorithms.Limiter, opts ...httplimit.RuleOption) Option {
	return httplimit.Also(limiter, opts...)
}

// ChargeEach is [httplimit.ChargeEach].
func ChargeEach() Option { return httplimit.ChargeEach() }

// OnError is [httplimit.OnError].
func OnError(f func(*http.Request, httplimit.Failure)) Option { return httplimit.OnError(f) }

// OnDenied is [httplimit.OnDenied]. It is told of denied messages too, where there is [PerMessage].
func OnDenied(f func(*http.Request, httplimit.Verdict)) Option { return httplimit.OnDenied(f) }

// PerMessage lets each message that the client sends on a stream be charged like a call. The first one is
// paid for by what the stream was charged when it opened, so that a stream of n messages costs n, a stream
// of none 1, and all calls with a single request what they cost without PerMessage.
//
// A message that is denied is an error of the handler's RecvMsg, which most handlers return as it is: that
// ends the stream with ResourceExhausted. A handler may as well go on; the next message is asked about
// anew. Messages of the server are not counted.
func PerMessage() Option {
	return option{apply: func(i *Interceptor) { i.perMessage = true }}
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
	return option{apply: func(i *Interceptor) {
		if longest < 0 {
			i.complain("the longest pushback is %v, want 0 or more", longest)
		}
		i.pushback = longest
	}}
}
