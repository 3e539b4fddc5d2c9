package algorithms_test

import (
	"context"
	"errors"
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/slidinglog"
)

// nowhere is a runner without a server.
type nowhere struct{}

func (nowhere) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return nil, errors.New("nowhere")
}

// TestLocalsShareOneStore: all Locals of a Remote, and of limiters that its With made, count together.
func TestLocalsShareOneStore(t *testing.T) {
	remote, err := slidinglog.New(nowhere{}, algorithms.PerHour(3))
	if err != nil {
		t.Fatal(err)
	}
	larger, err := remote.With(algorithms.PerHour(5))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		of      *algorithms.Remote
		allowed bool
	}{{remote, true}, {larger, true}, {remote, true}, {remote, false}, {larger, true}, {larger, true}, {larger, false}} {
		local, err := want.of.Local()
		if err != nil {
			t.Fatal(err)
		}
		if r, err := local.Allow(context.Background(), "k"); err != nil || r.Allowed != want.allowed {
			t.Errorf("request %d: %+v, %v, want allowed %v", i, r, err, want.allowed)
		}
	}
}
