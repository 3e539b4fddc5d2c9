package algorithms

import (
	"reflect"

	"github.com/go-weir/weir/internal/sharing"
)

// No exported name tells this, as only Weir needs it.
func init() { sharing.Of = stateOf }

// stateOf returns where a Remote or a Local keeps the states of its keys, and the zero State where that can't be known.
func stateOf(limiter any) sharing.State {
	switch l := limiter.(type) {
	case *Remote:
		if run := l.caller.Runner(); reflect.ValueOf(run).Comparable() {
			return sharing.State{Place: run, Identity: l.caller.Key("")}
		}
	case *Local:
		return sharing.State{Place: l.store, Identity: l.rule.Identity()}
	}
	return sharing.State{}
}
