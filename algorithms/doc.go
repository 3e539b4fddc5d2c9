// Package algorithms has the types that all rate limiters of Weir share: the [Limit] that a limiter is made with, the
// [Result] that it answers with, the [Limiter] interface, its two implementations, their options and their errors.
//
// Four packages have an algorithm each:
//
//   - fixedwindow counts events in windows of time. It is the simplest, and admits up to twice the rate across an edge.
//   - slidinglog remembers each admitted request. It is exact in any span of time, and its memory grows with the rate.
//   - gcra keeps one number for each key. It admits a burst of your choice, and then events at an even rate. Use it if in
//     doubt.
//   - leakybucket has a meter, which decides as gcra does, and a queue, which delays requests instead of denying them.
//
// New of each package returns a [Remote], which keeps its state on a Redis or Valkey server. NewLocal returns a [Local],
// which makes the same decisions inside this process. The packages differ only in the algorithm: the methods, the options
// and the errors are the same, and are documented here.
//
// Package inflight limits how many operations run at the same time, instead of how often one may begin.
//
// Package allof makes one limiter of several: a request is admitted if all of them admit it, and is charged to none of them
// otherwise.
//
// Packages denialcache and fallback each wrap a limiter. denialcache remembers the limiter's denials. fallback asks a second
// limiter while the server of the first one fails or doesn't answer.
//
// # Which method to call
//
//   - Allow, or AllowN for a request that counts for several, if a request is to be admitted or denied at once and its cost
//     is known. That is most requests.
//   - AllowAtMost of [Remote] and [Local], if some of n events are useful too: the messages of a batch, the rows of a page.
//   - Reserve, if the cost is known only afterwards: the tokens of a language model, the bytes that were sent, a login that
//     counts only if it fails. See [Reserver] and [Reservation].
//   - Peek or PeekN, to show how much of a limit is left. Don't Peek in order to decide whether to call Allow: Allow alone
//     gives the same answer, and another request may be admitted between the two calls.
//   - [Wait], if the caller can wait until the request is admitted, and the order among waiting callers doesn't matter.
//   - The leaky bucket's queue, if requests should wait for their turn: in order, and exactly as far apart as the rate says.
//
// # Reservations
//
// Reserve charges the most that a request may cost. Commit then replaces that charge by the true cost, and Cancel removes
// it. Both may be left out: then the charge stays as it is. So a process that dies never frees what its requests have used.
//
// The promise is made by comparison with a reference limiter, which admitted the same requests, and was charged the true
// cost of each at the time of its Reserve. The used part of a key's limit is never less than the reference's, in whatever
// order requests are admitted, reserved and settled. It can be more, because the stored state of a key isn't its whole
// history:
//
//   - fixedwindow corrects the count of the window that was charged, exactly. Once that window has ended there is nothing
//     to settle. A window that Reserve has opened stays open if the request is canceled later.
//   - slidinglog settles exactly if no later request was admitted. Otherwise it takes the unused part from the key's oldest
//     requests, and adds a cost above the reserved one to the latest request. Once the charge is a Period old there is
//     nothing to settle.
//   - gcra, and the meter of leakybucket, count a charge as a span of time. They give back the part of it that is still in
//     the future, as the rest has passed by itself. They may give back less if earlier reservations gave something back in
//     the meantime. The least that they give back is what would be left of the charge on an unused key. A cost above the
//     reserved one becomes a debt, and nothing is admitted until it has passed.
//
// A Commit of more than was reserved can exceed the limit, because it records what has already happened. After a Reserve and
// a Cancel at the same instant, every later decision is as if neither had been called. If the key was Reset since the
// Reserve, or the server lost it, a settlement gives back at most the charge.
//
// # Several limits on one key
//
// Limiters of one algorithm share the state of a key if that state means the same under both limits:
//
//   - fixedwindow and slidinglog have a count for each Period, and fixedwindow one more for each Period with Aligned.
//     Limiters of one Period share it, even if their Rates differ. Each admits a request only if the count stays within its
//     own Rate.
//   - gcra, and the meter and the queue of leakybucket, have a state for each Rate, Period and Burst.
//
// A limiter never reads or changes any other state. So a change of the limit, by [Remote.With] or by a new configuration,
// has these effects on a key that is in use:
//
//   - A new Rate of fixedwindow or slidinglog continues with the present count.
//   - Any other change begins with the whole allowance. The old state expires.
//   - If k limits with separate states are in use on one key, they admit up to the sum of the limits. Package allof applies
//     all of them to each request instead.
//   - Reset forgets the key under the limiter's own limit.
//
// A few fixed limits, such as those of plans, work with every algorithm; httplimit.LimitFunc chooses among them for each
// request. A limit that changes often, such as one that follows the load, needs fixedwindow or slidinglog and a constant
// Period. Limiters that would share a count keep separate ones under different names: see [WithName].
package algorithms
