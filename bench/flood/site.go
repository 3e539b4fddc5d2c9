package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// jobEnv is the environment variable that makes a process a web server. It holds the job.
const jobEnv = "WEIR_FLOOD_SITE"

// A job is the configuration of a web server's process.
type job struct {
	Redis    string // its address
	Limit    int64  // an hour
	Coalesce bool
}

// A standing is a web server's report: its counts and its memory.
type standing struct {
	Admitted, Denied, Failed int64         // requests
	Median, P99, Longest     time.Duration // of a decision, from the request to the next handler or the refusal
	Heap                     uint64        // bytes, after a collection
	Goroutines               int
}

// A site is a web server with a limit.
type site struct {
	admitted, denied, failed atomic.Int64

	mu    sync.Mutex
	times *hdrhistogram.Histogram // of decisions, in microseconds
}

// serve runs a web server until standard input ends. If goroutines are left then, its error names them.
func serve(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	client := redis.NewClient(&redis.Options{Addr: j.Redis, ContextTimeoutEnabled: true})
	var run scripts.Runner
	run, err := goredisrunner.New(client)
	if err != nil {
		return err
	}
	stop := func(context.Context) error { return nil }
	if j.Coalesce {
		together, err := coalesce.New(run)
		if err != nil {
			return err
		}
		run, stop = together, together.Close
	}
	s := &site{times: hdrhistogram.New(1, time.Minute.Microseconds(), 3)}
	handler, err := s.handler(run, algorithms.PerHour(j.Limit))
	if err != nil {
		return err
	}
	if err := s.listen(handler); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := errors.Join(stop(ctx), client.Close()); err != nil {
		return err
	}
	if err := goleak.Find(); err != nil {
		return fmt.Errorf("%w: %w", errLeft, err)
	}
	return nil
}

// handler returns a handler that limits all paths except /standing, which returns the standing.
func (s *site) handler(run scripts.Runner, limit algorithms.Limit) (http.Handler, error) {
	limiter, err := gcra.New(run, limit)
	if err != nil {
		return nil, err
	}
	limited, err := httplimit.New(limiter)
	if err != nil {
		return nil, err
	}
	handler := limited(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.decided(r)
		s.admitted.Add(1)
	}))
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		noted := &status{ResponseWriter: w}
		r = r.WithContext(context.WithValue(r.Context(), beganKey{}, time.Now()))
		handler.ServeHTTP(noted, r)
		switch noted.code {
		case 0, http.StatusOK:
		case http.StatusTooManyRequests:
			s.decided(r)
			s.denied.Add(1)
		default:
			s.decided(r)
			s.failed.Add(1)
		}
	})
	mux.HandleFunc("/standing", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(s.standing()) })
	return mux, nil
}

// beganKey is the key, in a request's context, of the time at which the request arrived.
type beganKey struct{}

// decided records how long the decision took.
func (s *site) decided(r *http.Request) {
	took := time.Since(r.Context().Value(beganKey{}).(time.Time))
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.times.RecordValue(min(took, time.Minute).Microseconds())
}

// status is a ResponseWriter that keeps the status code.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

func (s *site) standing() standing {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := func(percentile float64) time.Duration {
		return time.Duration(s.times.ValueAtPercentile(percentile)) * time.Microsecond
	}
	return standing{
		s.admitted.Load(), s.denied.Load(), s.failed.Load(), at(50), at(99), at(100), memory.HeapAlloc, runtime.NumGoroutine(),
	}
}

// listen prints the address of a free port and serves on it until standard input ends.
func (s *site) listen(handler http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	server := http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	stopped := make(chan error)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		stopped <- server.Shutdown(ctx)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
