package httplimit

import (
	"reflect"

	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/sharing"
)

// complainOfShared records which rules charge the count of another rule a second time for each request.
func complainOfShared(rules []*rule) {
	for i, r := range rules {
		for _, other := range rules[:i] {
			if !r.hasConditions() && !other.hasConditions() && shareCounts(r, other) {
				r.complain("limiters %q and %q share one count, want one with a name of its own (algorithms.WithName)", other.name, r.name)
			}
		}
	}
}

// hasConditions reports whether some requests are excluded from the rule, so that it may be meant for those that another
// rule excludes.
func (r *rule) hasConditions() bool { return r.methods != nil || len(r.skip) > 0 }

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
