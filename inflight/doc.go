// Package inflight limits how many operations run at the same time: at most N for a key, across all processes that share a
// Redis or Valkey server. The other packages limit how often something may begin.
//
//	limiter, err := inflight.New(runner, 3, 30*time.Second)
//	...
//	err = inflight.Do(ctx, limiter, "exports", func(ctx context.Context) error {
//		return export(ctx) // at most three at once
//	})
//
// An operation runs under a lease: one of the N places of its key, which becomes free when it is given back, or when its time
// to live ends without a renewal. [Do] holds a lease while a function runs. [Hold] returns the lease, and [Wait] waits until
// one is free. All three renew the lease in the background, and end the context of the operation if the lease is lost. Do gives
// the lease back by itself; after Hold and Wait call Release. The methods of [Limiter] are for callers that do all of that
// themselves. httplimit.NewInflight is middleware for net/http.
//
// # What it guarantees
//
// A lease is held from Acquire until it is given back, or until its time to live has passed without a Renew. At no instant of
// the server's clock are more than N leases of a key held: one script counts the leases and takes a free one.
//
// A process that dies gives nothing back. Its leases end after their time to live, and others can take them in the same
// microsecond. Choose a time to live of a few times the longest pause that you expect of a process or of the network, such
// as 30 s. An operation may take as long as it likes, as its lease is renewed each third of that time.
//
// RetryAfter is exact to the microsecond: it ends when fewer than N leases are held, if no holder gives one back or renews it.
//
// # Calls may be repeated
//
// Acquire, Renew and Release name a lease by its id. If the reply to one of them is lost, the caller may send it again with
// the same id. A lease is counted once, however often it was acquired. Acquire of a lease that is held makes it last for the
// time to live from now, as Renew does, and is not refused. A runner never sends a call again by itself.
//
// # Worst case
//
// The guarantee is for leases. The end of a lease doesn't stop the operation: a process that was suspended for longer than the
// time to live, or was cut off from the server, runs beside the next holder until it notices. Do, Hold and Wait notice at the
// moment at which the lease can have ended by the process's own clock, and end the context of the operation. Work that must
// never run twice at once, whatever happens, needs another check at the place that it writes to, such as a fencing token.
//
// A server that loses its state (no persistence, or a failover to a replica that lags behind) loses leases with it. Their
// holders notice at the next Renew. Until then up to N more may be held.
//
// # Cost
//
// A call is one script of 1 to 7 commands. Each takes time logarithmic in the number of leases. A call removes at most 64 leases
// that have ended. A key is a sorted set, with 119 to 134 bytes for each lease under an id of [NewID], and expires when the
// last lease has ended.
//
// # When to use another
//
// Use gcra, fixedwindow or slidinglog to limit a rate. A limit of concurrent operations does not limit their rate: N workers
// may begin very many short operations. Use the queue of leakybucket if callers should be served in order. Use [NewLocal], or
// golang.org/x/sync/semaphore, inside one process.
//
// # Limiters of one key
//
// The key on the server names neither N nor the time to live, so all limiters of one key share its leases. Each gives one out
// if fewer than its own N are held. During a deployment that changes N or the time to live, old and new processes count
// together. Limiters that must count separately need different names: see algorithms.WithName.
//
// # Clocks
//
// The server's clock decides. If it steps forward, leases end sooner by that, and holders notice at the next Renew. If it steps
// back, holders are not affected. The leases of processes that have died last longer by the step, but for at most an hour,
// which is the longest time to live: an Acquire that finds leases with a later end shortens up to 64 of them, even if it is
// refused.
package inflight
