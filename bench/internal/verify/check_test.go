package verify

import (
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/subject"
)

var limit = algorithms.Per(7, 100*time.Millisecond).WithBurst(5)

func check(t *testing.T, h History) Findings {
	t.Helper()
	f, err := h.Check()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// right fails the test if there are complaints, or if nothing was admitted or denied.
func right(t *testing.T, f Findings) {
	t.Helper()
	if len(f.Complaints) > 0 || f.Admitted == 0 || f.Denied == 0 {
		t.Errorf("%+v", f)
	}
}

func TestTrueHistories(t *testing.T) {
	for _, kind := range append(slices.Clone(subject.All), subject.Several[0]) {
		t.Run(kind.Name, func(t *testing.T) {
			f := check(t, record(t, kind, 300, -1))
			right(t, f)
			if f.Decisions != 300 {
				t.Errorf("%d decisions of 300", f.Decisions)
			}
			short := check(t, record(t, kind, 96, -1)) // before the first Reset
			right(t, short)
			if short.Largest == 0 || short.Largest > short.Bound || kind.Rated && short.Largest < short.Bound-2 {
				t.Errorf("largest %d, bound %d", short.Largest, short.Bound)
			}
		})
	}
}

// TestFalseHistories changes true histories as a broken limiter, client or server would, and checks that each change is
// found.
func TestFalseHistories(t *testing.T) {
	admitted := func(h History, after int) int {
		for i, e := range h.Entries {
			if i > after && e.Reply[0] >= 0 && h.Calls[i].Op == subject.Allow {
				return i
			}
		}
		t.Fatal("nothing is admitted")
		return 0
	}
	denied := func(h History) int {
		for i, e := range h.Entries {
			if e.Reply[0] < 0 && h.Calls[i].Op == subject.Allow {
				return i
			}
		}
		t.Fatal("nothing is denied")
		return 0
	}
	changes := map[string]struct {
		do    func(h *History)
		found func(f Findings) bool
	}{
		"a call that ran twice": {
			func(h *History) { h.Entries = append(h.Entries[:21:21], h.Entries[20:]...) },
			func(f Findings) bool { return f.Twice == 1 },
		},
		"a denied request that is told it was admitted": {
			func(h *History) {
				i := denied(*h)
				h.Calls[i].Answer.Result.Allowed = !h.Calls[i].Answer.Result.Allowed
				h.Calls[i].Answer.Slot.Accepted = !h.Calls[i].Answer.Slot.Accepted
			},
			func(f Findings) bool { return f.Garbled > 0 },
		},
		"a denied request that is admitted": {
			func(h *History) {
				i := denied(*h)
				reply := turned(h.Kind, h.Entries[i].Reply)
				h.Entries[i].Reply, h.Calls[i].Reply = reply, reply
				h.Calls[i].Err = "not told"
			},
			func(f Findings) bool { return f.Diverging > 0 && f.WronglyAdmitted > 0 },
		},
		"an admitted request that is refused": {
			func(h *History) {
				i := admitted(*h, 0)
				reply := turned(h.Kind, h.Entries[i].Reply)
				h.Entries[i].Reply, h.Calls[i].Reply = reply, reply
				h.Calls[i].Err = "not told"
			},
			func(f Findings) bool { return f.Diverging > 0 && f.WronglyRefused > 0 },
		},
		"a number of the reply": {
			func(h *History) {
				i := admitted(*h, 10)
				reply := append([]int64{}, h.Entries[i].Reply...)
				if h.Kind.Rated {
					reply[0] -= 3 // of a count
				} else {
					reply[0] += 10_000 // of a time in µs
				}
				h.Entries[i].Reply, h.Calls[i].Reply = reply, reply
				h.Calls[i].Err = "not told"
			},
			func(f Findings) bool { return f.Diverging > 0 },
		},
		"a state that is gone too early": {
			func(h *History) {
				for i := range h.Entries {
					h.Entries[i].Found, h.Calls[i].Found = false, false
				}
			},
			func(f Findings) bool { return f.Forgotten > 0 && f.Diverging > 0 },
		},
	}
	for _, kind := range subject.All {
		recorded := record(t, kind, 96, -1)
		for name, change := range changes {
			t.Run(name+"/"+kind.Name, func(t *testing.T) {
				h := recorded
				h.Entries, h.Calls = slices.Clone(h.Entries), slices.Clone(h.Calls)
				change.do(&h)
				if f := check(t, h); !change.found(f) {
					t.Errorf("not found: %+v", f)
				}
			})
		}
	}
}

// turned returns a reply that admits if the given one denies, and denies if it admits.
func turned(kind subject.Kind, reply []int64) []int64 {
	first := -1 - reply[0]
	switch {
	case kind.Name != "slidinglog":
		return append([]int64{first}, reply[1:]...)
	case first >= 0:
		return []int64{first}
	}
	return []int64{first, 1, 1}
}

// TestAtMost: Check finds an AllowAtMost that has admitted one event fewer or one more than fit.
func TestAtMost(t *testing.T) {
	for _, kind := range subject.All {
		if !kind.Rated {
			continue
		}
		recorded := record(t, kind, 96, -1)
		for _, change := range []struct {
			name  string
			by    int64
			found func(Findings) int64
		}{
			{"one fewer", -1, func(f Findings) int64 { return f.WronglyRefused }},
			{"one more", 1, func(f Findings) int64 { return f.WronglyAdmitted }},
		} {
			t.Run(kind.Name+"/"+change.name, func(t *testing.T) {
				h := recorded
				h.Entries, h.Calls = slices.Clone(h.Entries), slices.Clone(h.Calls)
				i := slices.IndexFunc(h.Calls, func(c load.Call) bool {
					return c.Op == subject.AtMost && c.Reply[0] > 1 && c.Reply[0] < c.Cost
				})
				reply := slices.Clone(h.Entries[i].Reply)
				reply[0] += change.by
				reply[1] += change.by
				h.Entries[i].Reply, h.Calls[i].Reply = reply, reply
				h.Calls[i].Err = "not told"
				if f := check(t, h); f.Diverging == 0 || change.found(f) == 0 {
					t.Errorf("not found: %+v", f)
				}
			})
		}
	}
}

// TestCached: a denial from memory is right if the server would have denied the request at some time during the call.
func TestCached(t *testing.T) {
	for _, kind := range subject.All {
		if !kind.Costs {
			continue
		}
		t.Run(kind.Name, func(t *testing.T) {
			h := record(t, kind, 96, -1)
			callOf := func(e journal.Entry) int {
				return slices.IndexFunc(h.Calls, func(c load.Call) bool { return c.Entry.Call == e.Call })
			}
			i := slices.IndexFunc(h.Entries, func(e journal.Entry) bool { return e.Reply[0] < 0 && h.Calls[callOf(e)].Op == subject.Allow })
			first, denied := time.Duration(h.Entries[0].Now)*time.Microsecond, time.Duration(h.Entries[i].Now)*time.Microsecond
			for _, test := range []struct {
				name         string
				began, ended time.Duration
				wrong        int64
			}{
				{"before anything was admitted", first - time.Second, first - 10*time.Microsecond, 1},
				{"as the server refuses", denied, denied, 0},
				{"from before anything was admitted, until the server refuses", first - time.Second, denied, 0},
				{"from when the server refuses, until long after", denied, denied + time.Hour, 0},
				{"long after", denied + time.Hour, denied + time.Hour + time.Second, 1},
			} {
				with := h
				call := load.Call{Cost: 1, Began: test.began, Ended: test.ended}
				if test.wrong == 0 {
					call.Cost = h.Calls[callOf(h.Entries[i])].Cost
				}
				call.Entry.Call = 1 << 40
				with.Calls = append(slices.Clone(h.Calls), call)
				if f := check(t, with); f.WronglyRefused != test.wrong || f.Cached != 1 {
					t.Errorf("%s: %+v", test.name, f)
				}
			}
		})
	}
}

// TestFirstOfSeveralForgotten: if the server loses only the state of the first of several limits, Check finds that, and the
// Local loses the state too.
func TestFirstOfSeveralForgotten(t *testing.T) {
	kind := subject.Several[0]
	key, err := kind.Key(limit, "p", "k")
	if err != nil {
		t.Fatal(err)
	}
	f := check(t, recordLosing(t, kind, 96, 40, func(server *miniredis.Miniredis) { server.Del(key) }))
	if f.Forgotten != 1 || f.Diverging > 0 || f.Garbled > 0 {
		t.Errorf("%+v", f)
	}
}

// TestForgottenAdmissions: admissions that the server has forgotten still count. After a loss, callers may be admitted as
// much again, but not more.
func TestForgottenAdmissions(t *testing.T) {
	for _, kind := range subject.All {
		t.Run(kind.Name, func(t *testing.T) {
			h := record(t, kind, 96, 40)
			lost := h
			lost.Losses = 1
			if f := check(t, lost); f.Lost == 0 || f.OverBound != 0 || len(f.Complaints) > 0 {
				t.Errorf("one loss: %+v", f)
			}
			// This is as if each of two servers had made all decisions.
			twice := h
			for _, call := range h.Calls {
				call.Entry.Call += 1000
				twice.Calls = append(twice.Calls, call)
			}
			if f := check(t, twice); f.OverBound != 1 || f.Diverging+f.WronglyAdmitted > 0 {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestUnknownCall(t *testing.T) {
	h := record(t, subject.All[0], 10, -1)
	h.Calls = h.Calls[1:]
	if f, err := h.Check(); err == nil {
		t.Errorf("an entry of an unknown call: %+v", f)
	}
}

func TestStepBack(t *testing.T) {
	h := record(t, subject.All[0], 10, -1)
	h.Entries[5].Now -= time.Hour.Microseconds()
	h.Calls[5].Entry.Now = h.Entries[5].Now
	if f := check(t, h); f.StepsBack != 1 {
		t.Errorf("%+v", f)
	}
}

// TestSeveralRates: if windows of one Period have several Rates, each call is compared with its own Rate.
func TestSeveralRates(t *testing.T) {
	kind := subject.All[0]
	h := History{Kind: kind, Limit: algorithms.Per(7, time.Hour), Others: map[int]algorithms.Limit{1: algorithms.Per(3, time.Hour)}, Key: "k"}
	add := func(asked int, reply ...int64) {
		call := load.Call{Asked: asked, Op: subject.Allow, Cost: 1}
		call.Entry = journal.Entry{Call: int64(len(h.Calls)), Now: 1_795_363_671_000_000, Found: len(h.Calls) > 0, Reply: reply}
		rate := map[int]int64{0: 7, 1: 3}[asked]
		left := time.Duration(reply[1]) * time.Microsecond
		call.Answer.Result = algorithms.Result{Allowed: reply[0] >= 0, Limit: rate, Remaining: max(rate-reply[0], 0), ResetAfter: left}
		if reply[0] < 0 {
			call.Answer.Result.Remaining, call.Answer.Result.RetryAfter = max(rate+1+reply[0], 0), left
		}
		h.Calls, h.Entries = append(h.Calls, call), append(h.Entries, call.Entry)
	}
	const hour = 3_600_000_000
	for i := range int64(5) {
		add(0, i+1, hour)
	}
	add(1, -1-5, hour)
	add(0, 6, hour)
	if f := check(t, h); len(f.Complaints) > 0 || f.Admitted != 6 || f.Denied != 1 {
		t.Errorf("%+v", f)
	}
	add(1, 7, hour) // beyond the Rate of 3
	if f := check(t, h); f.WronglyAdmitted != 1 || f.Diverging != 1 {
		t.Errorf("not found: %+v", f)
	}
}
