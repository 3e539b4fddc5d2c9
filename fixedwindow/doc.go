// Package fixedwindow counts events in windows of one Period. It is the simplest algorithm to explain, and the right one
// for quotas that come back at a known moment.
//
// # What it guarantees
//
// At most Rate events are admitted in each window. A key's window begins with its first admitted request and ends one
// Period later. The next window begins with the next admitted request. With [Aligned], windows begin at whole Periods
// since the Unix epoch instead.
//
// RetryAfter is the time until the window's end, exact to the microsecond. A denied request costs nothing.
//
// # Worst case
//
// The worst case is twice the Rate around an edge: Rate events at the end of one window and Rate at the beginning of the next
// can come within a moment. If that is too much, use slidinglog or gcra.
//
// # Cost
//
// A decision is one script. It reads one string, and writes one if the request is admitted. A key of 15 bytes
// takes 120 to 136 bytes on the server, its name there included, until the window ends.
//
// # Clocks and changes of the limit
//
// The server's clock decides. If it goes back, a window can end later than one that opens now would. Its end is then set to
// the latter, so that no request waits longer than one Period. The first request that finds such a window writes the
// correction, even if it is denied.
//
// A key has a window for each Period, and one more for each Period with [Aligned]. Limiters of one Period share the window
// and its count, even if their Rates differ: each admits a request if the count stays within its own Rate. So a new Rate
// continues with the present count, however often it changes. Under a new Period, or another alignment, a key begins with
// its whole allowance. If limits of k different Periods are in use on one key, together they admit up to the sum of the
// limits. Reset forgets the window of the limiter's own Period. Limiters that must not share a count need different names:
// see algorithms.WithName.
//
// A limit with a Burst is an error, as a window has no use for it: it admits Rate at once.
//
// Source: the algorithm, and its doubling at the edges, are described in N. Mahdi, "An alternative approach to rate
// limiting", Figma, 2017.
package fixedwindow
