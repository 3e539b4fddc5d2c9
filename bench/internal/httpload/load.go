// Package httpload sends requests to a URL, evenly over a time or from a number of connections, and counts the responses.
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

// A Load is a number of requests to one URL. If Requests is set, that many requests are sent evenly over Over, even if
// earlier ones have not been answered. Otherwise each of Connections sends the next request as soon as the last one is
// answered, until For has passed and there were at least as many requests as connections.
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

// A Result is the result of a request. Without a response its Code is 0, and Error is the reason. Requests that failed for
// the same reason have the same Error.
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

// dialTime is the timeout for the connection to the server.
const dialTime = 5 * time.Second

// Reach connects to the server of the URL, and sends no request.
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

// Run sends the requests, and passes on each result, one after the other. It returns when all requests are answered or ctx
// ends. Requests that are in progress then have no result.
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
			result.Error = "" // vegeta sets it for statuses of errors, too
		}
		each(result)
	}
}

// pacer determines when the requests of a load are sent. It waits for that time itself, because the attacker's own wait
// can't be interrupted.
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

// Rate implements vegeta.Pacer. Only vegeta's reports use it.
func (p pacer) Rate(time.Duration) float64 { return 0 }
