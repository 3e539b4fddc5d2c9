package coalesce

import (
	"errors"
	"slices"
	"testing"

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
