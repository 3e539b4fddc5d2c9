package scripts

import "context"

// A Pipeliner is a [Runner] over several servers that can send calls in one go. [Coalesce] makes use of it.
type Pipeliner interface {
	Runner

	// Node names the server that holds a key: calls for one node are sent together. It is empty where that
	// isn't known. Only the first time may it have to ask.
	Node(ctx context.Context, key string) string

	// RunAll makes calls as Run does, each by itself, in as few round trips as it can, and fills in what
	// came of each.
	RunAll(ctx context.Context, calls []Call)
}

// A Call is what a [Runner]'s Run takes, and what it returns.
type Call struct {
	Script *Script
	Keys   []string
	Args   []string

	Reply []int64
	Err   error
}
