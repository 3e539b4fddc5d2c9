package httpconformance_test

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/internal/resptest"
)

const (
	processes   = 6
	connections = 64
)

// TestExactOverProcesses sends requests over 64 connections to six web servers that share a Redis. They are separate
// processes, half of them with each client library. Together they serve exactly the limit, with every algorithm. All other
// requests get 429. Their Retry-After is never early, and it is late by less than the second to which it is rounded up.
func TestExactOverProcesses(t *testing.T) {
	t.Parallel()
	s := site{Redis: map[string]string{}, Rates: []int64{10, 100, 1000}, Prefix: rand.Text()}
	for _, kind := range servers.All() {
		s.Redis[kind.Name] = servers.Shared(t, kind).Addr
	}
	var urls []string
	for i := range processes {
		s.Client = []string{load.GoRedis, load.Rueidis}[i%2]
		urls = append(urls, s.start(t))
	}
	for i, kind := range servers.All() {
		conn := resptest.Dial(t, s.Redis[kind.Name])
		for _, a := range all {
			for _, rate := range s.Rates {
				if i > 0 && rate != 100 { // the first server is tested with all rates, the others with one
					continue
				}
				t.Run(path(kind.Name, a.name, rate)[1:], func(t *testing.T) {
					answers := crowd(t, urls, path(kind.Name, a.name, rate), 2+int(rate)/60)
					limiter, err := a.Over(conn)(yearly(rate), s.options(rate)...)
					if err != nil {
						t.Fatal(err)
					}
					judge(t, answers, rate, limiter)
				})
			}
		}
	}
}

// An answer is a response, with the times of the request and the response.
type answer struct {
	asked, had time.Time
	status     int
	retryAfter string
}

// crowd sends requests from concurrent clients with one connection each. The clients are spread over the web servers.
func crowd(t *testing.T, urls []string, path string, each int) []answer {
	t.Helper()
	answers := make([]answer, connections*each)
	begin := make(chan struct{})
	var clients sync.WaitGroup
	for i := range connections {
		clients.Go(func() {
			client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
			defer client.CloseIdleConnections()
			<-begin
			for j := range each {
				a := &answers[i*each+j]
				a.asked = time.Now()
				response, err := fetch(t.Context(), client, urls[i%len(urls)]+path)
				if err != nil {
					t.Error(err)
					return
				}
				a.had, a.status, a.retryAfter = time.Now(), response.StatusCode, response.Header.Get("Retry-After")
			}
		})
	}
	close(begin)
	clients.Wait()
	return answers
}

// judge compares the number of requests that were served with the rate. It compares the waits of the others with the
// limiter's RetryAfter for their common key, their address. It reads that afterwards, because denials don't change the time
// of the next admission.
func judge(t *testing.T, answers []answer, rate int64, limiter algorithms.Limiter) {
	t.Helper()
	before := time.Now()
	now, err := limiter.Peek(t.Context(), "127.0.0.1")
	if err != nil || now.Allowed {
		t.Errorf("afterwards %+v, %v, want a denial", now, err)
	}
	from, to := before.Add(now.RetryAfter), time.Now().Add(now.RetryAfter) // the next admission is between these times
	admitted := int64(0)
	for _, a := range answers {
		if a.status == http.StatusOK {
			admitted++
			continue
		}
		seconds, err := strconv.ParseInt(a.retryAfter, 10, 64)
		wait := time.Duration(seconds) * time.Second
		switch {
		case a.status != http.StatusTooManyRequests || err != nil || seconds < 1:
			t.Fatalf("status %d, Retry-After %q", a.status, a.retryAfter)
		case a.had.Add(wait).Before(from):
			t.Errorf("Retry-After %d is early by %v", seconds, from.Sub(a.had.Add(wait)))
		case a.asked.Add(wait - time.Second).After(to):
			t.Errorf("Retry-After %d is a second late and %v", seconds, a.asked.Add(wait-time.Second).Sub(to))
		}
	}
	if admitted != rate {
		t.Errorf("%d of %d requests were served, want %d", admitted, len(answers), rate)
	}
}
