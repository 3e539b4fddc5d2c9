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
// Package denialcache has a limiter that goes around another one and remembers its denials. Package allof decides on several
// limiters as one: a request is admitted if each admits it, and else charged to none.
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
