// Package django_test tests examples/django: Django REST framework under gunicorn, with throttles that run Weir's scripts
// through redis-py, all from Debian's packages. The processes of the service must admit exactly the limit, together with a
// Go service.
package django_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/httpload"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/slidinglog"
)

func TestMain(m *testing.M) { servers.Main(m) }

// limiters are Weir's limiters, by the name of the throttle that has the same keys.
var limiters = map[string]func(scripts.Runner, algorithms.Limit, ...algorithms.Option) (*algorithms.Remote, error){
	"slidinglog": slidinglog.New, "gcra": gcra.New,
}

// TestDjango uses one image for all subtests. The server is Redis 8.0, as in Debian trixie, unless REDIS_IMAGE names others.
func TestDjango(t *testing.T) {
	kind := servers.All()[1]
	server := servers.Shared(t, kind)
	p := getPython(t, server.Contained, packagesOf(t, readme(t)))
	t.Run("clock that goes", func(t *testing.T) {
		t.Parallel()
		s := &service{"http://" + p.serveTried(t, server.Addr, "6"), newRedis(t, server.Addr)}
		t.Run("at the same time", func(t *testing.T) {
			t.Run("100 requests in ten seconds", s.testSteady)
			t.Run("one key with a Go service", s.testShared)
		})
		// This runs alone, because it logs figures of the other throttles.
		t.Run("64 connections", s.testConnections)
	})
	t.Run("clock that stands still", func(t *testing.T) {
		t.Parallel()
		s := newStopped(t, p, kind)
		t.Run("README", s.testReadme)
		t.Run("keys", s.testKeys)
		t.Run("waits", s.testWaits)
		t.Run("lost replies", s.testLostReplies)
	})
}

// newRedis returns a client with which a test calls the server itself. It doesn't give up on a busy machine.
func newRedis(t *testing.T, addr string) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: addr, ReadTimeout: 2 * time.Minute})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// newLimiter returns Weir's limiter on that server.
func newLimiter(t *testing.T, client *redis.Client, name string, limit algorithms.Limit, opts ...algorithms.Option) *algorithms.Remote {
	t.Helper()
	run, err := goredisrunner.New(client)
	if err != nil {
		t.Fatal(err)
	}
	limiter, err := limiters[name](run, limit, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return limiter
}

// service is testdata/tried.py, run by six processes.
type service struct {
	url   string
	redis *redis.Client
}

// now returns the time by the server's clock.
func (s *service) now(t *testing.T) time.Time {
	t.Helper()
	now, err := s.redis.Time(t.Context()).Result()
	if err != nil {
		t.Error(err)
	}
	return now
}

// asks returns the URL of a request that a throttle decides.
func asks(base, kind, key, rate string) string {
	return base + "/?" + url.Values{"kind": {kind}, "key": {key}, "rate": {rate}}.Encode()
}

// An answer is the response to a request.
type answer struct {
	status           int
	remaining, retry string
	worker           int // the process
}

var client = &http.Client{Timeout: 5 * time.Minute}

func get(ctx context.Context, url string) (a answer, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return a, err
	}
	response, err := client.Do(request)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	var body struct{ Worker int }
	err = json.NewDecoder(response.Body).Decode(&body)
	header := response.Header
	return answer{response.StatusCode, header.Get("X-RateLimit-Remaining"), header.Get("Retry-After"), body.Worker}, err
}

// A tally is how many answers had each status, and how long all took by the server's clock.
type tally struct {
	byStatus map[int]int
	took     time.Duration
}

// admits reports whether a sliding log with this limit can have admitted so many requests, and all others were refused. If
// the requests took less than a period, that is exactly the limit. Each full period that they took may add one limit.
func (l tally) admits(limit int, period time.Duration, requests int) bool {
	admitted := l.byStatus[http.StatusOK]
	return admitted >= limit && admitted <= limit*(1+int(l.took/period)) &&
		admitted+l.byStatus[http.StatusTooManyRequests] == requests
}

// count sends the requests of a load and counts the answers.
func (s *service) count(t *testing.T, load httpload.Load) tally {
	t.Helper()
	before := s.now(t)
	l := tally{byStatus: map[int]int{}}
	load.Run(t.Context(), func(r *httpload.Result) { l.byStatus[int(r.Code)]++ })
	l.took = s.now(t).Sub(before)
	return l
}

