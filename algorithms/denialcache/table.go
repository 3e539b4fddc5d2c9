package denialcache

import (
	"hash/maphash"
	"math"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-weir/weir/algorithms"
)

const (
	denialWays       = 8   // how many slots a key can be in
	denialStripes    = 64  // how many locks the writers are spread over
	longestDenialKey = 256 // bytes; longer keys are never held
)

// A denial is the answer of the limiter behind for one key. It never changes once it is in a table. Times are in nanoseconds,
// on the cache's clock.
type denial struct {
	key              string
	hash             uint64
	cost             int64 // the smallest cost that is refused
	limit, remaining int64 // of the answer
	from, until      int64 // requests are refused from the first time on, and before the second
	retry, reset     int64 // the ends of RetryAfter and ResetAfter
}

// live reports whether the denial holds at the time now. One that begins later was made before the
// clock went back.
func (d *denial) live(now int64) bool { return d.from <= now && now < d.until }

// result is the answer to a request at the time now.
func (d *denial) result(now int64) algorithms.Result {
	return algorithms.Result{
		Limit:      d.limit,
		Remaining:  d.remaining,
		RetryAfter: roundUp(d.retry - now),
		ResetAfter: roundUp(max(d.reset-now, 0)),
	}
}

// roundUp returns ns nanoseconds as whole microseconds.
func roundUp(ns int64) time.Duration {
	return time.Duration((ns+999)/1000) * time.Microsecond
}

// A denialTable holds the denials of a bounded number of keys. A key's hash says which few slots it can be in. If others
// take all of these, the denial that ends first makes room. So each operation looks at a few slots only, however many keys
// there are. Reading takes no lock.
type denialTable struct {
	seed    maphash.Seed
	sets    uint64 // how many sets there are; each has some of the slots, up to denialWays
	slots   []atomic.Pointer[denial]
	stripes [denialStripes]denialStripe
}

// A denialStripe guards the writing of some of the sets, and counts the Resets of their keys.
type denialStripe struct {
	mu    sync.Mutex
	begun int      // Resets that have begun and not ended
	ended uint64   // Resets that have ended
	_     [40]byte // padding to a cache line, against false sharing
}

// newDenialTable returns a table for most keys, at least 1.
func newDenialTable(most int) *denialTable {
	return &denialTable{
		seed:  maphash.MakeSeed(),
		sets:  uint64((most + denialWays - 1) / denialWays),
		slots: make([]atomic.Pointer[denial], most),
	}
}

// hash returns the hash by which the key is found. Each table has a random seed of its own, so that clients can't choose
// keys that share their slots.
func (t *denialTable) hash(key string) uint64 { return maphash.String(t.seed, key) }

// at returns the slots that a key of that hash can be in, and the stripe that guards them.
func (t *denialTable) at(hash uint64) ([]atomic.Pointer[denial], *denialStripe) {
	set, _ := bits.Mul64(hash, t.sets) // hash scaled from 2^64 to the number of sets
	most := uint64(len(t.slots))       // the product below is at most 2^49
	return t.slots[set*most/t.sets : (set+1)*most/t.sets], &t.stripes[set%denialStripes]
}

// find returns the key's denial, or nil. The denial may be over.
func (t *denialTable) find(hash uint64, key string) *denial {
	slots, _ := t.at(hash)
	for i := range slots {
		if d := slots[i].Load(); d != nil && d.hash == hash && d.key == key {
			return d
		}
	}
	return nil
}

// resets returns how many Resets have ended in the stripe of this hash. The number is an argument of keep.
func (t *denialTable) resets(hash uint64) uint64 {
	_, stripe := t.at(hash)
	stripe.mu.Lock()
	defer stripe.mu.Unlock()
	return stripe.ended
}

// keep holds d from the time now on. It drops d if d may have been decided before a Reset of its key: if a Reset is under
// way, or if one has ended since resets was read, which was before d was asked for. Of two live denials of one key the one
// of the smaller cost stays, as it answers more requests, and of equal costs the one that holds longer.
func (t *denialTable) keep(d *denial, resets uint64, now int64) {
	slots, stripe := t.at(d.hash)
	stripe.mu.Lock()
	defer stripe.mu.Unlock()
	if stripe.begun > 0 || stripe.ended != resets {
		return
	}
	var room *atomic.Pointer[denial]
	var soonest int64
	for i := range slots {
		held := slots[i].Load()
		if held != nil && held.hash == d.hash && held.key == d.key {
			if held.live(now) && (held.cost < d.cost || held.cost == d.cost && held.until >= d.until) {
				return
			}
			room = &slots[i]
			break
		}
		ends := int64(math.MinInt64)
		if held != nil {
			ends = held.until
		}
		if room == nil || ends < soonest {
			room, soonest = &slots[i], ends
		}
	}
	d.key = strings.Clone(d.key) // the caller's may be part of a much longer string
	room.Store(d)
}

// drop forgets d, if it is still held.
func (t *denialTable) drop(d *denial) {
	slots, _ := t.at(d.hash)
	for i := range slots {
		if slots[i].CompareAndSwap(d, nil) {
			return
		}
	}
}

// beginReset forgets the key. Until endReset no denial is kept for any key of its stripe.
func (t *denialTable) beginReset(hash uint64, key string) {
	slots, stripe := t.at(hash)
	stripe.mu.Lock()
	defer stripe.mu.Unlock()
	stripe.begun++
	for i := range slots {
		if d := slots[i].Load(); d != nil && d.hash == hash && d.key == key {
			slots[i].Store(nil)
		}
	}
}

// endReset is called once for each beginReset.
func (t *denialTable) endReset(hash uint64) {
	_, stripe := t.at(hash)
	stripe.mu.Lock()
	defer stripe.mu.Unlock()
	stripe.begun--
	stripe.ended++
}
