package scripts

import (
	"slices"
	"testing"
)

func TestSlot(t *testing.T) {
	// As CLUSTER KEYSLOT answers.
	for key, want := range map[string]uint16{
		"": 0, "123456789": 12739, "foo": 12182, "{foo}bar": 12182, "x{foo}{bar}": 12182, "{}foo": 9500, "{foo": 13308,
	} {
		if got := slotOf(key); got != want {
			t.Errorf("slot of %q: %d, want %d", key, got, want)
		}
	}
}

func TestTogether(t *testing.T) {
	a, b := []string{"1", "60"}, []string{"5"}
	keys, args := together([]*waiter{
		{keys: []string{"x"}, args: a}, {keys: []string{"y"}, args: []string{"1", "60"}}, {keys: []string{"z"}, args: b},
		{keys: []string{"x", "j"}, args: b}, {keys: []string{"x"}},
	})
	if !slices.Equal(keys, []string{"x", "y", "z", "x", "j", "x"}) || !slices.Equal(args, []string{"2", "1", "2", "1", "60", "1", "1", "1", "5", "1", "2", "1", "5", "1", "1", "0"}) {
		t.Errorf("keys %q, args %q", keys, args)
	}
}

func TestNext(t *testing.T) {
	for _, test := range []struct {
		flat, reply, rest []int64
		ok                bool
	}{
		{[]int64{1, 7, -1}, []int64{7}, []int64{-1}, true},
		{[]int64{-1, 2}, nil, []int64{2}, false},
		{[]int64{2, 8, 9}, []int64{8, 9}, nil, true},
		{[]int64{0, 1}, nil, []int64{1}, true},
		{[]int64{3, 1}, nil, []int64{1}, false}, // no reply of any batch
		{nil, nil, nil, false},
	} {
		reply, rest, ok := next(test.flat)
		if ok != test.ok || !slices.Equal(reply, test.reply) || !slices.Equal(rest, test.rest) {
			t.Errorf("%v: %v, %v, %v", test.flat, reply, rest, ok)
		}
	}
}
