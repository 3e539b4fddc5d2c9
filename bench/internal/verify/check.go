package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/scripts"
)

// A History holds everything that happened to one key of one subject.
type History struct {
	Kind    subject.Kind
	Limit   algorithms.Limit
	Key     string
	Entries []journal.Entry // as the server has them, in its order
	Calls   []load.Call     // as their callers know them, in no particular order

	// Others are the limits under which calls were made, by Call.Asked, if there are several. They are windows of one Period
	// that count together, but each has its own Rate. Limit is the one with the largest Rate.
	Others map[int]algorithms.Limit

	// Losses is how many times the server may have lost decisions that callers know of, or its clock was moved. Each time,
	// as much may be admitted once more.
	Losses int
}

// Check compares the history with the definition, and with the Local of its kind.
func (h History) Check() (f Findings, err error) {
	calls := make(map[int64]*load.Call, len(h.Calls))
	for i := range h.Calls {
		call := &h.Calls[i]
		calls[call.Entry.Call] = call
		if call.Err != "" {
			f.Errors++
			f.Error = cmp.Or(f.Error, call.Err)
		}
	}
	ran := make(map[int64]bool, len(h.Entries))
	for _, entry := range h.Entries {
		call := calls[entry.Call]
		switch {
		case call == nil:
			return f, fmt.Errorf("verify: an entry of call %d, which no caller made", entry.Call)
		case ran[entry.Call]:
			f.Twice++
			f.complain("call %d ran twice", entry.Call)
		case strings.Contains(call.Err, "TRYAGAIN"): // not all of its keys were on one server
			f.Garbled++
			f.complain("call %d was told that nothing ran, and ran: %s", entry.Call, call.Err)
		case call.Err != "":
			f.RanUnseen++
		case !slices.Equal(call.Reply, entry.Reply) || call.Now != entry.Now:
			f.Garbled++
			f.complain("call %d was told %v, decided was %v", entry.Call, call.Reply, entry.Reply)
		}
		ran[entry.Call] = true
	}
	age := time.Duration(0)
	if h.reserves() {
		age = denialAge
	}
	if err := h.replay(calls, cachedOf(h.Calls, ran, age), &f); err != nil {
		return f, err
	}
	h.gauge(calls, ran, &f)
	return f, nil
}

// gauge counts the admissions that callers know of, even if the server has lost them. It also counts those whose callers got
// no answer, if the server ran them.
func (h History) gauge(calls map[int64]*load.Call, ran map[int64]bool, f *Findings) {
	var admissions []admission
	resets, used := false, h.used(calls)
	for _, entry := range h.Entries {
		call := calls[entry.Call]
		resets = resets || call.Op == subject.Reset
		if _, reply := charged(call, entry.Reply); call.Op.Charges() && h.Kind.Admits(h.Limit, reply) {
			admitted := h.admission(entry, call)
			if cost, settled := used[entry.Call]; settled {
				admitted.cost = cost
			}
			admissions = append(admissions, admitted)
		}
	}
	for _, call := range h.Calls {
		if unsettled(&call, calls, ran) {
			f.Lost++
		}
		if call.Err != "" || !call.Op.Charges() || ran[call.Entry.Call] {
			continue
		}
		f.Decisions++
		if !call.Answer.Allowed() {
			f.Denied++
			continue
		}
		f.Lost++
		f.Admitted++
		admissions = append(admissions, h.admission(call.Entry, &call))
	}
	gauge := gaugeOf(h.Kind, h.Limit, f.StepsBack > 0)
	f.Bound = gauge.bound()
	if resets {
		return // after a Reset, more than the bound may be admitted
	}
	if f.StepsBack > 0 { // the server's times are not in order, but the machine's nearly are
		for i := range admissions {
			admissions[i].Now = admissions[i].ended.Microseconds()
		}
	}
	slices.SortStableFunc(admissions, func(a, b admission) int { return cmp.Compare(a.Now, b.Now) })
	for _, a := range admissions {
		gauge.admit(a.Now, a.cost, a.Reply)
	}
	f.Largest = gauge.largest()
	if most := f.Bound * (1 + int64(h.Losses) + f.Forgotten); f.Largest > most {
		f.OverBound++
		f.complain("key %q: %d were admitted, at most %d are right", h.Key, f.Largest, most)
	}
}

// An admission is a request that was admitted, according to the server or the caller.
type admission struct {
	journal.Entry
	cost  int64
	ended time.Duration
}

// admission returns the admission of a call. The reply of a window may be one integer, which combines the count and the time
// left. admission splits it.
func (h History) admission(entry journal.Entry, call *load.Call) admission {
	var cost int64
	cost, entry.Reply = charged(call, entry.Reply)
	if strings.HasPrefix(h.Kind.Name, "fixedwindow") && len(entry.Reply) == 1 {
		rate := h.Limit.Rate
		if other, ok := h.Others[call.Asked]; ok {
			rate = other.Rate
		}
		entry.Reply = []int64{entry.Reply[0] % (rate + 1), entry.Reply[0] / (rate + 1)}
	}
	return admission{entry, cost, call.Ended}
}

// replies is a runner that answers with the reply it holds.
type replies []int64

func (r *replies) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return *r, nil
}

func (*replies) Place(context.Context, string) (scripts.Place, bool) { return scripts.Place{}, true }
