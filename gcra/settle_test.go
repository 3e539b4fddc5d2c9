package gcra_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/resptest"
)

func TestSettlements(t *testing.T) { algorithm.Settlements(t, 50_000, algorithmtest.BucketModel) }

// A call is a step of a history: at a time in µs, n events are admitted, denied or reserved, the i-th reservation is
// settled, or the key is reset.
type call struct {
	at   int64
	do   string
	n, i int64
	left int64 // the ResetAfter of the key after the step, µs
}

// TestHistories runs histories in which simpler rules would give back too much or too little. One event is due each
// microsecond, and the burst is 10.
func TestHistories(t *testing.T) {
	for name, history := range map[string][]call{
		"what was given back before is missing from the charge's own interval": {
			{0, "reserve", 6, 0, 6}, {0, "reserve", 4, 0, 10}, {2, "commit", 0, 0, 4}, {7, "admit", 2, 0, 2}, {7, "commit", 0, 1, 2},
		},
		"the charge has passed, and a later one is outstanding": {
			{0, "reserve", 4, 0, 4}, {5, "admit", 4, 0, 4}, {6, "commit", 0, 0, 3},
		},
		"a later charge is given back first": {
			{0, "reserve", 3, 0, 3}, {0, "reserve", 3, 0, 6}, {0, "commit", 0, 1, 3}, {0, "commit", 0, 0, 0},
		},
		"a later charge is given back first, a moment later": {
			{0, "reserve", 3, 0, 3}, {0, "reserve", 3, 0, 6}, {1, "commit", 0, 1, 2}, {1, "commit", 0, 0, 0},
		},
		"all of a charge that others were before": {
			{0, "admit", 6, 0, 6}, {0, "reserve", 4, 0, 10}, {5, "commit", 0, 0, 1},
		},
		"what others that were before gave back has moved the charge": {
			{0, "reserve", 3, 0, 3}, {0, "reserve", 3, 0, 6}, {0, "admit", 4, 0, 10}, {1, "commit", 0, 0, 7}, {2, "commit", 0, 1, 4},
		},
		"what was given back before the charge has not moved it": {
			{0, "reserve", 5, 0, 5}, {0, "commit", 0, 0, 0}, {0, "admit", 6, 0, 6}, {0, "reserve", 4, 0, 10}, {5, "commit", 0, 1, 1},
		},
		"no time is written that has passed": {
			{0, "reserve", 1, 0, 1}, {0, "reserve", 6, 0, 7}, {0, "reset", 0, 0, 0}, {0, "admit", 4, 0, 4}, {0, "commit", 0, 1, 0}, {0, "commit", 4, 0, 3},
		},
		"a part is used": {
			{0, "reserve", 10, 0, 10}, {2, "commit", 3, 0, 1}, {3, "admit", 10, 0, 10},
		},
		"the part that is used has passed": {
			{0, "reserve", 10, 0, 10}, {4, "commit", 3, 0, 0},
		},
		"more is used": {
			{0, "reserve", 2, 0, 2}, {0, "commit", 15, 0, 15}, {5, "deny", 1, 0, 10}, {6, "admit", 1, 0, 10}, {16, "admit", 1, 0, 1},
		},
		"more is used, and the charge has passed": {
			{0, "reserve", 2, 0, 2}, {5, "commit", 6, 0, 1},
		},
		"more is used twice, and the charges have passed": {
			{0, "reserve", 2, 0, 2}, {0, "reserve", 2, 0, 4}, {10, "commit", 6, 0, 0}, {10, "commit", 6, 1, 2},
		},
		"a debt, and the clock goes back": {
			{5, "reserve", 2, 0, 2}, {5, "commit", 15, 0, 15}, {4, "deny", 1, 0, 10}, {5, "admit", 1, 0, 10},
		},
		"a debt of which a part is given back": {
			{0, "reserve", 2, 0, 2}, {0, "reserve", 5, 0, 7}, {0, "commit", 22, 0, 27}, {1, "commit", 0, 1, 21}, {1, "deny", 1, 0, 21}, {12, "deny", 1, 0, 10}, {13, "admit", 1, 0, 10},
		},
		"a forgotten key": {
			{0, "reserve", 6, 0, 6}, {0, "reset", 0, 0, 0}, {0, "admit", 4, 0, 4}, {0, "commit", 0, 0, 0},
		},
		"a forgotten key, of which more is outstanding than the charge": {
			{0, "reserve", 3, 0, 3}, {0, "reset", 0, 0, 0}, {0, "admit", 4, 0, 4}, {1, "commit", 0, 0, 1},
		},
	} {
		_, conn := resptest.Miniredis(t)
		for place, factory := range map[string]limitertest.Factory{"Local": algorithm.Local, "miniredis": algorithm.Over(conn)} {
			t.Run(name+"/"+place, func(t *testing.T) { tell(t, factory, algorithms.Per(10, 10*time.Microsecond), history) })
		}
	}
}

// TestMuchIsGivenBack: the count of what was given back is exact even if it is very large. An event takes 18 years.
func TestMuchIsGivenBack(t *testing.T) {
	const year18 = 1 << 49
	history := []call{{0, "admit", 1, 0, year18}, {0, "reserve", 1, 0, 2 * year18}}
	for i := range int64(40) { // 40 times 2^50 µs are given back
		history = append(history, call{0, "reserve", 2, 0, 4 * year18}, call{0, "commit", 0, 1 + i, 2 * year18})
	}
	history = append(history,
		call{1, "reserve", 1, 0, 3*year18 - 1}, call{2, "commit", 0, 0, 2 * year18},
		call{year18, "commit", 0, 41, 2})
	_, conn := resptest.Miniredis(t)
	for place, factory := range map[string]limitertest.Factory{"Local": algorithm.Local, "miniredis": algorithm.Over(conn)} {
		t.Run(place, func(t *testing.T) { tell(t, factory, algorithms.Per(4, 4*year18*time.Microsecond), history) })
	}
}

func tell(t *testing.T, factory limitertest.Factory, limit algorithms.Limit, history []call) {
	ctx, clock := context.Background(), limitertest.NewClock(algorithmtest.Start)
	made, err := factory(limit, algorithms.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	var open []*algorithms.Reservation
	for step, c := range history {
		clock.Advance(time.Duration(c.at)*time.Microsecond - clock.Now().Sub(algorithmtest.Start))
		switch c.do {
		case "admit", "deny":
			if r, err := made.AllowN(ctx, "k", c.n); err != nil || r.Allowed != (c.do == "admit") {
				t.Errorf("step %d, %+v: %+v, %v", step, c, r, err)
			}
		case "reserve":
			r, err := made.(algorithms.Reserver).Reserve(ctx, "k", c.n)
			if err != nil || !r.Result().Allowed {
				t.Fatalf("step %d, %+v: %+v, %v", step, c, r, err)
			}
			open = append(open, r)
		case "commit":
			if err := open[c.i].Commit(ctx, c.n); err != nil {
				t.Errorf("step %d, %+v: %v", step, c, err)
			}
		case "reset":
			if err := made.Reset(ctx, "k"); err != nil {
				t.Error(err)
			}
		}
		if r, err := made.Peek(ctx, "k"); err != nil || r.ResetAfter.Microseconds() != c.left {
			t.Errorf("step %d, %+v: %v is outstanding, %v", step, c, r.ResetAfter, err)
		}
	}
}
