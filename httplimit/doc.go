// Package httplimit is net/http middleware over any limiter of Weir. It counts requests by client, answers 429 Too Many
// Requests to clients that come too often, and tells all of them how much they have left.
//
//	limiter, err := gcra.New(runner, algorithms.PerMinute(100))
//	...
//	limit, err := httplimit.New(limiter)
//	...
//	http.ListenAndServe(addr, limit(mux))
//
// The ResponseWriter is handed on unchanged, so that streams, WebSockets and http.ResponseController work as they do
// without the middleware.
//
// # Keys: which client a request counts for
//
// [Key] sets a function that returns the key of a request. It is made from [ClientIP], [Authorization], [Header] and
// others, which [Join], [First] and [Hashed] put together. Behind a proxy ClientIP needs [TrustedProxies], else all
// clients share one key. [Skip], [Methods] and a [Cost] of 0 let requests pass without a question to the limiter.
// [LimitFunc] gives users limits of their own.
//
// What can't work is an error of [New], the arguments of key functions included.
//
// # Several limiters
//
// [Also] adds limiters. A request must be admitted by all that apply to it. If one denies it, none is charged, and the
// client is told the longest wait. For that all limiters but the first are asked twice: by Peek, and then, if none of them
// denies, to charge. Give the one that denies most as the second. Other requests may come between the Peek and the charge,
// so that one of several requests that race may be charged by one limiter and then denied by another. No request is
// admitted above a limit. With [ChargeEach] each limiter is asked once, and denied requests are charged too.
//
// # When the limiter fails
//
// [OnFailure] decides what happens to a request if the limiter returns an error, or doesn't answer within the [Timeout]:
// [LetPass], which is the default, [Refuse], or [FallBack] to another limiter. [OnError] sets a function that is told. The
// Timeout holds also for a limiter that ignores its context: the limiter is asked in a goroutine of its own, which is left
// behind. A late answer is dropped, and the request may have been charged. While 1,024 questions hang like that, the
// limiter isn't asked, and fails at once ([ErrHung]). A panic of the limiter goes on in the request's goroutine. A request
// whose client has gone is answered 503, without a call of the next handler or of the function of OnError.
//
// # Other servers
//
// A [Decider] decides by the same options and leaves the answer to its caller. It is for servers of other protocols, for
// servers whose requests aren't those of net/http, and for consumers of messages. They pass what has come as an
// *http.Request. Package grpclimit, a module of its own, is made of it. By [AdapterOption] it takes the options of this
// package beside its own.
//
// # What it costs
//
// Between one and two microseconds and three allocations a request, besides the limiter: see BenchmarkMiddleware.
package httplimit
