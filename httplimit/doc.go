// Package httplimit is net/http middleware over any limiter of Weir. It counts requests by client, answers 429 Too Many
// Requests to clients that come too often, and tells all of them how much they have left.
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
// [Key] sets a function that returns the key of a request. It is made from [ClientIP], [Authorization], [Header] and
// others, which [Join], [First] and [Hashed] put together. Behind a proxy ClientIP needs [TrustedProxies],
// [TrustedNetworks] or [FromHeader], else all clients share one key. A key that a client can write as it likes, such as
// an API key, limits nothing until a middleware further out has verified it: put that one's result into the context, use
// [ContextValue], and limit addresses too, further out still.
//
// [Skip], [SkipPreflight], [Methods] and a [Cost] of 0 let requests pass without a question to the limiter. [LimitFunc]
// gives users limits of their own.
//
// What can't work is an error of [New], the arguments of key functions included.
//
// # Several limiters
//
// [Also] adds limiters. A request must be admitted by all that apply to it. If one denies it, none is charged, and the
// client is told the longest wait. With [ChargeEach] each limiter is asked by itself, and denied requests are charged too.
//
// Limiters that can be decided as one are asked in one question, in which one script admits the request and charges all of
// them, or charges none. So they must be what package allof takes: up to eight limiters that are each an *algorithms.Remote,
// all of one Runner, or each an *algorithms.Local, with equal [Timeout]s and without [Settle]. [OnFailure], [LimitFunc] and
// [LimiterFunc] may differ. If the question fails, each limiter's own policy decides. The keys of a request must be together:
// all keys of a single server are; in a cluster those are that begin with the same text in braces, such as {acme} and
// {acme}:alice.
//
// All others are asked twice but the first: by Peek, and then, if none of them denies, to charge. So it is with limiters of
// packages denialcache and fallback, and with keys that a cluster keeps apart. Give the one that denies most as the second.
// Other requests may come between the Peek and the charge, so that one of several requests that race may be charged by one
// limiter and then denied by another. No request is admitted above a limit.
//
// # Costs that are known afterwards
//
// [Settle] makes the cost of a request what its response tells: a login counts only if it fails, a download by its bytes.
//
// # A limit that is tried
//
// [Shadow] makes a limiter decide and report, and refuse nothing. [OnShadow] or [ShadowHeader] says what it would have done.
//
// # At most so many at once
//
// [NewInflight] limits how many requests of a key are served at the same time, over a limiter of package inflight.
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
// A client that sends enough requests at once can make a limiter fail while its server is well, as requests then wait for
// connections in this process. So LetPass lets a flood pass. The other policies don't.
//
// The Timeout holds also for a limiter that ignores its context: the limiter is asked in a goroutine of its own, which is
// left behind. A late answer is dropped, and the request may have been charged. While 1,024 questions hang like that, the
// limiter isn't asked, and fails at once ([ErrHung]). A panic of the limiter goes on in the request's goroutine.
//
// After five failures in a row, during which the server has answered nothing, the limiter counts as away and isn't asked
// ([ErrAway]), so that requests don't wait for the Timeout. After a wait one request at a time asks it again, and an answer
// ends that. Each failed attempt doubles the wait, from 250 ms to 8 s, of which a random part is taken off, a half at most.
// Package fallback says which errors count.
//
// Mistakes of the program are no failures, and no policy applies to them: a [Cost] below 0, a limit of [LimitFunc] that isn't
// valid, a nil limiter. The request is refused with 503, without Retry-After.
//
// # Floods
//
// At most 32 questions about one key are out at a time. Further requests of the key wait. When a denial comes, those of the
// same limiter that cost as much or more take it as their answer, if it is true for them. The others ask in turn. No
// admission is shared. The wait is part of the Timeout. A request that costs more than the one whose denial it takes is told
// the wait of that one, after which it may be denied again.
//
// # Logs
//
// Failures are logged to log/slog's default logger, or to that of [Logger]: the first at once, then at most a line in ten
// seconds with the number of failures, and the end of an outage. [OnError] is for metrics, and replaces the log.
//
// The error of a timeout tells the cause if the limiter returns it in time, or has returned it late for an earlier question.
// Otherwise it is only "no answer within 250ms": a client library that tries again for longer than that hides the cause until
// it returns. While a limiter is away the questions that try it go on for ten seconds for that, though no request waits for
// them. With go-redis set DialerRetries to 1 and DialTimeout to less than the Timeout: then a server that refuses connections is
// told as such at once.
//
// # Clients that leave
//
// The end of a request's context is no sign that the client has gone: net/http cancels it also if a client has closed only
// its side of the connection and waits for the answer. So the limiter is asked, and the request is answered or served, as if
// the context had not ended. If the request has a deadline of its own that passes before the limiter answers, the policy
// decides. A [Decider], which serves other protocols, takes both as a client that has gone.
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
// About two microseconds and four allocations a request, besides the limiter: see BenchmarkMiddleware. A limiter
// in this process is asked without a goroutine, which saves most of that.
package httplimit
