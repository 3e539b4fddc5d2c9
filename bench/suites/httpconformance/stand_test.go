package httpconformance_test

import (
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

const (
	capacity = 60 // the limit of each limiter on the server
	sharers  = 6  // how many processes would share the limit while the server is away
)

// A stand is a web server with middlewares of all policies, over each client library, on one Redis.
type stand struct {
	*httptest.Server
	guards  []*guard
	patient []string // for each client the path of a middleware that waits for its answer
}

// A guard is a middleware with its policy. Its keys are the values of the query parameter "key".
type guard struct {
	path   string
	policy string

	mu       sync.Mutex
	failures map[string][]httplimit.Failure // the calls of OnError, by key
}

func newStand(t *testing.T, addr string) *stand {
	t.Helper()
	mux := http.NewServeMux()
	s := &stand{Server: httptest.NewUnstartedServer(mux)}
	for client, run := range clients(t, addr) {
		limiter := func() algorithms.Limiter { return newLimiter(t, run, yearly(capacity)) }
		byKey := httplimit.Key(httplimit.Query("key"))
		local, err := gcra.NewLocal(errtest.Must(yearly(capacity).Share(sharers)))
		if err != nil {
			t.Fatal(err)
		}
		for _, policy := range []httplimit.Policy{httplimit.LetPass, httplimit.Refuse, httplimit.FallBack(local)} {
			g := &guard{
				path: "/" + client + "/" + strings.ReplaceAll(policy.String(), " ", "-"), policy: policy.String(),
				failures: map[string][]httplimit.Failure{},
			}
			mux.Handle(g.path, errtest.Must(httplimit.New(limiter(), byKey, httplimit.OnFailure(policy), httplimit.Timeout(time.Second), httplimit.OnError(g.note)))(served))
			s.guards = append(s.guards, g)
		}
		path := "/" + client + "/patient"
		mux.Handle(path, strict(limiter(), byKey)(served))
		s.patient = append(s.patient, path)
	}
	s.Config.ErrorLog = log.New(complaints{t}, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	s.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = requests
	return s
}

// clients connects each client library. The clients wait up to an hour for an answer.
func clients(t *testing.T, addr string) map[string]scripts.Runner {
	t.Helper()
	logging.Disable() // go-redis logs failed dials
	options := redis.Options{
		Addr: addr, ReadTimeout: time.Hour, WriteTimeout: time.Hour,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	obeying := options
	obeying.ContextTimeoutEnabled = true
	goRedis, obeyingGoRedis := redis.NewClient(&options), redis.NewClient(&obeying)
	t.Cleanup(func() { _, _ = goRedis.Close(), obeyingGoRedis.Close() })
	viaRueidis, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{addr}, ForceSingleClient: true, DisableCache: true, AlwaysPipelining: true, ConnWriteTimeout: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(viaRueidis.Close)
	return map[string]scripts.Runner{
		"go-redis":                       errtest.Must(goredisrunner.New(goRedis)), // ignores the deadline of a context
		"go-redis-ContextTimeoutEnabled": errtest.Must(goredisrunner.New(obeyingGoRedis)),
		"rueidis":                        errtest.Must(rueidisrunner.New(viaRueidis)),
	}
}

// ask sends n requests, atOnce of them at the same time, and counts the responses by status. The test fails if a response
// has another status than 200, 429 and 503.
func (s *stand) ask(t *testing.T, path, key string, n, atOnce int) (statuses map[int]int) {
	t.Helper()
	var mu sync.Mutex
	var asked sync.WaitGroup
	statuses = map[int]int{}
	for i := range atOnce {
		asked.Go(func() {
			for range (n - i + atOnce - 1) / atOnce {
				response, err := fetch(t.Context(), s.Client(), s.URL+path+"?key="+key)
				if err != nil {
					t.Error(err)
					continue
				}
				switch response.StatusCode {
				case http.StatusOK, http.StatusTooManyRequests, http.StatusServiceUnavailable:
				default:
					t.Errorf("%s: status %d", path, response.StatusCode)
				}
				mu.Lock()
				statuses[response.StatusCode]++
				mu.Unlock()
			}
		})
	}
	asked.Wait()
	return statuses
}

// load sends requests to each middleware until stop is called.
func (s *stand) load(t *testing.T) (stop func()) {
	t.Helper()
	stopped := make(chan struct{})
	var loads sync.WaitGroup
	for _, g := range s.guards {
		loads.Go(func() {
			for {
				select {
				case <-stopped:
					return
				default:
					s.ask(t, g.path, "load", 1, 1)
				}
			}
		})
	}
	return func() {
		close(stopped)
		loads.Wait()
	}
}

// note is the function for OnError.
func (g *guard) note(r *http.Request, f httplimit.Failure) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := r.URL.Query().Get("key")
	g.failures[key] = append(g.failures[key], f)
}

// told returns the calls of OnError for requests with that key.
func (g *guard) told(key string) []httplimit.Failure {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failures[key]
}

// complaints fails the test if net/http logs something, for example a panic of a handler.
type complaints struct{ t *testing.T }

func (c complaints) Write(text []byte) (int, error) {
	c.t.Errorf("the web server says: %s", text)
	return len(text), nil
}
