package remote_test

import (
	"context"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/remote"
	"github.com/go-weir/weir/scripts"
)

// keysSeen is a runner that records the keys of a call.
type keysSeen []string

func (k *keysSeen) Run(_ context.Context, _ *scripts.Script, keys, _ []string) ([]int64, error) {
	*k = keys
	return []int64{1}, nil
}

// TestGivenKeys: the key that counts what was given back is in the slot of the limiter's key, and is never a limiter's key.
func TestGivenKeys(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("{}:-gk"))), rapid.SampledFrom([]string{
		"", "given", "{given}", ":{given}", "k:{given}", "k}:gcra:1/1s:{given", "{given", strings.Repeat("k", 300),
	}))
	rapid.Check(t, func(rt *rapid.T) {
		name := strings.ReplaceAll(text.Draw(rt, "name"), "}", "")
		prefix := strings.NewReplacer("{", "", "}", "").Replace(text.Draw(rt, "prefix"))
		var seen keysSeen
		caller, err := remote.New(&seen, option.Settings{Prefix: prefix, Name: name}, "gcra:1/1s")
		if err != nil {
			rt.Fatal(err)
		}
		if _, err := caller.CallGiven(context.Background(), scripts.Reset, text.Draw(rt, "key"), nil); err != nil {
			rt.Fatal(err)
		}
		if len(seen) != 2 || scripts.HashTag(seen[0]) != scripts.HashTag(seen[1]) {
			rt.Errorf("keys %q: not two of one slot", seen)
		}
		if strings.HasSuffix(seen[0], "}") || !strings.HasSuffix(seen[1], "}") {
			rt.Errorf("keys %q: a limiter's key ends with a brace, or the other doesn't", seen)
		}
	})
}
