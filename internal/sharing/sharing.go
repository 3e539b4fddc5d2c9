// Package sharing lets the packages of Weir find out which limiters keep one state for a key.
package sharing

// A State says where a limiter keeps the states of its keys, and which of those that a key has there is its own. Limiters
// of equal States share the state of each key.
type State struct {
	Place    any // the runner or the store; comparable
	Identity string
}

// Of returns the State of a limiter of package algorithms, which sets this function, or the zero State of another.
var Of = func(limiter any) State { return State{} }
