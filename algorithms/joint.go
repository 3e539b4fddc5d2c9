package algorithms

import "github.com/go-weir/weir/internal/joint"

// Package allof reads limiters through this function of an internal package, so that no exported name is needed for it.
func init() { joint.Of = partOf }

// partOf returns the rule and the settings of a Remote or a Local, and where its state is kept.
func partOf(limiter any) (part joint.Part, ok bool) {
	switch l := limiter.(type) {
	case *Remote:
		part = joint.Part{Rule: l.rule, Settings: l.caller.Settings(), Script: l.algorithm.Decide, Caller: l.caller}
	case *Local:
		part = joint.Part{Rule: l.rule, Settings: l.settings, Store: l.store}
	default:
		return part, false
	}
	capacity := part.Rule.Capacity()
	part.Check = func(n int64) error { return checkCost(n, capacity) }
	return part, true
}
