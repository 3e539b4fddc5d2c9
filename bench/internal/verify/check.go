package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/scripts"
)

// A History is all that happened to one key of one subject.
type History struct {
	Kind    subject.Kind
	Limit   algorithms.Limit
	Key     string
	Entries []journal.Entry // as the server has them, in its order
	Calls   []load.Call     // as their callers know them, in no particular order

	// Others are limits besides Limit under which calls were made, by Call.Asked: windows of one Period count together,
	// each with a Rate of its own. Limit has the largest.
	Others map[int]algorithms.Limit

	// Losses is how often the server may have lost what it had told callers, or its clock was moved.
	// Each time as much may be admitted once more.
	Losses int
}

// Check holds the history against the definition and the Local of its kind.
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
			return f, fmt.Errorf("verify: an entry of call %d, which nobody has made", entry.Call)
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

// replay makes each decision again, in the server's order: by the definition, and by the Local. What was refused
// without the server is held against the Local on the way.
func (h History) replay(calls map[int64]*load.Call, cached *cached, f *Findings) error {
	ctx := context.Background()
	defined := define(h.Kind, h.Limit)
	if h.reserves() {
		if len(h.Others) > 0 {
			return errors.New("verify: reservations under several limits of one count")
		}
		defined = newBook(func() definition { return define(h.Kind, h.Limit) })
	}
	clock := limitertest.NewClock(time.UnixMicro(0))
	limits, err := h.limits(clock)
	if err != nil {
		return err
	}
	goTo := func(us int64) { clock.Advance(time.UnixMicro(us).Sub(clock.Now())) }
	denies := func(at int64, call *load.Call) (bool, error) {
		goTo(at)
		answer, err := limits.of(call).local.Ask(ctx, h.Key, subject.Peek, call.Cost)
		return !answer.Result.Allowed, err
	}
	var now, until int64 // how long the state means anything
	for i, entry := range h.Entries {
		call := calls[entry.Call]
		under := limits.of(call)
		if err := cached.until(entry.Now, denies, f); err != nil {
			return err
		}
		if entry.Now < now {
			f.StepsBack++
			defined = nobody // definitions know no clock that goes back: Local alone judges from here on
		}
		now = entry.Now
		goTo(now)
		if _, settles := defined.(*book); now < until && (!entry.Found || settles && !entry.First) {
			f.Forgotten++
			f.complain("key %q, entry %d: gone %d µs early", h.Key, i, until-now)
			if _, err := under.local.Ask(ctx, h.Key, subject.Reset, 0); err != nil {
				return err
			}
			if defined != nobody {
				defined.forget()
			}
			until = 0
		}
		if call.Op == subject.Settle && !entry.First {
			if err := under.local.expire(ctx, h.Key); err != nil {
				return err
			}
		}
		*under.told = entry.Reply
		got, err := under.over.again(ctx, h.Key, call)
		nonsense := errors.Is(err, scripts.ErrReply)
		if err != nil && !nonsense {
			return err
		}
		cost, reply := charged(call, entry.Reply)
		allowed := got.Allowed() || nonsense && h.Kind.Admits(h.Limit, reply)
		if call.Err == "" && call.Answer != got {
			f.Garbled++
			f.complain("call %d was told %+v, decided was %+v", entry.Call, call.Answer, got)
		}
		want, err := under.local.again(ctx, h.Key, call)
		if err != nil {
			return err
		}
		if got != want || nonsense {
			f.Diverging++
			f.complain("key %q, entry %d, %+v: Local says %+v", h.Key, i, entry, want)
		}
		if defined != nobody && len(h.Others) > 0 {
			defined.(rated).under(under.limit.Rate)
		}
		switch {
		case call.Op == subject.Settle:
			f.settled(defined, call, calls[call.Of])
			left, err := under.local.Ask(ctx, h.Key, subject.Peek, 1)
			if err != nil {
				return err
			}
			until = now + h.life(left).Microseconds()
		case call.Op == subject.Reset:
			until = 0
		case call.Op.Charges() && allowed:
			until = now + h.life(got).Microseconds()
		}
		f.judge(defined, call, judged{entry.Now, cost, reply, allowed})
		if err := cached.after(now, denies); err != nil {
			return err
		}
	}
	return cached.until(math.MaxInt64, denies, f)
}

