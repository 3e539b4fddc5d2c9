// Package httpload sends requests to a URL, evenly over a time or from a number of connections, and counts
// what came of them.
package httpload

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// A Load is requests to one URL. Either Requests of them become due evenly over Over, the first at once, and
// are sent then whether or not those before are answered; or each of Connections asks again as soon as it is
// answered, until For has passed and there were as many requests as connections.
type Load struct {
	Method string
	URL    *url.URL // http or https
	Header http.Header

	Requests int
	Over     time.Duration

	Connections int // 0 for Requests over Over
	For         time.Duration

	Timeout time.Duration // of each request, from the connection to the end of the answer
	Fresh   bool          // each request has a connection of its own
}

// A Result is what came of a request: its Code is 0 where no answer came, and Error then says why, in words
// that are the same for all requests of which it is so.
type Result = vegeta.Result

// String says in a few words what the load is.
func (l Load) String() string {
	if l.Connections > 0 {
		return fmt.Sprintf("%s for %v", count(l.Connections, "connection"), l.For)
	}
	return fmt.Sprintf("%s over %v", count(l.Requests, "request"), l.Over)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// dialTime is how long a connection may take.
const dialTime = 5 * time.Second

// Reach connects to where the URL leads, and asks nothing.
func (l Load) Reach(ctx context.Context) error {
	port := l.URL.Port()
	if port == "" {
		port = l.URL.Scheme // "http" and "https" are names of ports, too
	}
	addr := net.JoinHostPort(l.URL.Hostname(), port)
	conn, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("can't reach the server at %s: %w", addr, err)
	}
	return conn.Close()
}

// Run sends the requests, and hands over each result as it comes, one after the other. It returns when all
// are answered, or when ctx has ended; requests that are under way then have no result.
func (l Load) Run(ctx context.Context, each func(*Result)) {
	client := l.client(ctx)
	defer client.CloseIdleConnections()
	workers := vegeta.Workers(0)
	if l.Connections > 0 {
		workers = vegeta.MaxWorkers(uint64(l.Connections))
	}
	attacker := vegeta.NewAttacker(vegeta.Client(client), workers)
	target := vegeta.NewStaticTargeter(vegeta.Target{Method: l.Method, URL: l.URL.String(), Header: l.Header})
	for result := range attacker.Attack(target, pacer{ctx, l}, 0, "") {
		if result.Code == 0 && ctx.Err() != nil {
			continue
		}
		if result.Code != 0 {
			result.Error = "" // not even for a status that says so
		}
		each(result)
	}
}

// pacer lets the requests of a load go. It waits for a request's time itself, as nothing ends the attacker's
// own wait.
type pacer struct {
	ctx  context.Context
	load Load
}

// Pace implements vegeta.Pacer.
func (p pacer) Pace(elapsed time.Duration, hits uint64) (wait time.Duration, stop bool) {
	if p.load.Connections > 0 {
		return 0, elapsed >= p.load.For && hits >= uint64(p.load.Connections) || p.ctx.Err() != nil
	}
	if hits >= uint64(p.load.Requests) {
		return 0, true
	}
	due := time.Duration(float64(p.load.Over) * float64(hits) / float64(p.load.Requests))
	timer := time.NewTimer(due - elapsed)
	defer timer.Stop()
	select {
	case <-timer.C:
		return 0, p.ctx.Err() != nil
	case <-p.ctx.Done():
		return 0, true
	}
}

// Rate implements vegeta.Pacer, which only its own reports ask for.
func (p pacer) Rate(time.Duration) float64 { return 0 }
