// Package sharing lets the packages of Weir find out which limiters share the state of a key.
package sharing

// A State says where a limiter keeps the states of its keys, and under which identity. Limiters of equal States share the
// state of each key.
type State struct {
	Place    any // the runner or the store; comparable
	Identity string
}

// Of returns the State of a limiter of package algorithms, or the zero State of any other. Package algorithms sets it.
var Of = func(limiter any) State { return State{} }
