// Package gcra limits a rate by the generic cell rate algorithm. It admits a burst of your choice, and then events at an
// even rate, and stores one short string a key. Use it if in doubt.
//
// # What it guarantees
//
// An event is due each emission interval T = Period/Rate. A key stores the theoretical arrival time (TAT): the time at which
// the next event is due. A request is admitted if its events move the TAT to at most Burst·T ahead of now. So no span of time t
// admits more than Burst + t/T events, and a caller that keeps to the rate is never denied. T need not be a whole
// microsecond, as it is computed as a fraction: of a million requests at 7 a second or 999,983 a day the ideal count is
// admitted.
//
// RetryAfter is exact to the microsecond. A denied request costs nothing.
//
// # Worst case
//
// Burst events are admitted at once, and then events at the rate: in one Period at most Burst + Rate. With the default, a
// Burst of Rate, that is twice the rate. With WithBurst(1) events come at least T apart.
//
// # Cost
//
// A decision is one script. It reads one string, and writes one if the request is admitted. A key of 15 bytes
// takes 88 to 120 bytes on the server, its name there included, whatever the rate. It lives until the TAT has passed.
//
// # When to use another
//
// Use slidinglog if "at most Rate in any Period" must hold to the letter. Use fixedwindow if a quota may be used up at
// once and must come back at a moment that is known in advance. Use the leaky bucket's queue if requests should wait
// instead of being denied.
//
// # Clocks and changes of the limit
//
// The server's clock decides. If it goes back, a TAT can be further ahead than Burst·T. It is then set to Burst·T ahead, so
// that no request waits longer than the limit can require. The first request that finds such a TAT writes the correction,
// even if it is denied.
//
// A key has a TAT for each limit, as a TAT means nothing under another Rate, Period or Burst. Limits never read or change
// each other's TAT. Under a new limit a key begins with its whole allowance. If k limits are in use on one key, together they
// admit up to the sum of the limits. A few fixed limits, such as those of plans, work well: httplimit.LimitFunc chooses among
// them. A limit that changes often, such as one that follows the load, needs fixedwindow or slidinglog. Reset forgets the key
// under the limiter's own limit.
//
// Source: ITU-T Recommendation I.371 (2004), annex A, the virtual scheduling form.
package gcra
