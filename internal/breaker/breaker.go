// Package breaker is a circuit breaker: while a server is away, callers don't have to wait for it.
package breaker

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-weir/weir/internal/ask"
)

// mostFailures is how many failures in a row open the breaker.
const mostFailures = 5

// The default waits before a probe.
const (
	FirstWait   = 250 * time.Millisecond
	LongestWait = 8 * time.Second
)

// ErrAway is wrapped by the error of Enter. That error wraps the last failure too.
var ErrAway = errors.New("weir: limiter is away")

// A State is the state of a breaker.
type State int

// The states.
const (
	Closed   State = iota // questions are asked
	Open                  // none is asked
	HalfOpen              // one is asked
)

// An Event is a change of the state.
type Event struct {
	State State
	Err   error         // the failure that opened the breaker; nil for other states
	Wait  time.Duration // for Open: until the next probe
}

// A Breaker decides whether a server is asked. It opens after five failures in a row, during which the server has answered
// nothing. After a wait one question is asked as a probe. If it fails, the next wait is twice as long. An answer closes the
// breaker. Each wait is shortened by a random part, of at most a half, so that processes don't probe together.
type Breaker struct {
	settings Settings
	state    atomic.Int32
	failures atomic.Int32 // in a row, while closed
	answers  atomic.Int64

	mu     sync.Mutex
	wait   time.Duration // before it was shortened at random
	until  time.Time     // when a probe may be sent, while open
	away   error         // what Enter returns
	events []Event       // not reported yet
	tells  bool          // a goroutine is reporting events
}

// Settings are what a breaker is made with. The zero value is the default.
type Settings struct {
	Now         func() time.Time // nil: time.Now
	First, Most time.Duration    // the waits; 0: FirstWait, LongestWait
	OnChange    func(Event)      // nil: none
}

// New returns a closed breaker.
func New(s Settings) *Breaker {
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.First == 0 {
		s.First, s.Most = FirstWait, LongestWait
	}
	return &Breaker{settings: s}
}

// A Ticket is for one question. It must be passed to Leave.
type Ticket struct {
	Probe   bool // the question is the only one that is asked
	answers int64
}

// Enter returns a ticket for a question, or an error if the server is not to be asked.
func (b *Breaker) Enter() (Ticket, error) {
	if State(b.state.Load()) == Closed {
		return Ticket{answers: b.answers.Load()}, nil
	}
	return b.probe()
}

func (b *Breaker) probe() (Ticket, error) {
	defer b.tell()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch State(b.state.Load()) {
	case Closed:
		return Ticket{answers: b.answers.Load()}, nil
	case Open:
		if !b.settings.Now().Before(b.until) {
			b.change(Event{State: HalfOpen})
			return Ticket{Probe: true}, nil
		}
	}
	return Ticket{}, b.away
}

// Leave records how the question of a ticket ended. err is its error.
func (b *Breaker) Leave(t Ticket, verdict ask.Verdict, err error) {
	if verdict == ask.Answered && !t.Probe {
		b.answers.Add(1)
		if b.failures.Load() == 0 {
			return
		}
	}
	if verdict == ask.Unknown && !t.Probe {
		return
	}
	defer b.tell()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case t.Probe && verdict == ask.Answered:
		b.answers.Add(1)
		b.failures.Store(0)
		b.change(Event{State: Closed})
	case t.Probe && verdict == ask.Failed:
		b.open(min(2*b.wait, b.settings.Most), err)
	case t.Probe: // the probe doesn't count
		b.change(Event{State: Open})
	case State(b.state.Load()) != Closed: // the question was asked before the breaker opened
	case verdict == ask.Answered:
		b.failures.Store(0)
	case b.answers.Load() == t.answers && b.failures.Add(1) >= mostFailures:
		b.open(b.settings.First, err)
	}
}

// open opens the breaker.
func (b *Breaker) open(wait time.Duration, err error) {
	b.wait, b.away = wait, fmt.Errorf("%w: %w", ErrAway, err)
	wait -= time.Duration(rand.Int64N(int64(wait/2) + 1)) //nolint:gosec // nothing secret depends on it
	b.until = b.settings.Now().Add(wait)
	b.change(Event{Open, err, wait})
}

func (b *Breaker) change(e Event) {
	b.state.Store(int32(e.State))
	if b.settings.OnChange != nil {
		b.events = append(b.events, e)
	}
}

// tell reports the events to OnChange, one at a time and in order. The function may use the limiter.
func (b *Breaker) tell() {
	if b.settings.OnChange == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tells {
		return
	}
	b.tells = true
	defer func() { b.tells = false }() // even if the function panics
	for len(b.events) > 0 {
		event := b.events[0]
		b.events = b.events[1:]
		b.tellOne(event)
	}
}

func (b *Breaker) tellOne(event Event) {
	b.mu.Unlock()
	defer b.mu.Lock()
	b.settings.OnChange(event)
}