// charged returns how many events a call's reply is about, and the reply as that to a request for just these: of a call that
// asked for as many as fit, the events that were admitted, or one if none was.
func charged(call *load.Call, reply []int64) (cost int64, of []int64) {
	if call.Op != subject.AtMost {
		return call.Cost, reply
	}
	return max(reply[0], 1), reply[1:]
}

// judged is a decision on cost events at a time.
type judged struct {
	now, cost int64
	reply     []int64
	allowed   bool
}

// judge counts the decision, and holds it against the definition.
func (f *Findings) judge(defined definition, call *load.Call, d judged) {
	if call.Op == subject.Settle {
		return
	}
	f.Decisions++
	switch {
	case call.Op == subject.Reset:
		if defined != nobody {
			defined.forget()
		}
		return
	case call.Op.Charges() && d.allowed:
		f.Admitted++
	case call.Op.Charges():
		f.Denied++
	}
	if defined == nobody {
		return
	}
	reservations, settles := defined.(*book)
	switch fits := defined.fits(d.now, d.cost); {
	case d.allowed && !fits:
		f.WronglyAdmitted++
		f.complain("call %d was admitted and does not fit", call.Entry.Call)
	case !d.allowed && fits && !settles:
		f.WronglyRefused++
		f.complain("call %d was refused and fits", call.Entry.Call)
	case d.cost < call.Cost && d.allowed && !settles && defined.fits(d.now, d.cost+1):
		f.WronglyRefused++
		f.complain("call %d was admitted %d events where one more fits", call.Entry.Call, d.cost)
	}
	if !d.allowed || !call.Op.Charges() {
		return
	}
	if !defined.admit(d.now, d.cost, d.reply) {
		f.Diverging++
		f.complain("call %d leaves at another time than the definition's", call.Entry.Call)
	}
	if settles {
		reservations.number(call.Entry.Call)
	}
}

// life is how long the state means something after an answer.
func (h History) life(answer subject.Answer) time.Duration {
	if !h.Kind.Costs {
		return answer.Slot.Delay + h.Limit.Period/time.Duration(h.Limit.Rate)
	}
	return answer.Result.ResetAfter
}

// gauge counts what callers were admitted, whether the server remembers it or not. Those calls whose
// callers were told nothing count as well, if the server has run them.
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
		return // a Reset makes room beyond any bound
	}
	if f.StepsBack > 0 { // the server's own times are in no order: the machine's are, nearly
		for i := range admissions {
			admissions[i].Now = admissions[i].ended.Microseconds()
		}
	}
	slices.SortStableFunc(admissions, func(a, b admission) int { return cmp.Compare(a.Now, b.Now) })
	for i, a := range admissions {
		gauge.admit(a.Now, a.cost, a.Reply)
		if i > 0 {
			f.Longest = max(f.Longest, a.ended-admissions[i-1].ended)
		}
	}
	if last := len(admissions) - 1; last >= 0 {
		for _, call := range h.Calls {
			f.Longest = max(f.Longest, call.Ended-admissions[last].ended)
		}
	}
	f.Largest = gauge.largest()
	if most := f.Bound * (1 + int64(h.Losses) + f.Forgotten); f.Largest > most {
		f.OverBound++
		f.complain("key %q: %d were admitted, at most %d are right", h.Key, f.Largest, most)
	}
}

// An admission is what a caller was admitted, as far as anyone knows.
type admission struct {
	journal.Entry
	cost  int64
	ended time.Duration
}

// admission returns that of a call. Of a window's reply that is one integer it has both.
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
