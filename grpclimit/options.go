package grpclimit

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
)

// An Option changes how [New] makes an interceptor. Besides those of this package, each httplimit.DeciderOption is one.
// httplimit.Key, Name, Skip, Methods, Cost, LimitFunc, LimiterFunc, OnFailure, Timeout and Shadow concern one limiter.
// httplimit.Also, ChargeEach, OnError, Logger, OnDenied and OnShadow are also in this package. httplimit.Settle needs an HTTP
// response: New returns an error for it.
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

// Logger is [httplimit.Logger].
func Logger(l *slog.Logger) Option { return httplimit.Logger(l) }

// OnDenied is [httplimit.OnDenied]. With [PerMessage] the function is also called for denied messages.
func OnDenied(f func(*http.Request, httplimit.Verdict)) Option { return httplimit.OnDenied(f) }

// OnShadow is [httplimit.OnShadow]. With [PerMessage] the function is also called for messages.
func OnShadow(f func(*http.Request, httplimit.Shadowed)) Option { return httplimit.OnShadow(f) }

// PerMessage makes each message that the client sends on a stream be charged like a call. The charge for opening the stream
// covers the first message. So a stream of n messages costs n, a stream without messages costs 1, and a call with a single
// request costs the same as without PerMessage.
//
// If a message is denied, the handler's RecvMsg returns the error. Most handlers return that error, which ends the stream with
// ResourceExhausted. A handler may also go on: the limiters are asked again about the next message. Messages of the server are
// not counted.
func PerMessage() Option {
	return option{apply: func(i *Interceptor) { i.perMessage = true }}
}

const defaultPushback = 10 * time.Second

// Pushback sets the longest wait after which clients are told to retry by themselves, 10 s by default.
//
// A client whose service config has a retryPolicy for RESOURCE_EXHAUSTED would retry after a wait of its own choice. The trailer
// grpc-retry-pushback-ms of a denied call tells it the right wait, rounded up to milliseconds, or "-1" to stop it from retrying.
// The trailer is "-1" in three cases: the wait is longer than longest or than the call's deadline allows; no wait helps; the
// denial is of a later message of a stream, as a retry would send all messages again. The caller then gets its error at once,
// with the RetryInfo. The client's policy still bounds the retries: its maxAttempts is at most 5.
//
// With 0 there is no trailer. Use that if each server has limiters of its own, as a retry may reach another server. Clients
// without such a policy ignore the trailer, except that one with retryThrottling counts a "-1" as a failure. gRPC clients retry a
// call only if it is refused before any header is sent, so an interceptor further out must not send one.
func Pushback(longest time.Duration) Option {
	return option{apply: func(i *Interceptor) {
		if longest < 0 {
			i.complain("the longest pushback is %v, want 0 or more", longest)
		}
		i.pushback = longest
	}}
}
