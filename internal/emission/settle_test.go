package emission

import (
	"testing"

	"github.com/go-weir/weir/internal/rule"
)

// TestCountLivesLongEnough: the count of what was given back is kept as long as a charge that it concerns is outstanding,
// even if the key's own time is over sooner.
func TestCountLivesLongEnough(t *testing.T) {
	b := NewBucket("gcra", rule.Limit{Rate: 10, Period: 10})
	var s State
	reserve := func(now, n int64) rule.Charge {
		if standing, _ := b.Decide(&s, now, n, true); !standing.Allowed {
			t.Fatalf("%d at %d: %+v", n, now, standing)
		}
		return b.Charged(&s, now, n)
	}
	first, second := reserve(100, 6), reserve(100, 4) // they end at 106 and 110
	if until := b.Settle(&s, 101, first, 0); until < 110 {
		t.Errorf("after what was given back the state is kept until %d, want until 110", until)
	}
	if until := b.Settle(&s, 101, second, 0); until < 110 {
		t.Errorf("after all was given back the state is kept until %d, want until 110", until)
	}
	if _, until := b.Decide(&s, 102, 1, true); until < 110 {
		t.Errorf("after another request the state is kept until %d, want until 110", until)
	}
	if _, until := b.Decide(&s, 120, 1, true); until != 122 {
		t.Errorf("after a request at 120 the state is kept until %d, want until 122", until)
	}
}
