// Package weir is the overview of a library of rate limiters over a plain Redis or Valkey server. It holds no code.
//
// A limiter decides whether an event, such as a request of one user, may happen now. Limiters in any number of processes
// that use the same server decide as one: each decision is one Lua script, which the server runs atomically and by its own
// clock.
//
// # The packages
//
// Four packages have an algorithm each. Each makes limiters over a server (New) and inside one process (NewLocal):
//
//   - [github.com/go-weir/weir/gcra] admits a burst, and then events at an even rate. Use it if in doubt.
//   - [github.com/go-weir/weir/slidinglog] admits at most so many events in any period, exactly. It stores every one.
//   - [github.com/go-weir/weir/fixedwindow] admits so many events in each window of time, and up to twice as many across the
//     edge of two windows.
//   - [github.com/go-weir/weir/leakybucket] decides as gcra does. Its queue delays events instead of denying them, so that
//     they leave at an even rate.
//
// [github.com/go-weir/weir/inflight] limits how many of something are under way at once, instead of how often it may begin.
//
// [github.com/go-weir/weir/algorithms] has what they share: limits, results, options, errors, the interface Limiter, and its
// two implementations, Remote (over a server) and Local. Its documentation says what several limits on one key do.
//
// A limiter over a server runs its scripts through a Runner ([github.com/go-weir/weir/scripts]). Two modules have one: the
// module github.com/go-weir/weir/scripts/goredisrunner for go-redis, and github.com/go-weir/weir/scripts/rueidisrunner for
// rueidis.
//
// [github.com/go-weir/weir/algorithms/allof] decides on several limits as one, such as a user's and a tenant's.
//
// Two packages save round trips. [github.com/go-weir/weir/scripts/coalesce] goes around a Runner, and sends the calls of
// many goroutines together. [github.com/go-weir/weir/algorithms/denialcache] goes around a limiter, and repeats its denials
// without a call.
//
// [github.com/go-weir/weir/httplimit] is middleware for net/http. The module github.com/go-weir/weir/grpclimit has
// interceptors for gRPC servers. [github.com/go-weir/weir/algorithms/limitertest] is the conformance suite, for limiters of
// your own too.
package weir
