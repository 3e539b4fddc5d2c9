package local

import "github.com/go-weir/weir/internal/rule"

// Most implements rule.Store for a [Rule] of S. It admits at most what remains of the key.
func (s *Store[S]) Most(r rule.Rule, key string, clock func() (int64, error), n int64) (admitted int64, standing rule.Standing, err error) {
	err = s.Do(r.Identity(), key, clock, func(state *S, now int64) (change Change) {
		own := r.(Rule[S])
		present, _ := own.Decide(state, now, 1, false)
		admitted = min(n, present.Remaining)
		standing, change.Until = own.Decide(state, now, max(admitted, 1), true)
		change.Used, change.Denied = usedOf(r, standing), !standing.Allowed
		return change
	})
	return admitted, standing, err
}

// Reserve implements rule.Store for a [Rule] of S.
func (s *Store[S]) Reserve(r rule.Rule, key string, clock func() (int64, error), n int64) (standing rule.Standing, charge rule.Charge, err error) {
	err = s.Do(r.Identity(), key, clock, func(state *S, now int64) (change Change) {
		own := r.(Rule[S])
		standing, change.Until = own.Decide(state, now, n, true)
		change.Used, change.Denied = usedOf(r, standing), !standing.Allowed
		if standing.Allowed {
			charge = own.Charged(state, now, n)
		}
		return change
	})
	return standing, charge, err
}

// Settle implements rule.Store for a [Rule] of S.
func (s *Store[S]) Settle(r rule.Rule, key string, clock func() (int64, error), charge rule.Charge, used int64) error {
	return s.Do(r.Identity(), key, clock, func(state *S, now int64) (change Change) {
		own := r.(Rule[S])
		change.Until = own.Settle(state, now, charge, used)
		standing, _ := own.Decide(state, now, 1, false)
		change.Used, change.Denied = usedOf(r, standing), change.Until > 0 && !standing.Allowed
		return change
	})
}

// usedOf returns how much of the limit is in use, 0 to 1.
func usedOf(r rule.Rule, standing rule.Standing) float32 {
	return float32(r.Capacity()-standing.Remaining) / float32(r.Capacity())
}
