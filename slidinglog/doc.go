// Package slidinglog remembers each admitted request for one Period. It is exact in any span of time, and takes the most
// memory of the algorithms.
//
// # What it guarantees
//
// No span of one Period, wherever it begins, admits more than Rate events. An entry that is exactly one Period old has
// left the log.
//
// RetryAfter is exact to the microsecond, for any cost. A denied request costs nothing and is not remembered.
//
// # Worst case
//
// Rate events are admitted at once, and then none for a Period: the log does not smooth. If requests should be spread, use
// gcra.
//
// # Cost
//
// The log has an entry for each admitted request, whatever its cost. An entry takes 11.1 bytes in a log of 10,000, and
// 14.1 for Rates of 2^23 and more. The number of commands in a decision doesn't depend on the cost of the request, and grows
// only with the logarithm of the Rate. Each entry has a running count: the difference of two counts is what was admitted
// between them. The script finds the expired entries by a search in steps that double.
//
// Expired entries don't count, but take memory until an admitted request removes them. Such a request removes at most 65,536
// of them, and the next ones remove the rest. A key lives until its newest entry expires. There is one exception: a request
// removes all expired entries at once if those that would stay behind count for 2^23 events or more. That takes a Rate of about
// a million to 2^23, and requests whose costs differ by much. The removal blocks the server for about half a millisecond for
// each million entries.
//
// # Clocks and changes of the limit
//
// The server's clock decides. If it goes back, the times of entries can be in the future. Such entries are given the present
// time, so that no request waits longer than one Period. The first request that finds them writes the correction, even if it
// is denied.
//
// A key has a log for each Period. Limiters of one Period share it, even if their Rates differ: each admits a request if
// what the last Period has admitted, the request included, stays within its own Rate. So a new Rate continues with the
// present log, however often it changes. Under a new Period a key begins with its whole allowance. If limits of k different
// Periods are in use on one key, together they admit up to the sum of the limits. Reset forgets the log of the limiter's own
// Period. Limiters that must not share a log need different names: see algorithms.WithName.
//
// A limit with a Burst is an error, as a log has no use for it: it admits Rate at once.
//
// Source: the sliding window log of N. Mahdi, "An alternative approach to rate limiting", Figma, 2017, and of Django REST
// framework's SimpleRateThrottle. As in the latter, denied requests are left out. The running counts are Weir's.
package slidinglog
