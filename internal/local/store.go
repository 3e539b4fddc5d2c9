// Package local is what the limiters inside one process are made of: a map of states that forgets
// those which have nothing left to say, and the limiter around it.
package local

import (
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

// shards is how many locks the keys are spread over.
const shards = 64

// A Store holds a state for each key. The zero S is the state of a key that it doesn't know.
type Store[S any] struct {
	seed   maphash.Seed
	grace  int64 // how long a state is kept after it has become as good as none, µs
	shards [shards]shard[S]
}

type shard[S any] struct {
	mu     sync.Mutex
	states map[string]*kept[S]
	asked  int // since the last sweep
}

type kept[S any] struct {
	state S
	until int64 // when the state has become as good as none, µs
}

// graceOfSimulatedTime is how much longer the scripts let a key live where the clock is the client's.
const graceOfSimulatedTime = int64(time.Hour / time.Microsecond)

// NewStore returns an empty store. Under simulated time, which may go back into the time of a state that is
// over, states are kept an hour longer, as the scripts keep their keys.
func NewStore[S any](simulated bool) *Store[S] {
	store := &Store[S]{seed: maphash.MakeSeed()}
	if simulated {
		store.grace = graceOfSimulatedTime
	}
	for i := range store.shards {
		store.shards[i].states = map[string]*kept[S]{}
	}
	return store
}

// Do calls decide with the key's state and the time that clock shows, alone with the key: no other
// call comes between the reading of the clock and the change of the state, so that each key sees
// the times in order. A result above 0 says that the state was changed, and until when it means
// anything, in µs; 0 that it wasn't. Do fails only as clock does, and then calls nothing.
func (s *Store[S]) Do(key string, clock func() (int64, error), decide func(state *S, now int64) (until int64)) error {
	shard := s.shard(key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	now, err := clock()
	if err != nil {
		return err
	}
	shard.sweep(now - s.grace)
	entry, known := shard.states[key]
	if !known {
		entry = &kept[S]{}
	}
	if until := decide(&entry.state, now); until > 0 {
		entry.until = until
		if !known {
			// The caller's key may be a slice of something long, such as a header field, which the map
			// would hold for as long as the state.
			shard.states[strings.Clone(key)] = entry
		}
	}
	return nil
}

// Forget removes the key's state.
func (s *Store[S]) Forget(key string) {
	shard := s.shard(key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	delete(shard.states, key)
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
	return &s.shards[maphash.String(s.seed, key)%shards]
}

// sweep forgets the shard's states that have meant nothing since the time over, once it has been asked as often as
// it holds states: so a sweep costs each question a constant, and idle keys are gone after as many
// questions as there are keys.
func (s *shard[S]) sweep(over int64) {
	s.asked++
	if s.asked <= len(s.states) || s.asked < shards {
		return
	}
	s.asked = 0
	for key, entry := range s.states {
		if entry.until <= over {
			delete(s.states, key)
		}
	}
}
