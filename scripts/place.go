package scripts

import (
	"context"
	"strings"

	"github.com/go-weir/weir/internal/option"
)

// A Place says where a key lives. Places of different Runners can't be compared.
type Place struct {
	// Group is the same for keys that one script may hold: they are on one server and, in cluster mode, in one
	// slot, and stay together when keys move to other servers. Where all keys are on one server, Group is empty for
	// all of them. In a cluster or a ring it may be the key's [HashTag].
	Group string
	// Node names the server that holds the key at present, and is empty if that isn't known. Calls for one
	// Node are worth sending in one round trip: see [Pipeliner].
	Node string
}

// A Placer knows where keys live. A [Runner] that implements Placer lets package coalesce decide on requests for different
// keys in one script. Without Placer, only requests for equal keys share a script, which is always right.
type Placer interface {
	// Place returns where a key lives, and false if that isn't known. It neither waits for a server nor allocates, as
	// it is called once or twice for each call. Its answer may change: with the first answer of a server in
	// cluster mode, for example.
	Place(ctx context.Context, key string) (Place, bool)
}

// PlacerOf returns the Placer of run, or nil if there is none: run itself if it implements [Placer], or else what run wraps.
// A Runner that wraps another one, for metrics or tracing, has a method Unwrap() Runner. It should have one only if it sends
// each call on with the same keys.
func PlacerOf(run Runner) Placer {
	// No chain of wrappers is as long, but one that comes back to itself is longer.
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

// HashTag returns what a cluster, and a go-redis Ring, hash of a key: the part between its first opening brace and the next
// closing one or, if that is missing or empty, the whole key. Keys with the same hash tag are always on the same server.
func HashTag(key string) string {
	if _, after, found := strings.Cut(key, "{"); found {
		if tag, _, closed := strings.Cut(after, "}"); closed && tag != "" {
			return tag
		}
	}
	return key
}

// A Pipeliner is a [Runner] that can send many calls in one round trip. Package coalesce makes use of it if the Runner
// that it is given is itself a Pipeliner. A Pipeliner behind a wrapper isn't used, as the wrapper would not see the calls.
type Pipeliner interface {
	Runner

	// RunAll makes calls as Run does, each by itself, in as few round trips as it can, and sets the Reply and
	// the Err of each. The calls may be for different servers.
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
