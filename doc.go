// Package weir is the overview of a library of rate limiters over a plain Redis or Valkey server. It holds no code.
//
// A limiter decides whether an event, such as a request of one user, may happen now. Limiters in any number of processes share
// their limits if they use the same server: each decision is one Lua script, which the server runs atomically and by its own
// clock.
//
// # The packages
//
// Four packages have an algorithm each. Each package makes limiters over a server (New) and inside one process (NewLocal):
//
//   - [github.com/go-weir/weir/gcra] admits a burst, and then events at an even rate. Use it if in doubt.
//   - [github.com/go-weir/weir/slidinglog] admits exactly the rate in any period. It stores every admitted request.
//   - [github.com/go-weir/weir/fixedwindow] admits the rate in each window of time, and up to twice the rate across the
//     edge of two windows.
//   - [github.com/go-weir/weir/leakybucket] makes the decisions of gcra under another name. Its queue delays events instead
//     of denying them, so that they leave at an even rate.
//
// [github.com/go-weir/weir/inflight] limits how many operations run at the same time, instead of how often one may begin.
//
// [github.com/go-weir/weir/algorithms] has the types that they share: limits, results, options, errors, the interface
// Limiter, and its two implementations, Remote (over a server) and Local. Its documentation explains several limits on one key.
//
// A limiter over a server runs its scripts through a Runner ([github.com/go-weir/weir/scripts]). Two modules have one: the
// module github.com/go-weir/weir/scripts/goredisrunner for go-redis, and github.com/go-weir/weir/scripts/rueidisrunner for
// rueidis.
//
// [github.com/go-weir/weir/algorithms/allof] decides on several limits at once, such as a user's and a tenant's.
//
// Two packages save round trips. [github.com/go-weir/weir/scripts/coalesce] wraps a Runner, and sends the calls of many
// goroutines together. [github.com/go-weir/weir/algorithms/denialcache] wraps a limiter, and repeats its denials without a call.
// [github.com/go-weir/weir/algorithms/fallback] asks a second limiter while the server of the first one is away.
//
// [github.com/go-weir/weir/httplimit] is middleware for net/http. The module github.com/go-weir/weir/grpclimit has
// interceptors for gRPC servers. [github.com/go-weir/weir/algorithms/limitertest] is the conformance suite of all limiters, and
// can test your own.
package weir
