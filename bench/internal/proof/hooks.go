package proof

import (
	"context"
	"sync/atomic"

	"github.com/go-weir/weir/scripts"
)

// panicky is the name of the middleware that panics.
const panicky = "panicky"

// hooks are the cases of a client with a hook that panics.
func hooks() []Case {
	l := withoutResets(faultLoad())
	l.Beneath = []string{panicky}
	return []Case{{
		Name: "hooks that panic", Fault: "a hook of the client panics in every 40th call, before or after the server has run it",
		Promise: "a panic reaches the callers of its call only, and a call that fails ran once or not at all",
		Load:    l, Felt: ranUnseen,
	}}
}

// panics is a runner that sometimes panics, like a client with a hook that panics.
type panics struct {
	scripts.Runner
	calls atomic.Int64
}

func (p *panics) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	const often = 40
	n := p.calls.Add(1)
	if n%often == 0 {
		panic("before the call")
	}
	reply, err := p.Runner.Run(ctx, s, keys, args)
	if n%often == often/2 {
		panic("after the call")
	}
	return reply, err
}

// Unwrap returns the wrapped runner, through which package coalesce finds out where keys are.
func (p *panics) Unwrap() scripts.Runner { return p.Runner }
