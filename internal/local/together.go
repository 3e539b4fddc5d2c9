package local

import (
	"cmp"
	"slices"

	"github.com/go-weir/weir/internal/rule"
)

// A Request is one of several that are decided together.
type Request struct {
	Store rule.Store // a [Store]
	Rule  rule.Rule
	Key   string
	N     int64
}

// shared is a [Store] of any S. Its methods are called with the lock of the key held, and with the time.
type shared interface {
	lockOf(key string) *lock
	decide(r rule.Rule, key string, now, n int64, commit bool) rule.Standing
	clamp(r rule.Rule, key string, now int64)
	forget(r rule.Rule, key string)
}

// Together decides on requests at one time, with all their locks held. If each is admitted, it commits all. Otherwise it commits
// none, corrects states that are too far ahead, as denials do, and returns the answer that each request would get alone. No two
// requests may be for one state. If commit is false it changes nothing. If clock fails, it returns its error and decides nothing.
func Together(requests []Request, clock func() (int64, error), commit bool) ([]rule.Standing, error) {
	stores, unlock := lockAll(requests)
	defer unlock()
	now, err := clock()
	if err != nil {
		return nil, err
	}
	standings, all := make([]rule.Standing, len(requests)), true
	for i, q := range requests {
		standings[i] = stores[i].decide(q.Rule, q.Key, now, q.N, false)
		all = all && standings[i].Allowed
	}
	if !commit {
		return standings, nil
	}
	for i, q := range requests {
		if all || !standings[i].Allowed {
			standings[i] = stores[i].decide(q.Rule, q.Key, now, q.N, true)
		} else {
			stores[i].clamp(q.Rule, q.Key, now)
		}
	}
	return standings, nil
}

// ForgetTogether removes the states of requests, with all their locks held.
func ForgetTogether(requests []Request) {
	stores, unlock := lockAll(requests)
	defer unlock()
	for i, q := range requests {
		stores[i].forget(q.Rule, q.Key)
	}
}

// lockAll locks the keys of requests, in the order of the locks' numbers.
func lockAll(requests []Request) (stores []shared, unlock func()) {
	stores = make([]shared, len(requests))
	locks := make([]*lock, len(requests))
	for i, q := range requests {
		stores[i] = q.Store.(shared)
		locks[i] = stores[i].lockOf(q.Key)
	}
	slices.SortFunc(locks, func(a, b *lock) int { return cmp.Compare(a.order, b.order) })
	locks = slices.Compact(locks)
	for _, l := range locks {
		l.Lock()
	}
	return stores, func() {
		for _, l := range locks {
			l.Unlock()
		}
	}
}

func (s *Store[S]) lockOf(key string) *lock { return &s.shard(key).mu }

func (s *Store[S]) decide(r rule.Rule, key string, now, n int64, commit bool) (standing rule.Standing) {
	s.shard(key).do(name{r.Identity(), key}, now, now-s.grace, deciding[S](r, n, commit, &standing))
	return standing
}

func (s *Store[S]) clamp(r rule.Rule, key string, now int64) {
	s.shard(key).do(name{r.Identity(), key}, now, now-s.grace, func(state *S, now int64) (change Change) {
		standing, _ := r.(Rule[S]).Decide(state, now, 1, false)
		change.Used = float32(r.Capacity()-standing.Remaining) / float32(r.Capacity())
		change.Until = r.(Rule[S]).Clamp(state, now)
		return change
	})
}

func (s *Store[S]) forget(r rule.Rule, key string) {
	delete(s.shard(key).states, name{r.Identity(), key})
}
