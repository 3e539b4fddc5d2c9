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

// TestExactOverProcesses has clients come over 64 connections at once to six web servers, each a process of its
// own, half of them on each client library, that share a Redis: what they are served together is the limit, exactly, by every
// algorithm. All others are answered 429, with a Retry-After that is not early, and late by less than the
// second it is rounded by.
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
				if i > 0 && rate != 100 { // one server is asked for all, the others for one
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

// An answer is what a client got, and when it asked and had it.
type answer struct {
	asked, had time.Time
	status     int
	retryAfter string
}

// crowd has clients of one connection each, spread over the web servers, ask so often all at once.
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

// judge compares how many of a crowd were served with the rate, and the waits that the others were told with
// what the limiter tells afterwards of the key that all of them had, their address: denials change nothing, so
// that the moment of the next admission is the same.
func judge(t *testing.T, answers []answer, rate int64, limiter algorithms.Limiter) {
	t.Helper()
	before := time.Now()
	now, err := limiter.Peek(t.Context(), "127.0.0.1")
	if err != nil || now.Allowed {
		t.Errorf("afterwards %+v, %v, want a denial", now, err)
	}
	from, to := before.Add(now.RetryAfter), time.Now().Add(now.RetryAfter) // that moment is between
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
