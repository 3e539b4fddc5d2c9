package leakybucket_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/embeddedtest"
	"github.com/go-weir/weir/leakybucket"
)

// The first of ten a second leaves nine.
func Example() {
	limiter, err := leakybucket.NewLocal(algorithms.PerSecond(10))
	if err != nil {
		panic(err)
	}
	result, err := limiter.Allow(context.Background(), "alice")
	if err != nil {
		panic(err)
	}
	fmt.Println(result.Allowed, result.Remaining)
	// Output: true 9
}

// A limiter over a server: all processes that use the server share the limit of a key.
func ExampleNew() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	defer stop()
	limiter, err := leakybucket.New(run, algorithms.PerMinute(2))
	if err != nil {
		panic(err)
	}
	for range 3 {
		result, err := limiter.Allow(context.Background(), "alice")
		if err != nil {
			panic(err)
		}
		fmt.Println(result.Allowed, result.Remaining, result.RetryAfter)
	}
	// Output:
	// true 1 0s
	// true 0 0s
	// false 0 30s
}

// A limiter in this process, with its own clock. RetryAfter is the exact wait of a denied request.
func ExampleNewLocal() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) // a clock of the example's own
	limiter, err := leakybucket.NewLocal(algorithms.PerMinute(60).WithBurst(3), algorithms.WithClock(func() time.Time { return now }))
	if err != nil {
		panic(err)
	}
	for range 3 {
		result, err := limiter.AllowN(context.Background(), "alice", 2)
		if err != nil {
			panic(err)
		}
		fmt.Println(result.Allowed, result.Remaining, result.RetryAfter)
		now = now.Add(500 * time.Millisecond)
	}
	// Output:
	// true 1 0s
	// false 1 500ms
	// true 0 0s
}

// A queue spreads requests that come at the same time: one leaves, a burst waits, and the rest are refused.
func ExampleNewLocalQueue() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) // a clock of the example's own
	queue, err := leakybucket.NewLocalQueue(algorithms.PerSecond(2).WithBurst(2), algorithms.WithClock(func() time.Time { return now }))
	if err != nil {
		panic(err)
	}
	for range 4 {
		slot, err := queue.Schedule(context.Background(), "alice")
		if err != nil {
			panic(err)
		}
		fmt.Println(slot.Accepted, slot.Delay, slot.Queued, slot.RetryAfter)
	}
	// Output:
	// true 0s 0 0s
	// true 500ms 1 0s
	// true 1s 2 0s
	// false 1.5s 2 500ms
}

// A queue over a server: requests of all processes leave at an even rate. The caller waits for the Delay by itself.
func ExampleNewQueue() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	defer stop()
	queue, err := leakybucket.NewQueue(run, algorithms.PerMinute(60).WithBurst(2))
	if err != nil {
		panic(err)
	}
	for range 4 {
		slot, err := queue.Schedule(context.Background(), "mail.example.com")
		if err != nil {
			panic(err)
		}
		fmt.Println(slot.Accepted, slot.Delay, slot.RetryAfter)
	}
	// Output:
	// true 0s 0s
	// true 1s 0s
	// true 2s 0s
	// false 3s 1s
}

// Schedule plans departures without waiting. Two mails to one host take two places that follow one another.
func ExampleQueue_Schedule() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	defer stop()
	queue, err := leakybucket.NewQueue(run, algorithms.PerMinute(6).WithBurst(10))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	first, err := queue.Schedule(ctx, "mail.example.com")
	if err != nil {
		panic(err)
	}
	two, err := queue.ScheduleN(ctx, "mail.example.com", 2)
	if err != nil {
		panic(err)
	}
	fmt.Println("the first mail leaves after", first.Delay)
	fmt.Println("the last of two more leaves after", two.Delay)
	// Output:
	// the first mail leaves after 0s
	// the last of two more leaves after 20s
}

// Wait returns when it is the caller's turn. It returns at once if the turn would come after the context's deadline.
func ExampleQueue_Wait() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	defer stop()
	queue, err := leakybucket.NewQueue(run, algorithms.PerHour(1))
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for range 2 {
		switch err := queue.Wait(ctx, "mail.example.com"); {
		case err == nil:
			fmt.Println("send")
		case errors.Is(err, leakybucket.ErrQueueFull):
			fmt.Println("too many wait")
		case errors.Is(err, context.DeadlineExceeded):
			fmt.Println("the turn would come too late")
		default:
			fmt.Println("no decision:", err)
		}
	}
	// Output:
	// send
	// the turn would come too late
}

// paced is a RoundTripper that keeps to a third party's quota: calls to each host leave at an even rate.
type paced struct {
	queue *leakybucket.LocalQueue // or a *leakybucket.Queue, for all processes together
	next  http.RoundTripper
}

func (p paced) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := p.queue.Wait(r.Context(), r.URL.Host); err != nil {
		return nil, err // too many wait, or the request's context ends before its turn
	}
	return p.next.RoundTrip(r)
}

// Outgoing calls of an http.Client wait for their turn.
func Example_outgoingCalls() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Println("served", r.URL.Path) }))
	defer server.Close()
	queue, err := leakybucket.NewLocalQueue(algorithms.PerSecond(1000))
	if err != nil {
		panic(err)
	}
	client := &http.Client{Transport: paced{queue, http.DefaultTransport}}
	for _, path := range []string{"/a", "/b", "/c"} {
		response, err := client.Get(server.URL + path)
		if err != nil {
			panic(err)
		}
		response.Body.Close()
	}
	// Output:
	// served /a
	// served /b
	// served /c
}
