package scripts

import (
	"context"
	"strings"

	"github.com/go-weir/weir/internal/option"
)

// A Place says where a key lives. The Places of different Runners can't be compared.
type Place struct {
	// Group is the same for keys that one script may hold: they are on one server and, in cluster mode, in one
	// slot, and they stay together when keys move to other servers. If all keys are on one server, Group is empty for
	// all of them. In a cluster or a ring it may be the hash tag of the key: see [HashTag].
	Group string
	// Node names the server that holds the key at present, and is empty if that isn't known. Calls for one
	// Node are worth sending in one round trip: see [Pipeliner].
	Node string
}

// A Placer knows where keys live. If a [Runner] implements Placer, package coalesce can decide on requests for different keys
// in one script. Without a Placer only requests for equal keys share a script, which is always correct.
type Placer interface {
	// Place returns where a key lives, and false if that isn't known. It must not wait for a server, and should not
	// allocate, as it is called once or twice for each call. Its answer may change, for example when a server's answer
	// shows that it is in cluster mode.
	Place(ctx context.Context, key string) (Place, bool)
}

// PlacerOf returns the Placer of run, or nil if there is none. If run doesn't implement [Placer], the Placer is that of the
// Runner which run wraps. A Runner that wraps another one, for metrics or tracing, has a method Unwrap() Runner. It should have
// that method only if it passes each call on with the same keys.
func PlacerOf(run Runner) Placer {
	// A chain of wrappers is never this long, unless it is a cycle.
	for range 1 << 16 {
		if option.IsNil(run) {
			return nil
		}
		if placer, ok := run.(Placer); ok {
			return placer
		}
		wrapper, ok := run.(interface{ Unwrap() Runner })
		if !ok {
			return nil
		}
		run = wrapper.Unwrap()
	}
	return nil
}

// HashTag returns the part of a key that a cluster, and a go-redis Ring, hash: the text between its first opening brace and the
// next closing one or, if that is missing or empty, the whole key. Keys with the same hash tag are always on the same server.
func HashTag(key string) string {
	if _, after, found := strings.Cut(key, "{"); found {
		if tag, _, closed := strings.Cut(after, "}"); closed && tag != "" {
			return tag
		}
	}
	return key
}

// A Pipeliner is a [Runner] that can send many calls in one round trip. Package coalesce uses it if the Runner that it is given
// is itself a Pipeliner. It doesn't use a Pipeliner behind a wrapper, as the wrapper would not see the calls.
type Pipeliner interface {
	Runner

	// RunAll makes each of the calls as Run does, in as few round trips as it can, and sets the Reply and the Err of each.
	// The calls may be for different servers.
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
