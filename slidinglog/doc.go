// Package slidinglog remembers each admitted request for one Period: the exact one, at a price in
// memory.
//
// # What it guarantees
//
// No span of one Period, wherever it begins, admits more than Rate events, exactly. An entry that is
// exactly a Period old has gone.
//
// RetryAfter is exact to the microsecond, for any cost. A denied request costs nothing and is not
// remembered.
//
// # Worst case
//
// Rate events at once, then nothing for a Period: it does not smooth. Where requests should be
// spread, choose gcra.
//
// # Cost
//
// An entry for each admitted request, whatever its cost: 11.1 bytes each at 10,000 entries (14.1 for
// rates from 2^23 on), as a list of 9-byte entries behind one base. A decision does not depend on Rate
// or on the cost: entries carry a running count, so that the difference of two is what any stretch of
// the log admitted, and what has left the log is found in steps that double. The key lives until its
// newest entry has gone.
//
// # Clocks and changes of the limit
//
// The server's clock decides. If it goes back, entries of a time yet to come count as of now: nobody
// is refused for longer than one Period. The first request that finds some writes the correction,
// even if it is denied. When the Period is lengthened, entries that have left the log don't come back.
//
// Source: the sliding window log of N. Mahdi, "An alternative approach to rate limiting", Figma, 2017,
// and of Django REST framework's SimpleRateThrottle; here with denied requests left out, as in the
// latter, and with running counts.
package slidinglog
