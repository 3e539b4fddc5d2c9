// Package leakybucket has the leaky bucket in both of its senses: a meter, which refuses what would
// overflow, and a queue, which makes requests wait so that they leave at a constant rate.
//
// # The meter: Limiter and Local
//
// Each event adds one to the key's level; the level drains by Rate each Period; a request that would
// lift it above Burst is denied and adds nothing. So no span of time t admits more than
// Burst + t·Rate/Period events. The meter decides exactly as package gcra does, request for request:
// the level times the emission interval is the time that GCRA's theoretical arrival time is ahead of
// now. A test of this package states that theorem. Choose by the name that your readers know.
//
// # The queue: Queue and LocalQueue
//
// Requests leave exactly T = Period/Rate apart. Schedule tells one its departure, and Wait sleeps
// until then; at most Burst wait, besides the one that leaves at once (as nginx's limit_req counts),
// and who finds the queue full is refused. T need not be a whole microsecond: departures are
// computed as fractions, told rounded up, and don't drift.
//
// Choose the queue where a constant rate matters more than a quick answer: in front of a third
// party's quota, a slow disk, a batch. A place once taken is not given back; Wait takes none when its
// context would end before the turn comes.
//
// # Worst case
//
// The meter: Burst events at once, and then the rate. The queue: never two departures within T; a
// request waits up to Burst·T.
//
// # Cost
//
// One script, one string read and, if admitted, one written: about 100 bytes a key on the server, the
// key's own name included, until the bucket is empty.
//
// # Clocks and changes of the limit
//
// The server's clock decides. If it goes back, or the limit is lowered, a level or a departure
// further away than a full bucket of the limit is brought back to it: nobody is refused for longer
// than the limit could ask. The first request that finds it so writes the correction, even if it is
// denied.
//
// Source: J. Turner, "New directions in communications", IEEE Communications Magazine 24(10), 1986;
// the meter is the continuous-state form of ITU-T Recommendation I.371 (2004), annex A.
package leakybucket
