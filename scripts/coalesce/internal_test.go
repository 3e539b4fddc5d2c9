package coalesce

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-weir/weir/scripts"
)

func TestTogether(t *testing.T) {
	a, b := []string{"1", "60"}, []string{"5"}
	keys, args := together([]*waiter{
		{keys: []string{"x"}, args: a}, {keys: []string{"y"}, args: []string{"1", "60"}},
		{keys: []string{"x"}, args: a}, {keys: []string{"x"}, args: a}, {keys: []string{"y"}, args: a}, {keys: []string{"y"}, args: a},
		{keys: []string{"z"}, args: b}, {keys: []string{"x", "j"}, args: b}, {keys: []string{"x"}},
	})
	wantArgs := []string{
		"2", "1", "1", "2", "1", "60", // x, y
		"2", "2", "1", "2", "1", "60", // x, x, y, y
		"1", "1", "1", "1", "5", // z
		"1", "1", "2", "1", "5", // x and j
		"1", "1", "1", "0", // x
	}
	if !slices.Equal(keys, []string{"x", "y", "x", "y", "z", "x", "j", "x"}) || !slices.Equal(args, wantArgs) {
		t.Errorf("keys %q, args %q", keys, args)
	}
}

func TestReplies(t *testing.T) {
	const failed, none = -101, -102
	for _, test := range []struct{ flat, want []int64 }{ // the sum of each reply
		{[]int64{1, 7, -9}, []int64{7, -9, none}},
		{[]int64{-1, 1, 7, -1, 2, 8, 9, 0}, []int64{7, failed, 17, 0, none}},
		{[]int64{-1, 3, 1}, []int64{none}},
		{[]int64{-1, -2, 1}, []int64{none}},
		{nil, []int64{none}},
	} {
		replies := repliesOf(test.flat)
		for i, want := range test.want {
			reply, err := replies.next()
			var got int64
			switch {
			case errors.Is(err, scripts.ErrReply):
				got = none
			case err != nil:
				got = failed
			}
			for _, n := range reply {
				got += n
			}
			if got != want {
				t.Errorf("%v: reply %d is %v, %v, want %d", test.flat, i, reply, err, want)
			}
		}
	}
}

// TestNothingIsKept: calls for many places are under way, wait for their lane, or wait only because too many calls are under
// way in all. No memory is kept for callers that have given up, and none at all after the last call.
func TestNothingIsKept(t *testing.T) {
	before := runtime.NumGoroutine()
	release, arrived := make(chan struct{}), make(chan struct{}, 10)
	c, err := New(runnerFunc(func(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
		arrived <- struct{}{}
		<-release
		return []int64{1}, nil
	}), MaxFlights(1), MaxCalls(3), Patience(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	ctx, giveUp := context.WithCancel(context.Background())
	var calls sync.WaitGroup
	const places, each = 100, 3
	for i := range places * each {
		calls.Add(1)
		go func() {
			defer calls.Done()
			_, _ = c.Run(ctx, scripts.GCRA, []string{strconv.Itoa(i % places)}, nil)
		}()
	}
	for range 3 {
		<-arrived
	}
	for c.Waiting() != places*each-3 {
		runtime.Gosched()
	}
	giveUp()
	calls.Wait()
	c.mu.Lock()
	if len(c.lanes) > 3 || c.blocked.length > 0 || c.queued > 0 || c.underWay != 3 {
		t.Errorf("%d lanes, %d of them blocked, %d calls wait, %d under way", len(c.lanes), c.blocked.length, c.queued, c.underWay)
	}
	c.mu.Unlock()
	close(release)
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if len(c.lanes) > 0 || c.underWay != 0 {
		t.Errorf("in the end: %d lanes, %d calls under way", len(c.lanes), c.underWay)
	}
	for runtime.NumGoroutine() > before { // forever, if one leaks
		runtime.Gosched()
	}
}

type runnerFunc func(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error)

func (f runnerFunc) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	return f(ctx, s, keys, args)
}

// TestList: elements can be removed in any order. A second removal changes nothing.
func TestList(t *testing.T) {
	var l list[int]
	nodes := make([]node[int], 4)
	for i := range nodes {
		nodes[i].value = i
		l.push(&nodes[i])
		l.push(&nodes[i])
	}
	for i, at := range []int{1, 3, 0, 2} {
		nodes[at].remove()
		nodes[at].remove()
		var left []int
		for n := l.first; n != nil; n = n.next {
			left = append(left, n.value)
		}
		if want := [][]int{{0, 2, 3}, {0, 2}, {2}, nil}[i]; !slices.Equal(left, want) || l.length != len(want) {
			t.Errorf("after removing %d: %v, of length %d", at, left, l.length)
		}
	}
	if l.first != nil || l.last != nil {
		t.Errorf("%+v", l)
	}
}
