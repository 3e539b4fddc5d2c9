package breaker

import (
	"errors"
	"testing"
	"time"

	"github.com/go-weir/weir/internal/ask"
)

var errDown = errors.New("server is down")

// TestAnswersBetween: the failure of a question doesn't count if the server has answered another question meanwhile. So a
// flood of calls that wait for connections in this process isn't taken for a server that is away.
func TestAnswersBetween(t *testing.T) {
	b := New(Settings{})
	var tickets []Ticket
	for range 100 {
		ticket, err := b.Enter()
		if err != nil {
			t.Fatal(err)
		}
		tickets = append(tickets, ticket)
	}
	b.Leave(tickets[0], ask.Answered, nil)
	for _, ticket := range tickets[1:] {
		b.Leave(ticket, ask.Failed, errDown)
	}
	if _, err := b.Enter(); err != nil {
		t.Errorf("%v, though the server has answered meanwhile", err)
	}
}

// TestLateVerdicts: a question from before the breaker opened neither closes it nor counts again.
func TestLateVerdicts(t *testing.T) {
	now := time.Now()
	b := New(Settings{Now: func() time.Time { return now }})
	var tickets []Ticket
	for range 20 {
		ticket, _ := b.Enter()
		tickets = append(tickets, ticket)
	}
	for _, ticket := range tickets[:10] {
		b.Leave(ticket, ask.Failed, errDown)
	}
	b.Leave(tickets[10], ask.Answered, nil)
	if _, err := b.Enter(); !errors.Is(err, ErrAway) || !errors.Is(err, errDown) {
		t.Errorf("%v, want ErrAway with the cause", err)
	}
	now = now.Add(FirstWait)
	probe, err := b.Enter()
	if err != nil || !probe.Probe {
		t.Fatalf("%+v, %v, want a probe", probe, err)
	}
	b.Leave(tickets[11], ask.Failed, errDown)
	if _, err := b.Enter(); !errors.Is(err, ErrAway) {
		t.Errorf("%v, want only one probe", err)
	}
	b.Leave(probe, ask.Answered, nil)
	if ticket, err := b.Enter(); err != nil || ticket.Probe {
		t.Errorf("%+v, %v, want it closed", ticket, err)
	}
}

// TestEventsUseTheLimiter: the function of OnChange may call Enter, and gets the events in order.
func TestEventsUseTheLimiter(t *testing.T) {
	now := time.Now()
	var b *Breaker
	var states []State
	telling := false
	b = New(Settings{Now: func() time.Time { return now }, OnChange: func(e Event) {
		states = append(states, e.State)
		if telling {
			t.Error("called with an event during the call with another")
		}
		telling = true
		defer func() { telling = false }()
		if e.State == Open {
			now = now.Add(time.Hour)
			probe, err := b.Enter()
			if err != nil {
				t.Error(err)
			}
			b.Leave(probe, ask.Answered, nil)
		}
	}})
	for range mostFailures {
		ticket, _ := b.Enter()
		b.Leave(ticket, ask.Failed, errDown)
	}
	if len(states) != 3 || states[0] != Open || states[1] != HalfOpen || states[2] != Closed {
		t.Errorf("the hook got %v", states)
	}
}
