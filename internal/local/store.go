// Package local keeps the states of limiters inside one process.
package local

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-weir/weir/internal/rule"
)

const (
	maxShards = 64   // over how many locks the keys are spread at most
	shardKeys = 1024 // for how many keys a shard has room at least, if there are several

	sampled    = 8   // how many keys are looked at to find one to drop
	maxSampled = 128 // how many are looked at if the last request of each of them was denied
)

// A Rule decides on a key's state S.
type Rule[S any] interface {
	rule.Rule

	// Decide decides on a request of cost n at the time now, in µs. If commit is true and the state has to change, Decide
	// changes it and returns until when it is needed. Otherwise until is 0.
	Decide(state *S, now, n int64, commit bool) (standing rule.Standing, until int64)

	// Clamp corrects a state that is further ahead than the limit can reach, as a denial does, and returns until when the
	// state is needed. If nothing has to change, until is 0.
	Clamp(state *S, now int64) (until int64)

	// Charged returns the charge of a request of cost n that Decide has just admitted.
	Charged(state *S, now, n int64) rule.Charge

	// Settle makes used the cost of a charge. until is as for Decide.
	Settle(state *S, now int64, charge rule.Charge, used int64) (until int64)
}

// A Store holds a state for each key under each identity. The zero S is the state of a key that it doesn't hold. States are
// forgotten when they are over. If there is no room for another, one is dropped.
type Store[S any] struct {
	seed   maphash.Seed
	grace  int64 // how long a state is kept after it is over, µs
	shards []shard[S]
}

type shard[S any] struct {
	mu     lock
	states map[name]*kept[S]
	most   int // how many states there is room for
	peak   int // the largest number of states since the map was made
	calls  int // since the last sweep
}

type name struct{ identity, key string }

type kept[S any] struct {
	state  S
	until  int64   // when the state is over, µs
	used   float32 // how much of the limit was in use when the state was last changed, 0 to 1
	denied bool    // whether a request was denied since the state was last changed
}

// A lock has a number. Locks that are held together are taken in the order of their numbers, so that they can't deadlock.
type lock struct {
	sync.Mutex
	order uint64
}

// stores counts the stores of the process.
var stores atomic.Uint64

// graceOfSimulatedTime is how much longer the scripts let a key live if the clock is the client's.
const graceOfSimulatedTime = int64(time.Hour / time.Microsecond)

// NewStore returns an empty store of at most maxKeys states. Simulated time may go back to before the end of a state that is
// over. So states are kept for an hour after their end, as the scripts keep their keys.
func NewStore[S any](maxKeys int, simulated bool) *Store[S] {
	store := &Store[S]{seed: maphash.MakeSeed(), shards: make([]shard[S], max(1, min(maxShards, maxKeys/shardKeys)))}
	if simulated {
		store.grace = graceOfSimulatedTime
	}
	number := stores.Add(1)
	for i := range store.shards {
		store.shards[i].mu.order = number*maxShards + uint64(i)
		store.shards[i].most = maxKeys / len(store.shards)
		store.shards[i].states = map[name]*kept[S]{}
	}
	return store
}

// Of is NewStore with the result type of rule.Algorithm.NewStore.
func Of[S any](maxKeys int, simulated bool) rule.Store { return NewStore[S](maxKeys, simulated) }

// A Change is the effect of a decision on a state.
type Change struct {
	Until  int64   // when the state is over, in µs; 0 if the state was not changed
	Used   float32 // how much of the limit is in use now, 0 to 1
	Denied bool    // whether a request was denied; false for a Peek
}

