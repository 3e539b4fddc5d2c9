package verify

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/scripts"
)

// A replayer makes the decisions of a history again, in the server's order.
type replayer struct {
	History
	*Findings
	calls   map[int64]*load.Call
	cached  *cached
	clock   *limitertest.Clock
	limits  limits
	defined definition
	now     int64 // the time of the last entry
	until   int64 // when the key's state expires
}

// replay makes each decision again, by the definition and by the Local. It compares the denials that a process made from memory
// with those of the Local at the same time.
func (h History) replay(calls map[int64]*load.Call, cached *cached, f *Findings) error {
	r := &replayer{
		History: h, Findings: f, calls: calls, cached: cached,
		clock: limitertest.NewClock(time.UnixMicro(0)), defined: define(h.Kind, h.Limit),
	}
	if h.reserves() {
		if len(h.Others) > 0 {
			return errors.New("verify: reservations under several limits of one count")
		}
		r.defined = newBook(func() definition { return define(h.Kind, h.Limit) })
	}
	var err error
	if r.limits, err = h.limits(r.clock); err != nil {
		return err
	}
	for i, entry := range h.Entries {
		if err := r.entry(i, entry); err != nil {
			return err
		}
	}
	return cached.until(math.MaxInt64, r.denies, f)
}

func (r *replayer) goTo(us int64) { r.clock.Advance(time.UnixMicro(us).Sub(r.clock.Now())) }

// denies reports whether the Local denies a call at a time.
func (r *replayer) denies(at int64, call *load.Call) (bool, error) {
	r.goTo(at)
	answer, err := r.limits.of(call).local.Ask(context.Background(), r.Key, subject.Peek, call.Cost)
	return !answer.Result.Allowed, err
}

// entry makes the decision of one entry again.
func (r *replayer) entry(i int, entry journal.Entry) error {
	call := r.calls[entry.Call]
	under := r.limits.of(call)
	if err := r.cached.until(entry.Now, r.denies, r.Findings); err != nil {
		return err
	}
	if entry.Now < r.now {
		r.StepsBack++
		r.defined = undefined // definitions assume that the clock doesn't go back; the rest is compared with the Local only
	}
	r.now = entry.Now
	r.goTo(r.now)
	if err := r.forgotten(i, entry, under); err != nil {
		return err
	}
	answer, allowed, err := r.compare(i, entry, under)
	if err != nil {
		return err
	}
	if r.defined != undefined && len(r.Others) > 0 {
		r.defined.(rated).under(under.limit.Rate)
	}
	switch {
	case call.Op == subject.Settle:
		r.settled(r.defined, call, r.calls[call.Of])
		left, err := under.local.Ask(context.Background(), r.Key, subject.Peek, 1)
		if err != nil {
			return err
		}
		r.until = r.now + r.life(left).Microseconds()
	case call.Op == subject.Reset:
		r.until = 0
	case call.Op.Charges() && allowed:
		r.until = r.now + r.life(answer).Microseconds()
	}
	cost, reply := charged(call, entry.Reply)
	r.judge(r.defined, call, judged{entry.Now, cost, reply, allowed})
	return r.cached.after(r.now, r.denies)
}

// forgotten forgets the state if the server has lost it before it expired. If a settlement finds that the limiter's key is
// gone, the Local settles as if the key had expired.
func (r *replayer) forgotten(i int, entry journal.Entry, under oneLimit) error {
	ctx := context.Background()
	if _, settles := r.defined.(*book); r.now < r.until && (!entry.Found || settles && !entry.First) {
		r.Forgotten++
		r.complain("key %q, entry %d: lost %d µs before it expires", r.Key, i, r.until-r.now)
		if _, err := under.local.Ask(ctx, r.Key, subject.Reset, 0); err != nil {
			return err
		}
		if r.defined != undefined {
			r.defined.forget()
		}
		r.until = 0
	}
	if limiter, _ := under.local.Subject.(subject.Limiter); limiter.First != nil && entry.Found && !entry.First {
		if err := r.forgottenFirst(i, limiter.First); err != nil {
			return err
		}
	}
	if r.calls[entry.Call].Op == subject.Settle && !entry.First {
		return under.local.expire(ctx, r.Key)
	}
	return nil
}

// forgottenFirst forgets the state of the first of several limits, whose key the server no longer has, unless the state has
// expired.
func (r *replayer) forgottenFirst(i int, first algorithms.Limiter) error {
	ctx := context.Background()
	left, err := first.Peek(ctx, r.Key)
	if err != nil || left.ResetAfter == 0 {
		return err
	}
	r.Forgotten++
	r.complain("key %q, entry %d: the first limit's state lost %v before it expires", r.Key, i, left.ResetAfter)
	r.defined = undefined // a definition can forget the limits only together
	return first.Reset(ctx, r.Key)
}

// compare compares the server's answer with that of the Local, and with the answer that the caller got.
func (r *replayer) compare(i int, entry journal.Entry, under oneLimit) (got subject.Answer, allowed bool, err error) {
	ctx, call := context.Background(), r.calls[entry.Call]
	*under.told = entry.Reply
	got, err = under.over.again(ctx, r.Key, call)
	nonsense := errors.Is(err, scripts.ErrReply)
	if err != nil && !nonsense {
		return got, false, err
	}
	_, reply := charged(call, entry.Reply)
	allowed = got.Allowed() || nonsense && r.Kind.Admits(r.Limit, reply)
	if call.Err == "" && call.Answer != got {
		r.Garbled++
		r.complain("call %d: the caller got %+v, the server decided %+v", entry.Call, call.Answer, got)
	}
	want, err := under.local.again(ctx, r.Key, call)
	if err != nil {
		return got, false, err
	}
	if got != want || nonsense {
		r.Diverging++
		r.complain("key %q, entry %d, %+v: the Local's answer is %+v", r.Key, i, entry, want)
	}
	return got, allowed, nil
}

// charged returns how many events a reply is about, and the reply without that number. For a call that asked for as many events
// as fit, these are the admitted events, or one if none was admitted.
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

// judge counts the decision, and compares it with the definition.
func (f *Findings) judge(defined definition, call *load.Call, d judged) {
	if call.Op == subject.Settle {
		return
	}
	f.Decisions++
	switch {
	case call.Op == subject.Reset:
		if defined != undefined {
			defined.forget()
		}
		return
	case call.Op.Charges() && d.allowed:
		f.Admitted++
	case call.Op.Charges():
		f.Denied++
	}
	if defined == undefined {
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
		f.complain("call %d was admitted %d events, and one more fits", call.Entry.Call, d.cost)
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

// life returns how long the state is needed after an answer.
func (h History) life(answer subject.Answer) time.Duration {
	if !h.Kind.Costs {
		return answer.Slot.Delay + h.Limit.Period/time.Duration(h.Limit.Rate)
	}
	return answer.Result.ResetAfter
}
