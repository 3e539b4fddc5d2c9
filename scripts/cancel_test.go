package scripts_test

import (
	"context"
	"slices"
	"strconv"
	"testing"

	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// TestQueueCancel: a place is given back if no later one was taken since, and the reply tells whether it was.
func TestQueueCancel(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	run := func(s *scripts.Script, args ...string) []int64 {
		t.Helper()
		reply, err := conn.Run(context.Background(), s, []string{"k"}, args)
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	take := func() (taken, before string) {
		reply := run(scripts.Queue, "1000000", "5000000", "", at(0), "0", "0", "1", "1")
		free := reply[len(reply)-2]
		return strconv.FormatInt(free, 10), strconv.FormatInt(free-1_000_000, 10)
	}
	first, beforeFirst := take()
	second, beforeSecond := take()
	for i, c := range []struct {
		taken, before string
		reply         int64
	}{
		{first, beforeFirst, 0}, // the second was taken since
		{second, beforeSecond, 1},
		{second, beforeSecond, 0}, // it was given back
		{first, beforeFirst, 1},
	} {
		if reply := run(scripts.QueueCancel, c.taken, c.before); !slices.Equal(reply, []int64{c.reply}) {
			t.Errorf("%d: given back %v, want %d", i+1, reply, c.reply)
		}
	}
	if again, _ := take(); again != first {
		t.Errorf("the next place after both were given back ends at %s, want %s", again, first)
	}
}
