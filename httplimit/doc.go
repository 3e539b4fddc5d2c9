// Package httplimit is net/http middleware over any limiter of Weir: it counts requests by whatever tells
// clients apart, answers 429 Too Many Requests to those that come too often, and tells all of them how much
// they have left.
//
//	limiter, err := gcra.New(runner, algorithms.PerMinute(100))
//	...
//	http.ListenAndServe(addr, httplimit.New(limiter)(mux))
//
// The ResponseWriter is handed on as it is, so that streams, WebSockets and http.ResponseController work as
// without.
//
// # Whom a request counts for
//
// [Key] says it, by a function made from [ClientIP], [Authorization], [Header] and the like, which [Join],
// [First] and [Hashed] put together. Behind a proxy ClientIP needs [TrustedProxies], else all the world is
// one client. [Skip], [Methods] and a [Cost] of 0 let requests pass unasked; [LimitFunc] gives users limits
// of their own.
//
// # Several limiters
//
// [Also] adds limiters. A request must be admitted by all that apply to it, the longest wait is told, and
// one that is denied is charged nowhere. For that all but the first are asked twice: what they would say, by
// Peek, and, if nobody denies, to charge. Give the one that denies most as the second. Between question and
// charge other requests may come, so of requests that race one may be charged by one limiter and then denied
// by another; none is ever admitted above a limit. [ChargeEach] asks each once, and charges denied requests.
//
// # When the limiter fails
//
// An error, or no answer within the [Timeout], is for [OnFailure] to decide: [LetPass], [Refuse], or
// [FallBack] to another limiter. [OnError] tells you. The Timeout holds also for a limiter that ignores its
// context: it is asked in a goroutine of its own, which is left behind. A late answer is dropped, and the
// request may have been charged. While 1,024 questions hang like that, the limiter is not asked and has
// failed at once ([ErrHung]). A limiter's panic goes on in the request's goroutine. A request whose client
// has gone is answered 503, without the next handler and without the hook.
//
// # Other servers
//
// A [Decider] decides by the same options, and leaves it to its caller to answer: for servers that speak
// another protocol, or have other requests than net/http's, and for consumers of messages. They show it what
// has come as an *http.Request. Package grpclimit, a module of its own, is made of it, and by [AdapterOption]
// takes the options of this package beside its own.
//
// # What it costs
//
// Between one and two microseconds and three allocations a request, besides the limiter: BenchmarkMiddleware.
package httplimit
