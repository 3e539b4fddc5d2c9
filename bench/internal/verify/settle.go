package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/subject"
)

// A book is a definition that remembers its charges, so that a charge can be settled. After that, it decides as if the true
// cost had been charged at the time of the reservation. A limiter may deny a request that a book admits, because a
// settlement can't give back charges that have expired meanwhile. It must not admit a request that a book denies.
type book struct {
	definition
	fresh   func() definition
	charges []charge
	of      map[int64]int // the charge of a call
}

type charge struct {
	at, cost int64
	reply    []int64
}

func newBook(fresh func() definition) *book {
	return &book{definition: fresh(), fresh: fresh, of: map[int64]int{}}
}

func (b *book) admit(now, cost int64, reply []int64) bool {
	b.charges = append(b.charges, charge{now, cost, reply})
	return b.definition.admit(now, cost, reply)
}

// number notes which call made the last charge.
func (b *book) number(call int64) { b.of[call] = len(b.charges) - 1 }

// settle changes the charge of a call. If the charge was forgotten, there is nothing to settle.
func (b *book) settle(call, used int64) {
	i, ok := b.of[call]
	if !ok {
		return
	}
	b.charges[i].cost = used
	b.definition = b.fresh()
	for _, c := range b.charges {
		b.definition.admit(c.at, c.cost, c.reply)
	}
}

func (b *book) forget() {
	b.definition.forget()
	b.charges, b.of = nil, map[int64]int{}
}

// reserves reports whether any of the calls reserve.
func (h History) reserves() bool {
	return slices.ContainsFunc(h.Calls, func(c load.Call) bool { return c.Op == subject.Reserve })
}

// denialAge is how long a process that remembers denials may fail to notice what another process has settled. It is the
// default of package denialcache.
const denialAge = time.Second

// used returns how much was used of each reservation that the server has settled, by the number of the call that reserved.
// It leaves out what exceeds the reservation: that is a debt, which the limiter has not admitted.
func (h History) used(calls map[int64]*load.Call) map[int64]int64 {
	used := map[int64]int64{}
	for _, entry := range h.Entries {
		if call := calls[entry.Call]; call.Op == subject.Settle {
			used[call.Of] = min(call.Cost, calls[call.Of].Cost)
		}
	}
	return used
}

// unsettled reports whether a call is a settlement that its caller knows of, but the server doesn't. A Commit of exactly
// what was reserved isn't one, because it sends nothing.
func unsettled(call *load.Call, calls map[int64]*load.Call, ran map[int64]bool) bool {
	return call.Op == subject.Settle && call.Err == "" && !ran[call.Entry.Call] && call.Cost != calls[call.Of].Cost
}

// settled counts a settlement that the server has run.
func (f *Findings) settled(defined definition, call, of *load.Call) {
	f.Settled++
	if call.Cost > of.Cost {
		f.Debts++
	}
	if call.Err != "" {
		f.SettledUnseen++
	}
	if b, ok := defined.(*book); ok {
		b.settle(call.Of, call.Cost)
	}
}

// expire makes a Local settle as the server does after its key has expired: a debt begins now. While the key exists, a debt
// begins at the end of the earlier charges. A reservation that is canceled at the same instant has this effect, and no
// other.
func (a asker) expire(ctx context.Context, key string) error {
	last := &load.Call{Op: subject.Reserve, Cost: 1}
	last.Entry.Call = -1 // a number that no call has
	_, err := a.again(ctx, key, last)
	if err != nil {
		return err
	}
	return a.held[-1].Cancel(ctx)
}

// An asker repeats the calls of callers with another subject, and holds its reservations.
type asker struct {
	subject.Subject
	held map[int64]*algorithms.Reservation // by the number of the call that reserved
}

// again repeats a call.
func (a asker) again(ctx context.Context, key string, call *load.Call) (answer subject.Answer, err error) {
	switch call.Op {
	case subject.Reserve:
		limiter, _ := a.Subject.(subject.Limiter)
		reserver, ok := limiter.Limiter.(algorithms.Reserver)
		if !ok {
			return answer, fmt.Errorf("verify: %T can't reserve", a.Subject)
		}
		reservation, err := reserver.Reserve(ctx, key, call.Cost)
		if err != nil {
			return answer, err
		}
		a.held[call.Entry.Call] = reservation
		answer.Result = reservation.Result()
		return answer, nil
	case subject.Settle:
		reservation, ok := a.held[call.Of]
		if !ok {
			return answer, fmt.Errorf("verify: call %d settles call %d, of which the server knows nothing", call.Entry.Call, call.Of)
		}
		err := reservation.Commit(ctx, call.Cost)
		if errors.Is(err, algorithms.ErrSettled) {
			err = nil // the settlement ran twice, which Check counts
		}
		return answer, err
	}
	return a.Ask(ctx, key, call.Op, call.Cost)
}
