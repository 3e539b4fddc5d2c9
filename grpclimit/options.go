package grpclimit

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
)

// An Option changes how [New] makes an interceptor. Besides those of this package, each
// httplimit.DeciderOption is one: httplimit.Key, Name, Skip, Methods, Cost, LimitFunc, LimiterFunc, OnFailure, Timeout
// and Shadow, which concern one limiter, and httplimit.Also, ChargeEach, OnError, Logger, OnDenied and OnShadow, which this
// package has too. httplimit.Settle needs a response of HTTP: New returns an error.
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

// OnDenied is [httplimit.OnDenied]. With [PerMessage] it is told of denied messages too.
func OnDenied(f func(*http.Request, httplimit.Verdict)) Option { return httplimit.OnDenied(f) }

// OnShadow is [httplimit.OnShadow]. With [PerMessage] it is told of messages too.
func OnShadow(f func(*http.Request, httplimit.Shadowed)) Option { return httplimit.OnShadow(f) }

// PerMessage makes each message that the client sends on a stream be charged like a call. The first one is
// covered by the charge for opening the stream. So a stream of n messages costs n, a stream without messages
// costs 1, and a call with a single request costs the same as without PerMessage.
//
// A denied message is an error of the handler's RecvMsg. Most handlers return that error, which ends the stream
// with ResourceExhausted. A handler may also go on: the limiters are asked about the next message anew. Messages
// of the server are not counted.
func PerMessage() Option {
	return option{apply: func(i *Interceptor) { i.perMessage = true }}
}

const defaultPushback = 10 * time.Second

// Pushback sets the longest wait after which clients are told to retry by themselves, 10 s by default.
//
// A client whose service config has a retryPolicy for RESOURCE_EXHAUSTED would retry after a wait of its own
// choice. The trailer grpc-retry-pushback-ms of a denied call tells it the right wait, rounded up to
// milliseconds, or by "-1" not to retry. It is "-1" if the wait is longer than this or than the call's deadline
// allows, if no wait helps, and for a stream's later messages, as a retry would send all of them again. The
// caller then gets its error at once, with the RetryInfo. The client's policy still bounds the retries: its
// maxAttempts is at most 5.
//
// With 0 there is no trailer. Use that if each server has limiters of its own, as a retry may reach another
// server. Clients without such a policy ignore the trailer, except that one with retryThrottling counts a "-1"
// as a failure. gRPC clients retry a call only if it is refused before any header is sent, so an interceptor
// further out must not send one.
func Pushback(longest time.Duration) Option {
	return option{apply: func(i *Interceptor) {
		if longest < 0 {
			i.complain("the longest pushback is %v, want 0 or more", longest)
		}
		i.pushback = longest
	}}
}
