package compare

import (
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/trace"
)

// TestChoice: inflight is compared if it is named, or if the time of work is set. allof is compared if it is named, or if
// the trace has a second limit and nothing is named.
func TestChoice(t *testing.T) {
	one := trace.Trace{Limit: algorithms.PerSecond(1)}
	two := one
	two.And = algorithms.PerMinute(10)
	for _, test := range []struct {
		choice choice
		trace  trace.Trace
		want   []string
	}{
		{choice{}, one, []string{"fixedwindow", "slidinglog", "gcra", "leakybucket", "queue"}},
		{choice{}, two, []string{"fixedwindow", "slidinglog", "gcra", "leakybucket", "queue", "allof"}},
		{choice{work: time.Second}, two, []string{"fixedwindow", "slidinglog", "gcra", "leakybucket", "queue", "allof", "inflight"}},
		{choice{names: []string{"inflight", "gcra"}}, one, []string{"gcra", "inflight"}},
		{choice{names: []string{"gcra"}, work: time.Second}, two, []string{"gcra", "inflight"}},
		{choice{names: []string{"allof", "queue"}}, one, []string{"queue", "allof"}},
	} {
		found := test.choice.kinds(test.trace)
		same := len(found) == len(test.want)
		for i := range found {
			same = same && found[i].Name == test.want[i]
		}
		if name, unknown := test.choice.unknown(); !same || unknown {
			t.Errorf("%v under %s: %v, unknown %q, want %v", test.choice, test.trace.Limits(), found, name, test.want)
		}
	}
	if name, unknown := (choice{names: []string{"gcra", "none"}}).unknown(); !unknown || name != "none" {
		t.Errorf("unknown %q, %v", name, unknown)
	}
}
