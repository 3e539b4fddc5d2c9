// Package algorithms is the vocabulary that all rate limiters of Weir share: the [Limit] that a limiter is made with, the
// [Result] that it answers with, the [Limiter] interface, its two implementations, their options and their errors.
//
// Four packages have an algorithm each:
//
//   - fixedwindow counts events in windows of time. It is the simplest, and admits up to twice the rate across an edge.
//   - slidinglog remembers each admitted request. It is exact in any span of time, and its memory grows with the rate.
//   - gcra keeps one number a key. It admits a burst of your choice, and then events at an even rate. Use it if in doubt.
//   - leakybucket has a meter, which decides as gcra does, and a queue, which delays requests instead of denying them.
//
// New of each package returns a [Remote], which keeps its state on a Redis or Valkey server. NewLocal returns a [Local],
// which makes the same decisions inside this process. The algorithm is all that differs: the methods, the options and the
// errors are the same, and are documented here.
//
// Package inflight limits how many of something are under way at once, instead of how often it may begin.
//
// Package allof decides on several limiters as one: a request is admitted if each admits it, and else charged to none.
//
// Packages denialcache and fallback have limiters that go around another one. The first remembers its denials, and the second
// asks another limiter while the server is away.
//
// # Which method to call
//
//   - Allow, or AllowN for a request that counts for several, if a request is to be admitted or denied at once and its cost
//     is known. That is most requests.
//   - AllowAtMost of [Remote] and [Local], if fewer than n events are of use too: the messages of a batch, the rows of a page.
//   - Reserve, if the cost is known only afterwards: the tokens of a language model, the bytes that were sent, a login that
//     counts only if it fails. See [Reserver] and [Reservation].
//   - Peek or PeekN to show a standing. Never Peek first and then Allow: others come between, and Allow alone tells the same.
//   - [Wait], if the caller waits until the request is admitted, and it doesn't matter who of those that wait comes first.
//   - The leaky bucket's queue, if requests should wait for their turn: in order, and exactly as far apart as the rate says.
//
// # Reservations
//
// A Reserve charges what the request may cost at most. Commit then makes the true cost of it, and Cancel none. Both may be
// left out: the charge stays as it is then. So a process that dies never frees what its requests have used.
//
// The measure of a settlement is a limiter that was charged the true cost at the time of the Reserve, and every request that
// was admitted. What is outstanding of a key is never less than with that limiter, whatever is admitted, reserved and settled
// besides, and in whatever order. It can be more, as what a rule keeps of a key doesn't tell all of its past:
//
//   - fixedwindow gives back, and charges more, in the window that was charged, exactly. Once that has ended there is nothing
//     to settle. A window that Reserve has opened stays open if the request is canceled later.
//   - slidinglog settles exactly if no later request was admitted. Else it takes the unused part from the oldest requests, so
//     that this part comes back as soon as it would have, and it adds a cost above the reserved one to the latest request. Once
//     the charge is a Period old there is nothing to settle.
//   - gcra, and the meter of leakybucket, give back what lies ahead of now of the time that the charge has taken up. The rest
//     has come back by itself. If other requests were reserved before and gave something back meanwhile, it can be less: it
//     is what would be left if the charge had been the first of an unused key, or more. More than was reserved becomes a debt,
//     and nothing is admitted until it has passed.
//
// A Commit of more than was reserved can exceed the limit: it says what has happened. After Reserve and Cancel at one instant
// every later decision is as if neither had been. Of a key that was Reset, or lost by the server, at most the charge is given
// back.
//
// # Several limits on one key
//
// Limiters of one algorithm share the state of a key if it means the same under the limits of both:
//
//   - fixedwindow and slidinglog have a count for each Period, and fixedwindow one more for each Period with Aligned.
//     Limiters of one Period share it, whatever their Rates. Each admits a request only if the count stays within its own
//     Rate.
//   - gcra, and the meter and the queue of leakybucket, have a state for each Rate, Period and Burst.
//
// A limiter never reads or changes any other state. So a change of the limit, by [Remote.With] or by a new configuration,
// has these effects on a key that is in use:
//
//   - A new Rate of fixedwindow or slidinglog finds the count as it is.
//   - Any other change begins with the whole allowance. The old state expires.
//   - If k limits with states of their own are in use on one key, they admit up to their sum. Package allof has each of
//     them hold for the same requests.
//   - Reset forgets the key under the limiter's own limit.
//
// A few fixed limits, such as those of plans, work with every algorithm; httplimit.LimitFunc chooses among them for each
// request. A limit that moves steadily, such as one that follows the load, needs fixedwindow or slidinglog and a Period
// that stays. [WithName] lets limiters count apart that would share a count.
package algorithms
