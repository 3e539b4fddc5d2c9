package django_test

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/proxy"
	"github.com/go-weir/weir/bench/internal/servers"
)

// stopped is a server whose clock stands still, so that each answer is known exactly, however long it takes.
type stopped struct {
	python *python
	server *servers.Server
	redis  *redis.Client
	at     time.Time

	// testdata/tried.py, run by one process that reaches the server through a proxy.
	url   string
	proxy *proxy.Proxy
}

func newStopped(t *testing.T, p *python, kind servers.Kind) *stopped {
	s := &stopped{python: p, server: servers.StartShifted(t, kind)}
	s.redis = newRedis(t, s.server.Addr)
	s.stopAt(t, time.Now())
	var err error
	if s.proxy, err = proxy.Start(t.Context(), s.server.Addr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	s.url = "http://" + p.serveTried(t, s.proxy.Addr(), "1")
	return s
}

func (s *stopped) stopAt(t *testing.T, at time.Time) {
	t.Helper()
	s.at = at
	if err := s.server.StopClock(t.Context(), at); err != nil {
		t.Fatal(err)
	}
}

// ask sends a request to the service.
func (s *stopped) ask(t *testing.T, kind, key, rate, scope string) answer {
	t.Helper()
	a, err := get(t.Context(), asks(s.url, kind, key, rate)+"&scope="+scope)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// testKeys charges keys through Django until it refuses, under limits whose emission interval is a whole number of
// microseconds and under others. Go finds the same state under the same key.
func (s *stopped) testKeys(t *testing.T) {
	all := []string{"", "alice", "}", "a:b", "{a}", "ключ", strings.Repeat("k", 256), strings.Repeat("k", 257), strings.Repeat("ю", 129)}
	for _, test := range []struct {
		rate, scope string
		limit       algorithms.Limit
		keys        []string
	}{
		{"2/day", "", algorithms.PerDay(2), all},
		{"2/day", "search", algorithms.PerDay(2), all},
		{"3/s", "a:b", algorithms.PerSecond(3), all[1:2]},
		{"7/minute", "seven", algorithms.PerMinute(7), all[1:2]},
		{"13/hour", "thirteen", algorithms.PerHour(13), all[1:2]},
	} {
		for name := range limiters {
			limiter := newLimiter(t, s.redis, name, test.limit, algorithms.WithName(test.scope))
			for _, key := range test.keys {
				for n := test.limit.Rate - 1; n >= -1; n-- {
					a := s.ask(t, name, key, test.rate, test.scope)
					want := answer{status: http.StatusOK, remaining: strconv.FormatInt(max(n, 0), 10), worker: a.worker}
					result, err := limiter.Peek(t.Context(), key)
					if err != nil {
						t.Fatal(err)
					}
					if n < 0 {
						want.status = http.StatusTooManyRequests
						want.retry = strconv.Itoa(int(math.Ceil(result.RetryAfter.Seconds())))
						if result.ResetAfter != test.limit.Period { // to the microsecond
							t.Errorf("%s %s %q %q: by Go %+v, want a reset after %v", name, test.rate, test.scope, key, result, test.limit.Period)
						}
					}
					if a != want || result.Remaining != max(n, 0) {
						t.Errorf("%s %s %q %q: %+v, want %+v; by Go %+v", name, test.rate, test.scope, key, a, want, result)
					}
				}
			}
		}
	}
}

// testWaits: a refused client is admitted if it waits for as long as it is told, and refused if it waits for a second less.
func (s *stopped) testWaits(t *testing.T) {
	for name, wait := range map[string]int{"slidinglog": 60, "gcra": 12} {
		begin := s.at
		for range 5 {
			s.ask(t, name, "waits", "5/minute", "")
		}
		for _, test := range []struct {
			after, status int
			retry         string
		}{
			{0, http.StatusTooManyRequests, strconv.Itoa(wait)}, {wait - 1, http.StatusTooManyRequests, "1"}, {wait, http.StatusOK, ""},
		} {
			s.stopAt(t, begin.Add(time.Duration(test.after)*time.Second))
			if a := s.ask(t, name, "waits", "5/minute", ""); a.status != test.status || a.retry != test.retry {
				t.Errorf("%s after %d s: %+v, want %d, %q", name, test.after, a, test.status, test.retry)
			}
		}
	}
}

// testLostReplies cuts the server's replies after one byte more each time: during the handshake, in a reply, and after it. A
// request is charged once at most, and is refused with 503 if the service doesn't know whether it was charged.
func (s *stopped) testLostReplies(t *testing.T) {
	limiter := newLimiter(t, s.redis, "slidinglog", algorithms.PerDay(100))
	if _, err := limiter.Allow(t.Context(), "another"); err != nil { // so that the server has the script
		t.Fatal(err)
	}
	lost := 0
	for bytes := range int64(40) {
		if err := s.proxy.Reset(); err != nil {
			t.Fatal(err)
		}
		if err := s.proxy.CutReplies(bytes + 1); err != nil {
			t.Fatal(err)
		}
		key := "lost " + strconv.FormatInt(bytes, 10)
		a := s.ask(t, "slidinglog", key, "100/day", "")
		result, err := limiter.Peek(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		charged := 100 - result.Remaining
		if charged > 1 || a.status != http.StatusServiceUnavailable && (a.status != http.StatusOK || charged != 1) {
			t.Errorf("cut after %d bytes: %+v, and charged %d", bytes+1, a, charged)
		}
		if a.status == http.StatusServiceUnavailable && charged == 1 {
			lost++
		}
	}
	if lost == 0 {
		t.Error("no reply of a decision was lost")
	}
	t.Logf("%d replies of decisions were lost", lost)
	// If the server has lost the script, the service sends its text, once.
	if err := s.proxy.Heal(); err != nil {
		t.Fatal(err)
	}
	if err := s.redis.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if a := s.ask(t, "slidinglog", "flushed", "100/day", ""); a.status != http.StatusOK || a.remaining != "99" {
		t.Errorf("after SCRIPT FLUSH: %+v", a)
	}
}
