// Package inflight limits how many of something are under way at once: at most N for a key, across all processes that share
// a Redis or Valkey server. The other packages limit how often something may begin.
//
//	limiter, err := inflight.New(runner, 3, 30*time.Second)
//	...
//	err = inflight.Do(ctx, limiter, "exports", func(ctx context.Context) error {
//		return export(ctx) // at most three at once
//	})
//
// [Do] holds a lease while a function runs. [Hold] returns the lease, and [Wait] waits until one is free. They renew it in the
// background, end the context of the work if it is lost, and give it back. The methods of [Limiter] are for callers that do
// that themselves. httplimit.NewInflight is middleware for net/http.
//
// # What it guarantees
//
// A lease is held from Acquire until it is given back, or until its time to live has passed without a Renew. At no instant of
// the server's clock are more than N leases of a key held: each is counted, checked and taken in one script.
//
// A process that dies gives nothing back. Its leases end after their time to live, and are free to others in the same
// microsecond. Choose a time to live of a few times the longest pause that you expect of a process or of the network, such
// as 30 s. Work may take as long as it likes, as a lease is renewed each third of that time.
//
// RetryAfter is exact to the microsecond: when fewer than N leases are held if no holder gives one back or renews it.
//
// # Calls may be repeated
//
// Acquire, Renew and Release name a lease by its id. If the reply to one of them is lost, the caller may send it again with
// the same id. A lease is counted once, however often it was acquired. Acquire of a lease that is held makes it last for the
// time to live from now, as Renew does, and is not refused. A runner never sends a call again by itself.
//
// # Worst case
//
// The guarantee is for leases. Work that goes on after its lease has ended is not stopped by it: a process that was suspended
// for longer than the time to live, or was cut off from the server, runs beside the next holder until it notices. Do, Hold and
// Wait notice at the moment at which the lease can have ended by the process's own clock, and end the context of the work.
// What must never run twice at once, whatever happens, needs a check of its own where it writes.
//
// A server that loses its state (no persistence, a failover before the replica had all) loses leases with it. Their holders
// learn of it by the next Renew. Until then up to N more may be held.
//
// # Cost
//
// A call is one script of 1 to 7 commands. Each is logarithmic in the number of leases: nothing depends on N otherwise, and
// no call removes more than 64 leases that have ended. A key is a sorted set, with 119 to 134 bytes for each lease under an id
// of [NewID], and expires when the last lease has ended.
//
// # When to use another
//
// Use gcra, fixedwindow or slidinglog to limit a rate. A limit of what is under way says nothing of it: N workers may begin
// very many short pieces of work. Use the queue of leakybucket if callers should be served in order. Use [NewLocal], or
// golang.org/x/sync/semaphore, inside one process.
//
// # Limiters of one key
//
// A lease is a fact that any number can be held against. The key on the server names neither N nor the time to live, so all
// limiters of one key share its leases. Each gives one out if fewer than its own N are held. During a deployment that changes
// N or the time to live, old and new processes count together. Limiters that must count apart need algorithms.WithName.
//
// # Clocks
//
// The server's clock decides. If it goes forward by a step, leases end sooner by that, and holders learn of it by the next
// Renew. If it goes back, holders are not affected, and the leases of processes that have died last longer by that, but for
// an hour at most, which is the longest time to live: the first Acquires that find a lease that ends later bring it back to
// that, 64 each, also those that are refused.
package inflight
