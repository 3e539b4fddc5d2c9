// Package gcra limits a rate by the generic cell rate algorithm: smoothly, with a burst of your
// choice, and with one small string a key. When in doubt, choose this one.
//
// # What it guarantees
//
// Events are due one each emission interval T = Period/Rate. The key keeps the theoretical arrival
// time (TAT) of the event that is due next; a request is admitted if its events push the TAT no
// further than Burst·T ahead of now. So no span of time t ever admits more than Burst + t/T events,
// and who keeps to the rate is never refused. T need not be a whole microsecond: it is computed with
// as a fraction, and a million requests at 7 a second or 999,983 a day admit the ideal count.
//
// RetryAfter is exact to the microsecond. A denied request costs nothing.
//
// # Worst case
//
// Burst events at once, and then the rate: in one Period at most Burst + Rate. With Burst = Rate,
// the default, that is twice the rate; with WithBurst(1) events come at least T apart.
//
// # Cost
//
// One script, one string read and, if admitted, one written. About 100 bytes a key on the server,
// the key's own name included, whatever the rate; it lives until the TAT has passed.
//
// # When to choose another
//
// slidinglog, where "at most Rate in any Period" must hold to the letter; fixedwindow, where a quota
// is to be used up freely and come back at a moment that can be told in advance; the leaky bucket's
// queue, where requests should wait instead of being refused.
//
// # Clocks and changes of the limit
//
// The server's clock decides. If it goes back, or the limit is lowered, a TAT too far ahead is brought
// back to Burst·T: nobody is refused for longer than the limit could ask. The first request that
// finds such a time writes the correction, even if it is denied.
//
// Source: ITU-T Recommendation I.371 (2004), annex A, the virtual scheduling form.
package gcra