// Do calls decide with the key's state under the identity and the time that clock shows. The lock is held from the reading of
// the clock to the change of the state, so that each key sees the times in order. If clock fails, Do returns its error and
// calls nothing.
func (s *Store[S]) Do(identity, key string, clock func() (int64, error), decide func(state *S, now int64) Change) error {
	shard := s.shard(key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	now, err := clock()
	if err != nil {
		return err
	}
	shard.do(name{identity, key}, now, now-s.grace, decide)
	return nil
}

// do is Do with the lock held, at the time now.
func (s *shard[S]) do(id name, now, over int64, decide func(state *S, now int64) Change) {
	s.sweep(over)
	entry, known := s.states[id]
	if !known {
		entry = &kept[S]{}
	}
	change := decide(&entry.state, now)
	if change.Until == 0 {
		entry.denied = entry.denied || change.Denied
		return
	}
	entry.until, entry.used, entry.denied = change.Until, change.Used, change.Denied
	if !known {
		s.add(id, entry, over)
	}
}

// Decide implements rule.Store for a [Rule] of S.
func (s *Store[S]) Decide(r rule.Rule, key string, clock func() (int64, error), n int64, commit bool) (standing rule.Standing, err error) {
	err = s.Do(r.Identity(), key, clock, deciding[S](r, n, commit, &standing))
	return standing, err
}

// deciding returns the decision of r for [Store.Do]. It sets standing.
func deciding[S any](r rule.Rule, n int64, commit bool, standing *rule.Standing) func(state *S, now int64) Change {
	return func(state *S, now int64) (change Change) {
		*standing, change.Until = r.(Rule[S]).Decide(state, now, n, commit)
		change.Used = usedOf(r, *standing)
		change.Denied = commit && !standing.Allowed
		return change
	}
}

// Forget implements rule.Store.
func (s *Store[S]) Forget(identity, key string) {
	shard := s.shard(key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	delete(shard.states, name{identity, key})
}

// Len returns how many states are held.
func (s *Store[S]) Len() int {
	n := 0
	for i := range s.shards {
		s.shards[i].mu.Lock()
		n += len(s.shards[i].states)
		s.shards[i].mu.Unlock()
	}
	return n
}

func (s *Store[S]) shard(key string) *shard[S] {
	if len(s.shards) == 1 {
		return &s.shards[0]
	}
	return &s.shards[maphash.String(s.seed, key)%uint64(len(s.shards))]
}

// add stores the state of a new key. If there is no room it drops another first.
func (s *shard[S]) add(id name, entry *kept[S], over int64) {
	if len(s.states) >= s.most {
		s.drop(over)
	}
	// The caller's key may be a slice of a long string, such as a header, which the map would keep in memory as long as the
	// state.
	id.key = strings.Clone(id.key)
	s.states[id] = entry
	s.peak = max(s.peak, len(s.states))
}

// drop makes room for one state. It looks at a few, in the random order of a map. It drops one that is over, or else the
// one whose loss matters least.
func (s *shard[S]) drop(over int64) {
	var least *kept[S]
	var dropped name
	looked := 0
	for id, entry := range s.states {
		looked++
		if least == nil || entry.lessThan(least) {
			dropped, least = id, entry
		}
		if entry.until <= over || looked >= sampled && !least.denied || looked >= maxSampled {
			if entry.until <= over {
				dropped = id
			}
			break
		}
	}
	delete(s.states, dropped)
}

// lessThan reports whether the loss of k matters less than that of other. A dropped key has its whole limit again. So keys that
// are being denied matter most, and of the rest those that have used the most.
func (k *kept[S]) lessThan(other *kept[S]) bool {
	if k.denied != other.denied {
		return other.denied
	}
	if k.used < other.used || k.used > other.used {
		return k.used < other.used
	}
	return k.until < other.until
}

// sweep forgets the shard's states that are over, once there were as many calls since the last sweep as there are states.
// So a sweep costs each call a constant. As a map never shrinks, sweep makes a new one if most states are gone.
func (s *shard[S]) sweep(over int64) {
	s.calls++
	if s.calls <= len(s.states) || s.calls < maxShards {
		return
	}
	s.calls = 0
	for id, entry := range s.states {
		if entry.until <= over {
			delete(s.states, id)
		}
	}
	if s.peak < 4*maxShards || len(s.states) > s.peak/4 {
		return
	}
	states := make(map[name]*kept[S], len(s.states))
	for id, entry := range s.states {
		states[id] = entry
	}
	s.states, s.peak = states, len(states)
}
