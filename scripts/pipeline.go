package scripts

import "context"

// A Pipeliner is a [Runner] over several servers that can send many calls in one round trip. Package coalesce makes use of
// it.
type Pipeliner interface {
	Runner

	// Node names the server that holds a key. Calls for one node are sent together. The name is empty if that
	// isn't known. Node may have to ask a server the first time only.
	Node(ctx context.Context, key string) string

	// RunAll makes calls as Run does, each by itself, in as few round trips as it can, and sets the Reply and
	// the Err of each.
	RunAll(ctx context.Context, calls []Call)
}

// A Call has the arguments of [Runner]'s Run, and its results.
type Call struct {
	Script *Script
	Keys   []string
	Args   []string

	Reply []int64
	Err   error
}
