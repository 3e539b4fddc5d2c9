package rueidisrunner

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// renewals replace connections after a server has answered that it can't do what the client needs, such as write. The name or
// the service that the client was given may lead to another server by now, but rueidis keeps a connection until it breaks.
//
// rueidis has no way to close one connection, but a server closes it after QUIT, for which no user needs a right (ACL). If a
// client has several connections to a server, rueidis chooses one at random.
//
// A server runs no command that follows a QUIT, so calls sent after it on the same connection would fail. So a renewal waits for
// the calls that are under way, for a short time, and new calls wait for the renewal.
type renewals struct {
	mu     sync.Mutex
	budget budget

	calls atomic.Int64                  // under way
	shut  atomic.Pointer[chan struct{}] // closed at the end of the renewal that is under way; nil if there is none
}

// longestShut is how long a renewal waits for the calls that are under way. A call that takes longer may hang.
const longestShut = time.Second

// enter counts a call. It waits while a renewal is under way.
func (r *renewals) enter() {
	for {
		r.calls.Add(1)
		shut := r.shut.Load()
		if shut == nil {
			return
		}
		r.calls.Add(-1)
		<-*shut
	}
}

// leave must be called once after each enter.
func (r *renewals) leave() { r.calls.Add(-1) }

// mostSpare is how many renewals may follow one another without a pause. After those, one a second may. A client of a single
// server has four connections at most by default. 64 random choices miss one of them once in 25 million times, and 16 once in
// 25 times.
const mostSpare = 64

// A budget bounds the number of renewals. The zero budget has mostSpare.
type budget struct {
	spare int // how many renewals may be made at the time last
	last  time.Time
}

// take reports whether a renewal may be made now, and counts it.
func (b *budget) take(now time.Time) bool {
	if seconds := now.Sub(b.last) / time.Second; seconds > 0 {
		b.spare, b.last = int(min(time.Duration(b.spare)+seconds, mostSpare)), now
	}
	if b.spare == 0 {
		return false
	}
	b.spare--
	return true
}

// misplaced reports whether err is an answer that another server behind the same name might not give.
func misplaced(err error) bool {
	answer, ok := rueidis.IsRedisErr(err)
	if !ok {
		return false
	}
	word, _, _ := strings.Cut(answer.Error(), " ")
	return word == "READONLY" || word == "MASTERDOWN" || word == "LOADING"
}

// renew makes the server close a connection that commands on keys use, and returns when it is closed. It does nothing while
// another renewal is under way, or if there were too many.
func (r *renewals) renew(ctx context.Context, client rueidis.Client, keys []string) {
	if !r.mu.TryLock() {
		return
	}
	defer r.mu.Unlock()
	if !r.budget.take(time.Now()) {
		return
	}
	shut := make(chan struct{})
	r.shut.Store(&shut)
	defer func() {
		r.shut.Store(nil)
		close(shut)
	}()
	for waited := time.Duration(0); r.calls.Load() > 0 && waited < longestShut; waited += time.Millisecond {
		time.Sleep(time.Millisecond)
	}
	// Commands that are sent together use one connection. Neither command uses the key, but the key leads to the node of a
	// cluster that has refused. The PING is never answered: its error comes when rueidis knows that the connection has ended.
	key := keys[:min(1, len(keys))]
	ping := func() rueidis.Completed { return client.B().Arbitrary("PING").Keys(key...).Build() }
	client.DoMulti(ctx, client.B().Arbitrary("QUIT").Keys(key...).Build(), ping())
	// rueidis notices the end of a connection when a command fails on it. PINGs fail here so that no call does. 64 of them miss
	// one of four connections only once in a hundred million times.
	ctx, cancel := context.WithTimeout(ctx, longestShut)
	defer cancel()
	for range 64 {
		client.Do(ctx, ping())
	}
}
