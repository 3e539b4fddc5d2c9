// Package leakybucket has the leaky bucket in both of its senses: a meter, which denies requests that would overflow the
// bucket, and a queue, which makes requests wait so that they leave at a constant rate.
//
// # The meter: New and NewLocal
//
// Each event adds one to the key's level, and the level drains by Rate each Period. A request that would lift it above
// Burst is denied and adds nothing. So no span of time t admits more than Burst + t·Rate/Period events. The meter decides
// exactly as package gcra does, request for request: the level times the emission interval is the time by which GCRA's
// theoretical arrival time is ahead of now. A test of this package shows that they agree. Choose the name that your
// readers know.
//
// # The queue: NewQueue and NewLocalQueue
//
// Requests leave exactly T = Period/Rate apart. Schedule tells a request its departure, and Wait sleeps until then. At
// most Burst requests wait, besides the one that leaves at once (as nginx's limit_req counts). A request that finds the
// queue full is refused. T need not be a whole microsecond: departures are computed as fractions, told rounded up, and
// don't drift.
//
// Use the queue if a constant rate matters more than a quick answer: in front of a third party's quota, a slow disk, or a
// batch job. A Wait whose context ends gives its place back, unless a later one has been taken since. Wait takes no place if
// its context would end before the turn comes. A place of Schedule is not given back.
//
// Departures are times of the server's clock. A Wait never returns before its departure, and later by the time that the
// server's answer took. Of two processes, one with a late answer may so leave less than T before the other. Within a process
// the Waits of a key return at least T apart, by one Queue and those made from it by With: a Wait that was late delays those
// behind it. (They count as late by T at most where only their goroutines woke late, so that a busy queue keeps its rate.)
//
// ScheduleN and WaitN take n departures that follow one another. WaitN returns at the last.
//
// # Worst case
//
// The meter admits Burst events at once, and then the rate. The queue never has two departures within T, and a request
// waits up to Burst·T.
//
// # Cost
//
// A decision is one script. It reads one string, and writes one if the request is admitted. A key of 15 bytes
// takes 88 to 120 bytes on the server, its name there included, until the bucket is empty.
//
// # Clocks and changes of the limit
//
// The server's clock decides. If it goes back, a level or a departure can be further away than a full bucket's. It is then
// brought back to that, so that no request waits longer than the limit can ask for. The first request that finds it so
// writes the correction, even if it is denied.
//
// A key has a level, and a queue, for each limit, as what is stored means nothing under another Rate, Period or Burst.
// Limits never read or change each other's. Under a new limit a key begins with its whole allowance or an empty queue,
// and k limits that are in use on one key admit up to their sum. A few fixed limits, such as those of plans, work well:
// httplimit.LimitFunc chooses among them for the meter. A limit that moves steadily, such as one that follows the load,
// needs fixedwindow or slidinglog. Reset forgets the key under the limiter's or the queue's own limit.
//
// Source: J. Turner, "New directions in communications", IEEE Communications Magazine 24(10), 1986. The meter is the
// continuous-state form of ITU-T Recommendation I.371 (2004), annex A.
package leakybucket
