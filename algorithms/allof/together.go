package allof

import (
	"context"
	"fmt"
	"reflect"

	"github.com/go-weir/weir/internal/joint"
	"github.com/go-weir/weir/scripts"
)

// together returns an error if the parts can't be decided as one.
func together(parts []joint.Part) error {
	first := &parts[0]
	for i := range parts {
		p := &parts[i]
		switch {
		case (p.Script == nil) != (first.Script == nil):
			return fmt.Errorf("%w: limiters 1 and %d are a Local and a Remote, want all in this process or all on one server", ErrNotTogether, i+1)
		case p.Settings.Simulated() != first.Settings.Simulated():
			return fmt.Errorf("%w: one of limiters 1 and %d has a clock of its own, want algorithms.WithClock for all or for none", ErrNotTogether, i+1)
		case i > 0 && p.Script != nil && !equal(p.Caller.Runner(), first.Caller.Runner()):
			return fmt.Errorf("%w: limiters 1 and %d have different runners, or runners of a type that can't be compared (%T), "+
				"want one pointer for all", ErrNotTogether, i+1, p.Caller.Runner())
		}
		for j := range parts[:i] {
			if sameState(&parts[j], p) {
				return fmt.Errorf("%w: limiters %d and %d share one count for a key (%s), want different names: algorithms.WithName",
					ErrNotTogether, j+1, i+1, p.Rule.Identity())
			}
		}
	}
	return nil
}

// equal reports whether two runners are known to be the same.
func equal(a, b scripts.Runner) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// sameState reports whether two limiters, both in this process or both on one server, keep one state for a key.
func sameState(a, b *joint.Part) bool {
	if a.Script != nil {
		return a.Caller.Key("") == b.Caller.Key("")
	}
	return a.Store == b.Store && a.Rule.Identity() == b.Rule.Identity()
}

// keys returns the key of each limiter on the server, or an error if it isn't certain that one script may use them all.
func (l *Limiter) keys(ctx context.Context, requests asked) ([]string, error) {
	keys, equal := make([]string, len(l.parts)), true
	for i := range keys {
		keys[i] = l.parts[i].Caller.Key(requests.at(i).Key)
		equal = equal && requests.at(i).Key == requests.at(0).Key
	}
	if equal {
		return keys, nil
	}
	for _, key := range keys[1:] {
		if !l.holdsBoth(ctx, keys[0], key) {
			return nil, fmt.Errorf("%w: %q and %q are not known to be on one server and in one cluster slot, "+advice, ErrNotTogether, keys[0], key)
		}
	}
	return keys, nil
}

// advice says which keys one script may always use.
const advice = "want keys of at most 256 bytes that begin with the same text in braces, such as {acme} and {acme}:alice"

// apart returns the error of a call. A client of a single server learns only from CROSSSLOT that it is part of a cluster.
func apart(err error) error {
	if scripts.ErrorCode(err) == "CROSSSLOT" {
		return fmt.Errorf("%w: %w, "+advice, ErrNotTogether, err)
	}
	return err
}

// holdsBoth reports whether it is certain that one script may use both keys.
func (l *Limiter) holdsBoth(ctx context.Context, a, b string) bool {
	if scripts.HashTag(a) == scripts.HashTag(b) {
		return true
	}
	here, known := l.placer.Place(ctx, a)
	there, alsoKnown := l.placer.Place(ctx, b)
	return known && alsoKnown && here.Group == there.Group
}
