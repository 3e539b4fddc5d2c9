// Package leakybucket has the leaky bucket in both of its senses: a meter, which denies requests that would overflow the
// bucket, and a queue, which makes requests wait so that they leave at a constant rate.
//
// # The meter: New and NewLocal
//
// Each event adds one to the key's level, and the level drains by Rate each Period. A request that would raise the level above
// Burst is denied and adds nothing. So no span of time t admits more than Burst + t·Rate/Period events. The meter makes
// exactly the decisions of package gcra: the level times Period/Rate is how far GCRA's theoretical arrival time is ahead of
// now. A test of this package shows that they agree. Choose the name that your readers know.
//
// # The queue: NewQueue and NewLocalQueue
//
// Requests leave exactly T = Period/Rate apart. Schedule tells a request its departure, and Wait sleeps until then. At
// most Burst requests wait, besides the one that leaves at once (as in nginx's limit_req). A request that finds the
// queue full is refused. T need not be a whole microsecond: departures are computed as fractions, so that they don't drift,
// and are rounded up in the answer.
//
// Use the queue if a constant rate matters more than a quick answer: in front of a third party's quota, a slow disk, or a
// batch job. A Wait whose context ends gives its place back, unless a later one has been taken since. Wait takes no place if
// its context would end before the turn comes. A place of Schedule is not given back.
//
// Departures are times of the server's clock. A Wait never returns before its departure. It returns after it by the time that
// the server's answer took. So of two processes, one with a late answer may leave less than T before the other. Within a
// process the Waits of a key return at least T apart, if they are of one Queue or of queues that its With returned: a late Wait
// delays those behind it. An exception keeps a busy queue at its rate: a Wait whose goroutine woke late counts as late by at
// most T.
//
// ScheduleN and WaitN take n successive departures. WaitN returns at the last.
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
// The server's clock decides. If it goes back, a level can be above that of a full bucket, or a departure later than in a full
// queue. It is then set to that of a full one, so that no request waits longer than the limit can require. The first request
// that finds it so writes the correction, even if it is denied.
//
// A key has a level, and a queue, for each limit, as what is stored means nothing under another Rate, Period or Burst.
// Limits never read or change each other's state. Under a new limit a key begins with its whole allowance or an empty queue.
// If k limits are in use on one key, together they admit up to the sum of the limits. A few fixed limits, such as those of
// plans, work well: httplimit.LimitFunc chooses among them for the meter. A limit that changes often, such as one that follows
// the load, needs fixedwindow or slidinglog. Reset forgets the key under the limiter's or the queue's own limit.
//
// Source: J. Turner, "New directions in communications", IEEE Communications Magazine 24(10), 1986. The meter is the
// continuous-state form of ITU-T Recommendation I.371 (2004), annex A.
package leakybucket
