// Package slidinglog remembers each admitted request for one Period. It is the exact algorithm, and pays for that with
// memory.
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
// Rate events at once, and then nothing for a Period: the log does not smooth. If requests should be spread, use gcra.
//
// # Cost
//
// The log has an entry for each admitted request, whatever its cost. An entry takes 11.1 bytes in a log of 10,000, and
// 14.1 for Rates of 2^23 and more. The number of commands of a decision depends neither on the cost of the request nor,
// but for the logarithm, on the Rate: entries carry a running count, so that the difference of two is what was admitted
// between them, and the entries that are out of date are found by a search in steps that double.
//
// Entries that are out of date count no longer, but take memory until a request that is admitted removes them: 65,536 of
// them at most, and the next such requests the others. A key lives until its newest entry is out of date. There is one
// exception: a request removes all at once if those that would stay behind count for 2^23 events or more. That takes a Rate
// from about a million to 2^23, and requests whose costs differ by much. The server is held while it removes them, about
// half a millisecond for each million.
//
// # Clocks and changes of the limit
//
// The server's clock decides. If it goes back, entries can have times that are yet to come. They count as entries of now,
// so that no request waits longer than one Period. The first request that finds such entries writes the correction, even
// if it is denied.
//
// A key has a log for each Period. Limiters of one Period share it, whatever their Rates: each admits a request if what
// the last Period has admitted, the request included, stays within its own Rate. So a new Rate finds the log as it is,
// however often it changes. Under a new Period a key begins with its whole allowance. If limits of k different Periods are
// in use on one key, they admit up to their sum. Reset forgets the log of the limiter's own Period. Limiters that must not
// share a log need different names: see algorithms.WithName.
//
// A limit with a Burst is an error, as a log has no use for it: it admits Rate at once.
//
// Source: the sliding window log of N. Mahdi, "An alternative approach to rate limiting", Figma, 2017, and of Django REST
// framework's SimpleRateThrottle. As in the latter, denied requests are left out. The running counts are Weir's.
package slidinglog