// testSteady sends 100 requests, one each tenth of a second.
func (s *service) testSteady(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for _, kind := range []string{"slidinglog", "cache", "memory"} {
		for rate, limit := range map[string]algorithms.Limit{"1/second": algorithms.PerSecond(1), "10/minute": algorithms.PerMinute(10)} {
			u, err := url.Parse(asks(s.url, kind, "steady-"+rate, rate))
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				l := s.count(t, httpload.Load{Method: http.MethodGet, URL: u, Requests: 100, Over: 10 * time.Second, Timeout: client.Timeout})
				t.Logf("%-9s %-10s %v", rate, kind, l.byStatus)
				if kind == "slidinglog" && !l.admits(int(limit.Rate), limit.Period, 100) {
					t.Errorf("%v, want %v admitted and all others of 100 refused", l, limit)
				}
			})
		}
	}
	all.Wait()
}

// testConnections sends requests over 64 connections. It also sends them to Django REST framework's own throttle, with a
// cache in Redis and with one in memory. That throttle admits at least the limit, and usually more.
func (s *service) testConnections(t *testing.T) {
	for _, limit := range []int{10, 100, 1000} {
		requests := 300 + limit
		for _, kind := range []string{"slidinglog", "cache", "memory"} {
			before := s.now(t)
			l := tally{byStatus: map[int]int{}}
			workers := map[int]bool{}
			var mu sync.Mutex
			var all sync.WaitGroup
			numbers := make(chan int)
			for range 64 {
				all.Go(func() {
					for range numbers {
						a, err := get(t.Context(), asks(s.url, kind, fmt.Sprint("busy-", limit), fmt.Sprint(limit, "/minute")))
						if err != nil {
							t.Error(err)
						}
						mu.Lock()
						l.byStatus[a.status]++
						workers[a.worker] = true
						mu.Unlock()
					}
				})
			}
			for n := range requests {
				numbers <- n
			}
			close(numbers)
			all.Wait()
			l.took = s.now(t).Sub(before)
			delete(workers, 0) // refusals name no process
			t.Logf("%4d/minute, %d requests in %v: %-10s %v by %d processes", limit, requests, l.took.Round(time.Second/10), kind, l.byStatus, len(workers))
			if kind == "slidinglog" && !l.admits(limit, time.Minute, requests) || l.byStatus[http.StatusOK] < limit {
				t.Errorf("%s: %v, want %d admitted and all others of %d refused", kind, l, limit, requests)
			}
		}
	}
}

// testShared: Django and a Go service share a key. Each of 32 clients asks Django and Go in turn.
func (s *service) testShared(t *testing.T) {
	t.Parallel()
	const limit, clients, each = 100, 32, 5
	for name := range limiters {
		t.Run(name, func(t *testing.T) {
			limiter := newLimiter(t, s.redis, name, algorithms.PerDay(limit)) // GCRA gives one back each 864 s
			key := "shared } {alice}"
			before := s.now(t)
			var python, golang, refused atomic.Int64
			var all sync.WaitGroup
			for range clients {
				all.Go(func() {
					for range each {
						switch a, err := get(t.Context(), asks(s.url, name, key, fmt.Sprint(limit, "/day"))); {
						case err == nil && a.status == http.StatusOK:
							python.Add(1)
						case err == nil && a.status == http.StatusTooManyRequests:
							refused.Add(1)
						default:
							t.Errorf("%+v, %v", a, err)
						}
						switch result, err := limiter.Allow(t.Context(), key); {
						case err != nil:
							t.Error(err)
						case result.Allowed:
							golang.Add(1)
						default:
							refused.Add(1)
						}
					}
				})
			}
			all.Wait()
			more := int64(s.now(t).Sub(before) / (864 * time.Second))
			p, g, r := python.Load(), golang.Load(), refused.Load()
			t.Logf("admitted: %d by Django, %d by Go; %d refused", p, g, r)
			if p == 0 || g == 0 || p+g < limit || p+g > limit+more || p+g+r != 2*clients*each {
				t.Errorf("admitted: %d by Django, %d by Go; want some by each, and %d together", p, g, limit)
			}
		})
	}
}
