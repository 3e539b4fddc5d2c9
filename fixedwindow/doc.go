// Package fixedwindow counts requests in windows of one Period: the cheapest to explain, and the
// right one for quotas that come back at a known moment.
//
// # What it guarantees
//
// At most Rate events are admitted in each window. A key's window begins with its first admitted
// request and ends one Period later; the next one begins with the next admitted request. With
// [Aligned], windows begin at whole Periods since the Unix epoch instead.
//
// RetryAfter is the time to the window's end, exact to the microsecond. A denied request costs
// nothing.
//
// # Worst case
//
// Twice the rate across an edge: Rate events at the end of one window and Rate at the beginning of
// the next come within a moment. Where that is too much, choose slidinglog or gcra.
//
// # Cost
//
// One script, one string read and, if admitted, one written. About 100 bytes a key on the server,
// the key's own name included, until the window ends.
//
// # Clocks and changes of the limit
//
// The server's clock decides. If it goes back, or the period is shortened, a window that would end
// later than one that opened now is cut to that: nobody is refused for longer than one Period. The
// first request that finds it so writes the correction, even if it is denied.
//
// Source: the counter that most throttles begin with; it and its doubling at the edges are described
// in N. Mahdi, "An alternative approach to rate limiting", Figma, 2017.
package fixedwindow
