package compare

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/scripts"
)

// TestInflight: a request of any cost is admitted if fewer requests than the burst are in progress. Each of them is in
// progress for the time work.
func TestInflight(t *testing.T) {
	tr := random(7, algorithms.PerSecond(5).WithBurst(3))
	_, runner := server(t)
	for _, work := range []time.Duration{leastWork, 300 * time.Millisecond, time.Minute} {
		for _, where := range []scripts.Runner{runner, nil} {
			setup := Setup{Runner: where, Prefix: "test", Kinds: []subject.Kind{inflightKind(work)}, Decided: new(atomic.Int64)}
			comparison, err := setup.Compare(t.Context(), tr)
			if err != nil {
				t.Fatal(err)
			}
			ends := map[string][]time.Duration{}
			for i, a := range tr.Arrivals {
				var held []time.Duration
				for _, end := range ends[a.Key] {
					if end > a.At {
						held = append(held, end)
					}
				}
				want := Outcome{Allowed: len(held) < 3}
				if want.Allowed {
					held = append(held, a.At+work)
				} else {
					want.RetryAfter = held[0] - a.At
				}
				want.Remaining = int64(3 - len(held))
				ends[a.Key] = held
				if got := comparison.Runs[0].Outcomes[i]; got != want {
					t.Fatalf("work of %v, request %d: %+v, want %+v", work, i, got, want)
				}
			}
			if totals := comparison.Runs[0].Totals; totals.Events != int64(totals.Admitted) || totals.Denied == 0 && work > leastWork {
				t.Errorf("work of %v: %+v", work, totals)
			}
		}
	}
}
