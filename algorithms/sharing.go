package algorithms

import (
	"reflect"

	"github.com/go-weir/weir/internal/sharing"
)

// Package httplimit calls stateOf through an internal package, so that no exported name is needed for it.
func init() { sharing.Of = stateOf }

// stateOf returns where a Remote or a Local keeps the states of its keys, or the zero State if that can't be known.
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
