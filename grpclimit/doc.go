// Package grpclimit is interceptors of gRPC servers over any limiter of Weir: they count calls by whatever
// tells clients apart, and refuse those that come too often with ResourceExhausted, saying when to come
// again.
//
//	limiter, err := gcra.New(runner, algorithms.PerMinute(100))
//	...
//	limit := grpclimit.New(limiter)
//	server := grpc.NewServer(grpc.ChainUnaryInterceptor(limit.Unary), grpc.ChainStreamInterceptor(limit.Stream))
//
// # Whom a call counts for
//
// The options and key functions are those of package httplimit: [httplimit.Key], [httplimit.Skip],
// [httplimit.Cost], [httplimit.LimitFunc] and all others that are an httplimit.DeciderOption. They see a call as an
// *http.Request, which has
//
//   - in Header the incoming metadata, so that httplimit.Header("x-api-key") and the Authorization of
//     callers are keys; values of "-bin" keys are the bytes themselves;
//   - in URL.Path and Pattern the full method, "/pkg.Service/Method", and in Method "POST";
//   - in Host the :authority, in RemoteAddr the peer's address, in TLS the state of its connection;
//   - as its context the call's own, with what interceptors further out have put there.
//
// Without options each peer's address is counted for itself (httplimit.ClientIP). Behind a proxy that needs
// httplimit.TrustedProxies, else all the world is one client.
//
// # What a refused caller is told
//
//   - ResourceExhausted, where a limiter denies. The details of the status are a google.rpc.QuotaFailure,
//     with a violation for each limiter that denies: its name, limit and quota value; and a
//     google.rpc.RetryInfo with the wait as it is, to the microsecond: no sooner is the call admitted. It is
//     left out where the call costs more than the limit can ever admit.
//   - Unavailable, with a RetryInfo of a second, where a limiter failed and its policy is Refuse.
//   - Canceled or DeadlineExceeded, where the caller no longer waits.
//
// Clients that retry by themselves are told by a trailer when to: see [Pushback]. Callers that are admitted
// are told nothing.
//
// # Streams
//
// A stream is charged once, when it opens, and then as long and as talkative as it likes. With [PerMessage]
// each message that the client sends is charged.
//
// # Several limiters, and failures
//
// [Also] adds limiters, by the same rules as httplimit.Also: all must admit a call, and one that is denied
// is charged nowhere, but with [ChargeEach]. A limiter that gives no answer within the httplimit.Timeout is
// a matter for its httplimit.OnFailure. A limiter's panic goes on in the call's goroutine, where gRPC does
// not recover it: an interceptor that does belongs outside of this one.
//
// # What it costs
//
// A few microseconds and fifteen allocations a call, besides the limiter, most of them for the view of its
// metadata; a denial, with its details, about three times that: BenchmarkInterceptor. By then gRPC has read
// and decoded the message of a unary call; a stream is refused before anything is read.
package grpclimit
