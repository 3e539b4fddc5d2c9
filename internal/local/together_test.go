package local_test

import (
	"errors"
	"testing"

	"github.com/go-weir/weir/internal/emission"
	"github.com/go-weir/weir/internal/local"
	"github.com/go-weir/weir/internal/rule"
)

// TestTogether: requests of several stores are charged if all are admitted, and forgotten together.
func TestTogether(t *testing.T) {
	two := emission.NewBucket("two", rule.Limit{Rate: 2, Period: 1000})
	three := emission.NewBucket("three", rule.Limit{Rate: 3, Period: 1000})
	all := []local.Request{
		{Store: local.NewStore[emission.State](1<<20, false), Rule: three, Key: "a", N: 1},
		{Store: local.NewStore[emission.State](10, false), Rule: two, Key: "b", N: 1},
	}
	all = append(all, local.Request{Store: all[1].Store, Rule: three, Key: "b", N: 1}) // of the same lock as the one before it
	ask := func(commit bool, remaining ...int64) {
		t.Helper()
		standings, err := local.Together(all, at(0), commit)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range standings {
			if s.Remaining != remaining[i] {
				t.Errorf("%+v, want %v remaining", standings, remaining)
			}
		}
	}
	ask(false, 3, 2, 3)
	ask(true, 2, 1, 2)
	ask(true, 1, 0, 1)
	ask(true, 1, 0, 1) // denied
	broken := errors.New("no time")
	if _, err := local.Together(all, func() (int64, error) { return 0, broken }, true); !errors.Is(err, broken) {
		t.Errorf("error %v, want the clock's", err)
	}
	ask(false, 1, 0, 1)
	local.ForgetTogether(all)
	ask(false, 3, 2, 3)
}
