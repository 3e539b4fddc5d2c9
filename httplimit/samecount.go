package httplimit

import (
	"reflect"

	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/sharing"
)

// complainOfShared records an error for each rule that would charge the count of another rule again for each request.
func complainOfShared(rules []*rule) {
	for i, r := range rules {
		for _, other := range rules[:i] {
			if r.countsAll() && other.countsAll() && shareCounts(r, other) {
				r.complain("limiters %q and %q share one count, want one with a name of its own (algorithms.WithName)", other.name, r.name)
			}
		}
	}
}

// countsAll reports whether the rule counts all requests by the default key. Two such rules count the same requests for the same
// key. If a rule has its own key function, choice of limiters or conditions, a shared count may be intended.
func (r *rule) countsAll() bool {
	return !r.keyed && r.choose == nil && r.methods == nil && len(r.skip) == 0
}

// shareCounts reports whether the limiters of two rules are known to share the state of a key.
func shareCounts(a, b *rule) bool {
	if option.IsNil(a.limiter) || option.IsNil(b.limiter) {
		return false
	}
	if state := sharing.Of(a.limiter); state != (sharing.State{}) {
		return state == sharing.Of(b.limiter)
	}
	return reflect.ValueOf(a.limiter).Kind() == reflect.Pointer && a.limiter == b.limiter
}
