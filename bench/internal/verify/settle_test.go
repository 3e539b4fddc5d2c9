package verify

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/internal/resptest"
)

// settling makes a true history of calls that admit, reserve and settle. Some settlements come long after their
// reservations.
func settling(t *testing.T, kind subject.Kind) History {
	t.Helper()
	server, conn := resptest.Miniredis(t)
	l, err := kind.New(journal.New(&placed{conn}), limit, algorithms.WithPrefix("p"))
	if err != nil {
		t.Fatal(err)
	}
	callers := asker{l, map[int64]*algorithms.Reservation{}}
	random := rand.New(rand.NewPCG(1, 2))
	h := History{Kind: kind, Limit: limit, Key: "k"}
	clock := limitertest.NewClock(time.UnixMicro(1_795_363_671_000_000))
	var open []load.Call
	for i := range 400 {
		call := load.Call{Op: []subject.Op{subject.Allow, subject.Reserve, subject.Settle}[random.IntN(3)], Cost: 1 + random.Int64N(4)}
		if call.Op == subject.Settle && len(open) == 0 {
			call.Op = subject.Reserve
		}
		call.Entry.Call = int64(i)
		if call.Op == subject.Settle {
			at := random.IntN(len(open))
			of := open[at]
			open = slices.Delete(open, at, at+1)
			call.Of, call.Cost = of.Entry.Call, random.Int64N(2*of.Cost+1)
		}
		moved := time.Duration(random.IntN(25_000)) * time.Microsecond
		if random.IntN(20) == 0 {
			moved = time.Second // long enough that everything has come back and the key has expired
		}
		clock.Advance(moved)
		server.SetTime(clock.Now())
		server.FastForward(moved)
		if call.Answer, err = callers.again(journal.WithMark(context.Background(), &call.Mark), "k", &call); err != nil {
			t.Fatal(err)
		}
		call.Ended = clock.Now().Sub(time.Unix(0, 0))
		call.Began = call.Ended
		if call.Op == subject.Reserve && call.Answer.Allowed() {
			open = append(open, call)
		}
		h.Calls = append(h.Calls, call)
	}
	h.Entries = entries(t, server, kind, limit)
	return h
}

func reserving(t *testing.T, test func(t *testing.T, h History)) {
	for _, kind := range subject.All {
		if kind.Costs {
			t.Run(kind.Name, func(t *testing.T) { test(t, settling(t, kind)) })
		}
	}
}

func TestTrueSettlements(t *testing.T) {
	reserving(t, func(t *testing.T, h History) {
		f := check(t, h)
		right(t, f)
		if f.Settled < 50 || f.Debts < 10 || f.Settled == f.Debts || f.Lost > 0 || f.Largest == 0 || f.Largest > f.Bound {
			t.Errorf("%+v", f)
		}
	})
}

// TestFalseSettlements changes true histories as a broken limiter, client or server would, and checks that each change is
// found.
func TestFalseSettlements(t *testing.T) {
	// entry returns the first such call after the 50th entry, and the index of its entry.
	entry := func(h History, such func(call load.Call) bool) (int, *load.Call) {
		for i, e := range h.Entries {
			if call := &h.Calls[e.Call]; i > 50 && such(*call) {
				return i, call
			}
		}
		t.Fatal("no such entry")
		return 0, nil
	}
	less := func(h History) (int, *load.Call) {
		return entry(h, func(call load.Call) bool {
			return call.Op == subject.Settle && call.Cost < h.Calls[call.Of].Cost && call.Reply[0] == 1
		})
	}
	changes := map[string]struct {
		do    func(h *History)
		found func(f Findings) bool
	}{
		"a settlement that ran twice": {
			func(h *History) {
				i, _ := less(*h)
				h.Entries = slices.Insert(h.Entries, i, h.Entries[i])
			},
			func(f Findings) bool { return f.Twice == 1 },
		},
		"a settlement that the server has forgotten": {
			func(h *History) {
				i, _ := less(*h)
				h.Entries = slices.Delete(h.Entries, i, i+1)
			},
			func(f Findings) bool { return f.Lost == 1 },
		},
		"a settlement whose reply was lost": {
			func(h *History) {
				_, call := less(*h)
				call.Err = "lost"
			},
			func(f Findings) bool {
				return f.SettledUnseen == 1 && f.RanUnseen == 1 && f.Errors == 1 && len(f.Complaints) == 0
			},
		},
		"settlements that have given back too much": {
			func(h *History) {
				for i, call := range h.Calls {
					if call.Op == subject.Settle {
						h.Calls[i].Cost = max(call.Cost, h.Calls[call.Of].Cost-1) // all but one was used
					}
				}
			},
			func(f Findings) bool { return f.WronglyAdmitted > 0 && f.Diverging > 0 },
		},
		"a denied reservation that is admitted": {
			func(h *History) {
				i, call := entry(*h, func(call load.Call) bool { return call.Op == subject.Reserve && !call.Answer.Allowed() })
				reply := slices.Clone(h.Entries[i].Reply)
				reply[0] = -1 - reply[0]
				h.Entries[i].Reply, call.Reply, call.Err = reply, reply, "not told"
			},
			func(f Findings) bool { return f.WronglyAdmitted > 0 && f.Diverging > 0 },
		},
		"a call that ran, and was told TRYAGAIN": {
			func(h *History) {
				_, call := less(*h)
				call.Err = "TRYAGAIN Multiple keys request during rehashing of slot"
			},
			func(f Findings) bool { return f.Garbled == 1 },
		},
		"a state that is gone while the count of what was given back stays": {
			func(h *History) {
				for i := range h.Entries {
					h.Entries[i].Found, h.Entries[i].First = true, false
				}
			},
			func(f Findings) bool { return f.Forgotten > 0 && f.Diverging > 0 },
		},
	}
	reserving(t, func(t *testing.T, recorded History) {
		for name, change := range changes {
			t.Run(name, func(t *testing.T) {
				h := recorded
				h.Entries, h.Calls = slices.Clone(h.Entries), slices.Clone(h.Calls)
				change.do(&h)
				if f := check(t, h); !change.found(f) {
					t.Errorf("not found: %+v", f)
				}
			})
		}
	})
}
