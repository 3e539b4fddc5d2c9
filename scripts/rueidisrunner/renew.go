package rueidisrunner

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// renewals have connections made anew after a server has said that it can't do what its place asks for. The name or the
// service that the client was given may lead to another server by now, and rueidis keeps a connection until it breaks.
//
// rueidis offers no way to close one connection, but a server closes it upon QUIT, for which no user needs a right (ACL).
// Where a client has several connections to a server, rueidis chooses one at random.
//
// A server runs no command that comes behind a QUIT, and so the calls behind it would fail. So a renewal waits for the calls that
// are under way, for a short time, and new calls wait for the renewal.
type renewals struct {
	mu    sync.Mutex
	spare int // how many may be made now
	last  time.Time

	calls atomic.Int64                  // under way
	shut  atomic.Pointer[chan struct{}] // closed at the end of the renewal that is under way; nil if there is none
}

// longestShut is how long a renewal waits for the calls that are under way. One that takes longer may hang.
const longestShut = time.Second

// enter counts a call, when no renewal is under way.
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

// leave ends what enter began.
func (r *renewals) leave() { r.calls.Add(-1) }

// mostSpare is how many renewals may follow one another without a pause, and then one a second. A client of a single
// server has four connections at most by default. To meet each of four by chance takes 8 on average.
const mostSpare = 16

// misplaced reports whether err is an answer that another server behind the same name would not give.
func misplaced(err error) bool {
	answer, ok := rueidis.IsRedisErr(err)
	if !ok {
		return false
	}
	word, _, _ := strings.Cut(answer.Error(), " ")
	return word == "READONLY" || word == "MASTERDOWN" || word == "LOADING"
}

// renew has the server close a connection, one that keys' commands take, and returns when it is closed. It does nothing
// while another renewal is under way, or if there were many.
func (r *renewals) renew(ctx context.Context, client rueidis.Client, keys []string) {
	if !r.mu.TryLock() {
		return
	}
	defer r.mu.Unlock()
	now := time.Now()
	if seconds := now.Sub(r.last) / time.Second; seconds > 0 {
		r.spare, r.last = int(min(time.Duration(r.spare)+seconds, mostSpare)), now
	}
	if r.spare == 0 {
		return
	}
	r.spare--
	shut := make(chan struct{})
	r.shut.Store(&shut)
	defer func() {
		r.shut.Store(nil)
		close(shut)
	}()
	for waited := time.Duration(0); r.calls.Load() > 0 && waited < longestShut; waited += time.Millisecond {
		time.Sleep(time.Millisecond)
	}
	// Commands that are sent together take one connection. The key, which neither command minds, leads to the node of a
	// cluster that has refused. The PING is never answered: its error comes when rueidis knows that the connection has ended.
	key := keys[:min(1, len(keys))]
	ping := func() rueidis.Completed { return client.B().Arbitrary("PING").Keys(key...).Build() }
	client.DoMulti(ctx, client.B().Arbitrary("QUIT").Keys(key...).Build(), ping())
	// rueidis finds out that a connection has ended when a command fails on it. Were that a call, it would fail. One of four
	// connections is met by 64 commands but for one time in a hundred million.
	ctx, cancel := context.WithTimeout(ctx, longestShut)
	defer cancel()
	for range 64 {
		client.Do(ctx, ping())
	}
}
