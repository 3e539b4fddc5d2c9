// Package grpclimit has interceptors for gRPC servers over any limiter of Weir. They count the calls of each client, and refuse
// clients that call too often with ResourceExhausted and the time to wait.
//
//	limiter, err := gcra.New(runner, algorithms.PerMinute(100))
//	...
//	limit, err := grpclimit.New(limiter)
//	...
//	server := grpc.NewServer(grpc.ChainUnaryInterceptor(limit.Unary), grpc.ChainStreamInterceptor(limit.Stream))
//
// # Keys: which client a call counts for
//
// The options and key functions are those of package httplimit: [httplimit.Key], [httplimit.Skip], [httplimit.Cost],
// [httplimit.LimitFunc] and every other httplimit.DeciderOption. They get a call as an *http.Request with these fields:
//
//   - Header has the incoming metadata, so that httplimit.Header("x-api-key") and httplimit.Authorization are key
//     functions of calls too. Values of "-bin" keys are the bytes themselves.
//   - URL.Path and Pattern are the full method, "/pkg.Service/Method", and Method is "POST".
//   - Host is the :authority, RemoteAddr the peer's address, and TLS the state of its connection.
//   - Its context is the call's own, with the values of interceptors further out.
//
// Without options the key is the peer's address (httplimit.ClientIP). Behind a proxy that needs httplimit.TrustedProxies;
// otherwise all clients share one key.
//
// # The status of a refused call
//
//   - ResourceExhausted, if a limiter denies. The status has two details. A google.rpc.QuotaFailure has a violation for
//     each limiter that denies: its name, limit and quota value. A google.rpc.RetryInfo has the wait, exact to the
//     microsecond. There is no RetryInfo if the call costs more than the limit can ever admit.
//   - Unavailable, with a RetryInfo of a second, if a limiter failed and the policy refuses. There is no RetryInfo if the
//     program has made a mistake, such as a cost below 0.
//   - Canceled or DeadlineExceeded, if the caller no longer waits. A deadline has passed if the clock says so, which may be
//     before the context's timer does. So a call whose limiter failed because of its deadline never passes.
//
// A trailer tells clients that retry by themselves when to retry: see [Pushback]. Calls that are admitted get no trailer and no
// header.
//
// # Streams
//
// A stream is charged once, when it opens, however long it lasts and however many messages it has. With [PerMessage] each
// message that the client sends is charged.
//
// # Concurrent calls
//
// [NewInflight] limits how many calls of a key are served at the same time. A stream counts for as long as it lasts.
//
// # Several limiters, and failures
//
// [Also] adds limiters, with the rules of httplimit.Also: all must admit a call, and a call that one of them denies is
// charged to none, unless [ChargeEach] is given. Limiters over one server are asked in one question. A limiter with the
// option httplimit.Shadow never refuses a call: [OnShadow] reports what it would have done.
//
// If a limiter gives no answer within the httplimit.Timeout, httplimit.OnFailure decides: by default a limiter of the same limit
// in this process. Failures are logged, as httplimit.Logger says. The documentation of package httplimit about floods and about
// servers that are away applies here too. A panic of a limiter reaches the call's goroutine, where gRPC doesn't recover it: put
// an interceptor that recovers outside of this one.
//
// # Cost
//
// An interceptor takes a few microseconds and fifteen allocations a call, besides the limiter, most of them to convert the
// metadata. A denial, with its details, takes about three times that: see BenchmarkInterceptor. By then gRPC has read and decoded
// the message of a unary call. A stream is refused before anything is read.
package grpclimit
