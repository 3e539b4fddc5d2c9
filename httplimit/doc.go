// Package httplimit is net/http middleware over any limiter of Weir. It counts the requests of each client, answers 429 Too Many
// Requests to clients that send too many, and tells all clients how much of their limit is left.
//
//	limiter, err := gcra.New(runner, algorithms.PerMinute(100))
//	...
//	limit, err := httplimit.New(limiter)
//	...
//	http.ListenAndServe(addr, limit(mux))
//
// Streams, WebSockets and http.ResponseController work in the next handler as they do without the middleware: [HeaderStyle]
// says what its ResponseWriter does.
//
// # Keys: which client a request counts for
//
// [Key] sets a function that returns the key of a request. [ClientIP], [Authorization], [Header] and others return such
// functions, and [Join], [First] and [Hashed] combine them. Behind a proxy ClientIP needs [TrustedProxies], [TrustedNetworks] or
// [FromHeader]; otherwise all clients share one key.
//
// A key that a client can write as it likes, such as an API key, limits nothing until it is verified. Let a middleware further
// out verify it and put the result into the context, and use [ContextValue] here. Also limit addresses, still further out.
//
// [Skip], [SkipPreflight], [Methods] and a [Cost] of 0 let requests pass without a call of the limiter. [LimitFunc] gives users
// different limits.
//
// [New] returns an error for everything that can't work, including wrong arguments of key functions.
//
// # Several limiters
//
// [Also] adds limiters. A request must be admitted by all that apply to it. If one denies it, none is charged, and the
// client gets the longest wait. With [ChargeEach] each limiter decides separately, and denied requests are charged too.
//
// If it can, the middleware decides on all limiters in one call: one script admits the request and charges all of them, or
// charges none. For that the limiters must be what package allof takes: up to eight limiters that are all *algorithms.Remote of
// one Runner, or all *algorithms.Local. They must have equal [Timeout]s and no [Settle]. [OnFailure], [LimitFunc] and
// [LimiterFunc] may differ. If the call fails, each limiter's own policy decides. The keys of a request must be together: on a
// single server all keys are. In a cluster keys are together if they begin with the same text in braces, such as {acme} and
// {acme}:alice.
//
// Other limiters are called one by one. That includes limiters of packages denialcache and fallback, and keys in different
// slots of a cluster. The first limiter is called once. Each other limiter is called twice: for a Peek and, if none of them
// denies, for the charge. So give the limiter that denies most as the second. Other requests may come between the Peek and the
// charge. If several requests race, one of them may therefore be charged by one limiter and then denied by another. No request
// is admitted above a limit.
//
// # Costs that are known afterwards
//
// [Settle] replaces the cost of a request by one that depends on its response: a login counts only if it fails, a download by its
// bytes.
//
// # Trying a limit out
//
// [Shadow] makes a limiter decide and report without refusing anything. [OnShadow] or [ShadowHeader] reports what it would have
// done.
//
// # Concurrent requests
//
// [NewInflight] limits how many requests of a key are served at the same time, with a limiter of package inflight.
//
// # When the limiter fails
//
// A limiter fails if it returns an error, or doesn't answer within the [Timeout]. [OnFailure] decides what happens then:
//
//   - [Local], the default: a limiter of the same limit in this process decides. Around a failure a key gets at most its
//     limit from the server, and once more from each process.
//   - [Refuse]: 503 Service Unavailable.
//   - [FallBack]: another limiter decides.
//   - [LetPass]: the request passes.
//
// A client that sends enough requests at once can make a limiter fail although its server works, as requests then wait for
// connections in this process. So LetPass lets a flood pass. The other policies don't.
//
// The Timeout also holds for a limiter that ignores its context: the limiter is called in another goroutine, which goes on after
// the Timeout. A late answer is dropped, and the request may have been charged. While 1,024 calls hang like that, the limiter
// isn't called, and fails at once ([ErrHung]). A panic of the limiter is passed on to the request's goroutine.
//
// After five failures in a row, during which the server has answered nothing, the limiter counts as away and isn't called
// ([ErrAway]), so that requests don't wait for the Timeout. After a wait one request at a time calls it again. An answer ends the
// outage. Each failed attempt doubles the wait, from 250 ms to 8 s. Each wait is shortened by a random part, of at most a half.
// Package fallback says which errors count.
//
// Mistakes of the program don't count as failures, and no policy applies to them. Examples are a [Cost] below 0, a limit of
// [LimitFunc] that isn't valid, and a nil limiter. The request is refused with 503, without Retry-After.
//
// # Floods
//
// At most 32 calls about one key are under way at a time. Further requests of the key wait. A denial also answers the waiting
// requests of the same limiter that cost as much or more, if it holds for them. The others call the limiter in turn. Each
// admission is for one request only. The wait is part of the Timeout. A request that costs more than the one that was denied gets
// the wait of that one, and may be denied again after it.
//
// # Logs
//
// Failures are logged to log/slog's default logger, or to that of [Logger]: the first at once, then at most a line in ten
// seconds with the number of failures, and the end of an outage. [OnError] is for metrics, and replaces the log.
//
// The error of a timeout wraps the cause if the limiter returns it in time, or has returned it late for an earlier call.
// Otherwise it only says "no answer within 250ms": a client library that retries for longer than that hides the cause until it
// returns. So while a limiter is away, the calls that probe it go on for ten seconds, though no request waits for them. With
// go-redis set DialerRetries to 1 and DialTimeout to less than the Timeout: then "connection refused" is reported at once.
//
// # Clients that leave
//
// The end of a request's context doesn't prove that the client has gone: net/http also cancels it if a client has closed only
// its side of the connection and waits for the answer. So the limiter is called, and the request is answered or served, as if
// the context had not ended. If the request has a deadline that passes before the limiter answers, the policy decides. A
// [Decider], which serves other protocols, takes both to mean that the client has gone.
//
// # Other servers
//
// A [Decider] decides with the same options and leaves the answer to its caller. It is for servers of other protocols, for
// servers whose requests aren't those of net/http, and for consumers of messages. They pass each call or message as an
// *http.Request. Package grpclimit, in a module of its own, is built on it. [AdapterOption] lets it take the options of this
// package beside its own.
//
// # Cost
//
// The middleware takes about two microseconds and four allocations a request, besides the limiter: see BenchmarkMiddleware. A
// limiter in this process is called without a goroutine, which saves most of that.
package httplimit
