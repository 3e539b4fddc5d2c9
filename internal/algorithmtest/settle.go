package algorithmtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
)

// A charge is one charge in the history of a key.
type charge struct {
	at, n       int64
	reservation *algorithms.Reservation // nil if it wasn't reserved, or is settled
	void        bool                    // canceled at the instant of the charge: as if it had never been made
}

// A history is a random history of one key, with its model.
type history struct {
	limiter interface {
		algorithms.Limiter
		algorithms.Reserver
	}
	key     string
	clock   *limitertest.Clock
	model   func() Model
	now     int64 // µs since Start
	charges []*charge
	steps   []step // for the message
}

// A step is one step of a history. It is formatted if the history fails.
type step struct {
	at     int64
	format string
	args   [3]any
}

func (s step) String() string {
	return fmt.Sprintf("\nat %[1]d: "+s.format, append([]any{s.at}, s.args[:]...)...)
}

// reference returns a model that was charged the true cost of each charge at its time.
func (h *history) reference() Model {
	m := h.model()
	for _, c := range h.charges {
		if !c.void {
			m.Charge(c.at, c.n)
		}
	}
	return m
}

func (h *history) note(format string, args ...any) {
	s := step{at: h.now, format: format}
	copy(s.args[:], args)
	h.steps = append(h.steps, s)
}

func (h *history) advance(us int64) {
	h.now += us
	h.clock.Advance(time.Duration(us) * time.Microsecond)
}

func (h *history) allow(n int64) error {
	r, err := h.limiter.AllowN(context.Background(), h.key, n)
	h.note("%[2]d admitted: %[3]v", n, r.Allowed)
	if r.Allowed {
		h.charges = append(h.charges, &charge{at: h.now, n: n})
	}
	return err
}

func (h *history) reserve(n int64) error {
	r, err := h.limiter.Reserve(context.Background(), h.key, n)
	if err != nil {
		return err
	}
	h.note("%[2]d reserved: %[3]v", n, r.Result().Allowed)
	if r.Result().Allowed {
		h.charges = append(h.charges, &charge{at: h.now, n: n, reservation: r})
	}
	return nil
}

// settle settles the i-th of the open reservations.
func (h *history) settle(i int, used int64) error {
	for _, c := range h.charges {
		if c.reservation == nil {
			continue
		}
		if i > 0 {
			i--
			continue
		}
		h.note("of the %[2]d at %[3]d, %[4]d were used", c.n, c.at, used)
		err := c.reservation.Commit(context.Background(), used)
		c.n, c.reservation, c.void = used, nil, used == 0 && c.at == h.now
		return err
	}
	return nil
}

func (h *history) open() (n int) {
	for _, c := range h.charges {
		if c.reservation != nil {
			n++
		}
	}
	return n
}

// check compares the limiter with the reference: no number of events fits sooner, and the key isn't as good as new sooner.
func (h *history) check() error {
	m := h.reference()
	for n := int64(1); ; n++ {
		r, err := h.limiter.PeekN(context.Background(), h.key, n)
		if err != nil {
			return err
		}
		if want := m.Wait(h.now, n); r.RetryAfter.Microseconds() < want {
			return fmt.Errorf("%d fit after %d µs, by the reference after %d µs", n, r.RetryAfter.Microseconds(), want)
		}
		if want := m.Reset(h.now); r.ResetAfter.Microseconds() < want {
			return fmt.Errorf("as new after %d µs, by the reference after %d µs", r.ResetAfter.Microseconds(), want)
		}
		if n == r.Limit {
			return nil
		}
	}
}

// random takes random steps, with debts or without.
func (h *history) random(draw func(most int64) int64, capacity, period int64, steps int, debts bool) error {
	for range steps {
		var err error
		switch draw(5) {
		case 0, 1:
			h.advance(draw(period/2 + 1))
		case 2:
			err = h.allow(1 + draw(capacity-1))
		case 3:
			err = h.reserve(1 + draw(capacity-1))
		default:
			used := int64(0)
			if draw(2) > 0 {
				used = draw(capacity)
			}
			if debts && draw(3) == 0 {
				used = draw(2 * capacity)
			}
			if open := h.open(); open > 0 {
				err = h.settle(int(draw(int64(open-1))), used)
			}
		}
		if err != nil {
			return err
		}
		if err := h.check(); err != nil {
			return err
		}
	}
	return nil
}

// histories returns a function that begins a history of a new key of one limiter.
func histories(limit algorithms.Limit, factory limitertest.Factory, model func(algorithms.Limit) Model) (func() *history, error) {
	clock := limitertest.NewClock(Start)
	prefix := fmt.Sprintf("history-%d", rand.Int64()) //nolint:gosec // only to be different
	l, err := factory(limit, algorithms.WithClock(clock.Now), algorithms.WithPrefix(prefix))
	if err != nil {
		return nil, err
	}
	keys := 0
	return func() *history {
		keys++
		return &history{
			limiter: l.(interface {
				algorithms.Limiter
				algorithms.Reserver
			}),
			key: strconv.Itoa(keys), clock: clock, model: func() Model { return model(limit) }, now: clock.Now().Sub(Start).Microseconds(),
		}
	}, nil
}

// perLimiter is how many histories one limiter has.
const perLimiter = 25

// Settles runs random histories of one key, in which requests are admitted, reserved and settled. It checks after each step
// that no less is outstanding than in the model, which was charged the true costs at the times of the reservations.
func (a Algorithm) Settles(t *testing.T, factory limitertest.Factory, count int, model func(algorithms.Limit) Model) {
	t.Helper()
	random := rand.New(rand.NewPCG(14, 4)) //nolint:gosec // the same histories each time
	draw := func(most int64) int64 { return random.Int64N(most + 1) }
	for range count / perLimiter {
		limit := a.Fitting(algorithms.Limit{Rate: 1 + draw(5), Period: time.Duration(1+draw(19)) * time.Microsecond, Burst: draw(7)})
		begin, err := histories(limit, factory, model)
		if err != nil {
			t.Fatal(err)
		}
		for i := range perLimiter {
			h := begin()
			if err := h.random(draw, limit.BurstOrRate(), limit.Period.Microseconds(), 12, i%2 == 0); err != nil {
				t.Fatalf("a history of %v: %v, after%v", limit, err, h.steps)
			}
		}
	}
}

// SettlesByRapid is Settles with histories from rapid, which shrinks a history that fails.
func (a Algorithm) SettlesByRapid(t *testing.T, factory limitertest.Factory, model func(algorithms.Limit) Model) {
	t.Helper()
	rapid.Check(t, func(rt *rapid.T) {
		limit := a.Fitting(algorithms.Limit{
			Rate:   rapid.Int64Range(1, 6).Draw(rt, "rate"),
			Period: time.Duration(rapid.Int64Range(1, 20).Draw(rt, "period")) * time.Microsecond,
			Burst:  rapid.Int64Range(0, 8).Draw(rt, "burst"),
		})
		begin, err := histories(limit, factory, model)
		if err != nil {
			rt.Fatal(err)
		}
		h := begin()
		draw := func(most int64) int64 { return rapid.Int64Range(0, most).Draw(rt, "draw") }
		if err := h.random(draw, limit.BurstOrRate(), limit.Period.Microseconds(), 12, true); err != nil {
			rt.Fatalf("%v: %v, after%v", limit, err, h.steps)
		}
	})
}
