package leases

import (
	"testing"
	"time"

	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/verify"
)

// TestReplies: Check accepts the replies that the definition requires, and finds each reply that differs from them.
func TestReplies(t *testing.T) {
	const second = int64(time.Second / time.Microsecond)
	type replies = []int64
	type entry struct {
		lease int64
		op    Op
		at    int64
		reply replies
	}
	acquired := entry{1, Acquire, 0, replies{1, 0, second}}
	for _, test := range []struct {
		name    string
		entries []entry
		wrong   bool
	}{
		{"acquired", []entry{acquired}, false},
		{"acquired, with an impossible reply", []entry{{1, Acquire, 0, replies{7, 3, -1}}}, true},
		{"refused without need", []entry{{1, Acquire, 0, replies{-2, second, second}}}, true},
		{"renewed", []entry{acquired, {1, Renew, 1, replies{second}}}, false},
		{"renewed for longer than it can be", []entry{acquired, {1, Renew, 1, replies{7200 * second}}}, true},
		{"renewed for a negative time", []entry{acquired, {1, Renew, 1, replies{-1}}}, true},
		{"renewed, though it isn't held", []entry{{1, Renew, 0, replies{second}}}, true},
		{"not renewed, as it isn't held", []entry{{1, Renew, 0, replies{0}}}, false},
		{"an impossible reply, and it isn't held", []entry{{1, Renew, 0, replies{-1}}}, true},
		{"released", []entry{acquired, {1, Release, 1, replies{1}}}, false},
		{"not released", []entry{acquired, {1, Release, 1, replies{0}}}, true},
		{"not released, as it isn't held", []entry{{1, Release, 0, replies{0}}}, false},
		{"released with an impossible reply", []entry{{1, Release, 0, replies{2}}}, true},
	} {
		h := History{Key: "k", Plans: []Plan{{Most: 1, TTL: time.Second}}}
		for i, e := range test.entries {
			h.Entries = append(h.Entries, journal.Entry{
				Call: number(e.lease, int64(i), e.op, 0), Now: 1e15 + e.at, Found: i > 0, First: i > 0, Reply: e.reply,
			})
		}
		f, _, err := h.Check()
		if found := faults(f) > 0; err != nil || found != test.wrong {
			t.Errorf("%s: the findings are %+v, %v; wrong: %v", test.name, f, err, test.wrong)
		}
	}
}

func faults(f verify.Findings) int64 { return f.WronglyAdmitted + f.WronglyRefused + f.Diverging }
