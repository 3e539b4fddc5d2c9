package coalesce

import (
	"context"
	"slices"
	"time"

	"github.com/go-weir/weir/scripts"
)

// place is where a call goes. Calls for one place can be sent together.
type place struct {
	known            bool   // if false, key is the first key, and only calls for equal keys share a script
	node, group, key string // at most one of them is set
}

// oneServer is the place of all keys if they are on one server.
var oneServer = place{known: true}

func (c *Runner) placeOf(ctx context.Context, keys []string) place {
	if len(keys) == 0 {
		return place{}
	}
	p, known := c.look(ctx, keys[0])
	switch {
	case !known:
		return place{key: keys[0]}
	case c.pipeline != nil && p.Node != "":
		return place{known: true, node: p.Node}
	}
	return place{known: true, group: p.Group}
}

// look asks the placer, if there is one.
func (c *Runner) look(ctx context.Context, key string) (scripts.Place, bool) {
	if c.placer == nil {
		return scripts.Place{}, false
	}
	return c.placer.Place(ctx, key)
}

// lane has the calls for one place. Runner.mu guards it.
type lane struct {
	at       place
	queue    list[*waiter]
	holding  []*flight // flights that count against MaxFlights, oldest first
	underWay int       // calls, including those of flights that don't count any more
	blocked  node[*lane]
	timer    *time.Timer // until the oldest flight doesn't count any more
	armed    bool
}

// flight is a call or a batch that is under way.
type flight struct {
	lane  *lane
	holds bool      // counts against MaxFlights
	since time.Time // since when another call waits for it; zero if none does
	calls int

	waiting int                // callers that have not given up
	cancel  context.CancelFunc // of a batch's context
}

func (c *Runner) laneAt(at place) *lane {
	if at == oneServer && c.one != nil {
		return c.one
	}
	l := c.lanes[at]
	if l == nil {
		l = &lane{at: at}
		l.blocked.value = l
		c.lanes[at] = l
		if at == oneServer {
			c.one = l
		}
	}
	return l
}

// room reports whether one more flight may begin.
func (c *Runner) room(l *lane) bool {
	return len(l.holding) < c.options.flights && l.underWay/perLane < c.options.flights && c.underWay < c.options.calls
}

// begin begins a flight.
func (c *Runner) begin(l *lane) *flight { return c.beginAs(&flight{}, l) }

func (c *Runner) beginAs(f *flight, l *lane) *flight {
	*f = flight{lane: l, holds: true}
	l.holding = append(l.holding, f)
	c.count(f, 1)
	return f
}

// beginInPlace begins the flight of a call that is made in its caller's goroutine: landInPlace ends it.
func (c *Runner) beginInPlace(l *lane) *flight {
	f := c.spare
	if c.spare = nil; f == nil {
		f = &flight{}
	}
	return c.beginAs(f, l)
}

// count adds to the number of calls that are under way.
func (c *Runner) count(f *flight, calls int) {
	f.calls += calls
	f.lane.underWay += calls
	c.underWay += calls
}

// release makes a flight not count against MaxFlights any more.
func (f *flight) release() {
	if f.holds {
		f.holds = false
		at := slices.Index(f.lane.holding, f)
		f.lane.holding = slices.Delete(f.lane.holding, at, at+1)
	}
}

// land ends a flight, and sends the calls that could not be sent before.
func (c *Runner) land(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(f)
}

// landInPlace is land for a flight of beginInPlace. No waiter refers to that flight, so it can be used again.
func (c *Runner) landInPlace(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(f)
	c.spare = f
}

func (c *Runner) end(f *flight) {
	f.release()
	c.count(f, -f.calls)
	c.dispatch(f.lane)
	for c.underWay < c.options.calls && c.blocked.length > 0 {
		next := c.blocked.first
		next.remove()
		c.dispatch(next.value)
	}
	c.tidy(f.lane)
}

// dispatch sends as many calls of a lane's queue as may be sent.
func (c *Runner) dispatch(l *lane) {
	for l.queue.length > 0 && c.room(l) {
		batch, f := c.take(l), c.begin(l)
		f.waiting = len(batch)
		for _, w := range batch {
			w.flight = f
		}
		go c.fly(f, batch)
	}
	c.watch(l)
}

// take takes the oldest calls from a lane's queue, as many as may be sent together.
func (c *Runner) take(l *lane) (batch []*waiter) {
	batch = make([]*waiter, 0, min(c.options.batch, l.queue.length))
	for bytes := 0; l.queue.length > 0 && len(batch) < c.options.batch; {
		w := l.queue.first.value
		if bytes += w.bytes(); bytes > c.options.bytes && len(batch) > 0 {
			break
		}
		w.node.remove()
		w.taken = true
		batch = append(batch, w)
	}
	c.queued -= len(batch)
	return batch
}

// watch makes sure that waiting calls are sent later: when a flight lands, when a flight has counted against MaxFlights for
// too long, or when fewer calls are under way for all lanes.
func (c *Runner) watch(l *lane) {
	switch {
	case l.queue.length == 0:
		l.blocked.remove()
	case len(l.holding) >= c.options.flights:
		if newest := l.holding[len(l.holding)-1]; newest.since.IsZero() {
			now := time.Now()
			for i := len(l.holding) - 1; i >= 0 && l.holding[i].since.IsZero(); i-- {
				l.holding[i].since = now
			}
		}
		if l.armed {
			return
		}
		l.armed = true
		wait := time.Until(l.holding[0].since.Add(c.options.patience)) // the oldest
		if l.timer == nil {
			l.timer = time.AfterFunc(wait, func() { c.late(l) })
		} else {
			l.timer.Reset(wait)
		}
	case c.underWay >= c.options.calls:
		c.blocked.push(&l.blocked)
	}
}

// late makes flights not count against MaxFlights any more if they have counted for too long, and sends calls beside them.
func (c *Runner) late(l *lane) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l.armed = false
	if l.queue.length == 0 {
		return
	}
	for len(l.holding) > 0 && !l.holding[0].since.IsZero() && time.Since(l.holding[0].since) >= c.options.patience {
		l.holding[0].release()
	}
	c.dispatch(l)
}

// tidy drops a lane that isn't needed any more, as there may be one for each key.
func (c *Runner) tidy(l *lane) {
	if l.queue.length == 0 && l.underWay == 0 && l.at != oneServer {
		delete(c.lanes, l.at)
	}
	c.rest()
}
