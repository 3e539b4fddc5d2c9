package httplimit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

// TestHalfClosed: a client may close its side of the connection after the request and wait for the answer. It gets the same
// answer as other clients, although net/http cancels the request's context.
func TestHalfClosed(t *testing.T) {
	for name, opt := range map[string]httplimit.Option{"with a timeout": httplimit.Timeout(time.Hour), "without": httplimit.Timeout(0)} {
		for kind, limiter := range map[string]algorithms.Limiter{
			"in this process": must(gcra.NewLocal(algorithms.PerHour(1))),
			"on a server":     obedient{must(gcra.NewLocal(algorithms.PerHour(1)))},
		} {
			h := limitOf(limiter, opt, httplimit.OnFailure(httplimit.Refuse))(served)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-r.Context().Done() // when the client has closed its side
				h.ServeHTTP(w, r)
			}))
			for _, want := range []string{"HTTP/1.1 200 OK\r\n", "HTTP/1.1 429 Too Many Requests\r\n"} {
				conn := must(net.Dial("tcp", server.Listener.Addr().String())).(*net.TCPConn)
				fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				if err := conn.CloseWrite(); err != nil {
					t.Fatal(err)
				}
				answer, err := io.ReadAll(conn)
				if err != nil || !strings.HasPrefix(string(answer), want) {
					t.Errorf("%s, %s: answer %q, %v, want %q", kind, name, answer, err, want)
				}
				conn.Close()
			}
			server.Close()
		}
	}
}

// obedient is a limiter that obeys its context, as those over a server do.
type obedient struct{ limiter algorithms.Limiter }

func (o obedient) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	if err := ctx.Err(); err != nil {
		return algorithms.Result{}, err
	}
	return o.limiter.AllowN(ctx, key, n)
}

func (o obedient) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	return o.AllowN(ctx, key, 1)
}

func (o obedient) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return o.limiter.Peek(ctx, key)
}

func (o obedient) PeekN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	return o.limiter.PeekN(ctx, key, n)
}

func (o obedient) Reset(ctx context.Context, key string) error { return o.limiter.Reset(ctx, key) }

// hanging answers when its context ends.
func hanging(ctx context.Context, _ int64) (algorithms.Result, error) {
	<-ctx.Done()
	return algorithms.Result{}, ctx.Err()
}

// withLocal is a limiter with a method Local.
type withLocal struct {
	nowhere
	local *algorithms.Local
}

func (w withLocal) Local() (algorithms.Limiter, error) { return w.local, nil }

// TestOwnDeadline: if a request's own deadline passes before the limiter answers, the policy decides, and
// the limiter doesn't count as away.
func TestOwnDeadline(t *testing.T) {
	once := func() *algorithms.Local { return must(gcra.NewLocal(algorithms.PerHour(1))) }
	passed, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Hour))
	defer cancel()
	for _, c := range []struct {
		policy httplimit.Policy
		codes  string
	}{
		{httplimit.Local, "[200 429 429 429 429 429 429]"},
		{httplimit.FallBack(once()), "[200 429 429 429 429 429 429]"},
		{httplimit.LetPass, "[200 200 200 200 200 200 200]"},
		{httplimit.Refuse, "[503 503 503 503 503 503 503]"},
	} {
		for _, timeout := range []time.Duration{time.Hour, 0} {
			var told []error
			h := limitOf(withLocal{nowhere{hanging}, once()}, httplimit.Timeout(timeout), httplimit.OnFailure(c.policy), ofOneKey,
				httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { told = append(told, f.Err) }))(served)
			if c.policy.String() == "fall back" {
				h = limitOf(nowhere{hanging}, httplimit.Timeout(timeout), httplimit.OnFailure(httplimit.FallBack(once())), ofOneKey,
					httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { told = append(told, f.Err) }))(served)
			}
			var codes []int
			for i := range 7 {
				ctx, cancel := passed, context.CancelFunc(func() {})
				if i%2 == 1 {
					ctx, cancel = context.WithTimeout(context.Background(), time.Millisecond)
				}
				w := serve(h, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx))
				cancel()
				codes = append(codes, w.Code)
				if w.Code == 503 {
					wantFields(t, w, map[string]string{"Retry-After": "1"})
				}
			}
			if fmt.Sprint(codes) != c.codes || len(told) != 7 {
				t.Errorf("%v, timeout %v: statuses %v, the hook was called %d times, want %s", c.policy, timeout, codes, len(told), c.codes)
			}
			for _, err := range told {
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, httplimit.ErrAway) {
					t.Errorf("%v: the hook got %v", c.policy, err)
				}
			}
		}
	}
}

// A lagging context has a deadline that passes by the clock before its timer fires.
type lagging struct {
	context.Context
	at time.Time
}

func (l *lagging) Deadline() (time.Time, bool) { return l.at, true }

// TestDeadlineBeforeTimer: if a request's deadline has passed, but the timer of its context hasn't fired yet, the Outcome of
// a Decider is Gone, whatever the policy and the limiter's error.
func TestDeadlineBeforeTimer(t *testing.T) {
	for _, policy := range []httplimit.Policy{httplimit.LetPass, httplimit.Refuse, httplimit.FallBack(nowhere{yes}), httplimit.Local} {
		for _, err := range []error{os.ErrDeadlineExceeded, context.DeadlineExceeded, errDown, fmt.Errorf("a: %w", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded})} {
			for _, timeout := range []time.Duration{0, time.Hour} {
				var told told
				ctx := &lagging{context.Background(), time.Now().Add(time.Hour)}
				limiter := withLocal{nowhere{func(context.Context, int64) (algorithms.Result, error) {
					ctx.at = time.Now().Add(-1)
					return algorithms.Result{}, err
				}}, must(gcra.NewLocal(algorithms.PerHour(1)))}
				d := decider(t, limiter, httplimit.OnFailure(policy), httplimit.Timeout(timeout), told.hook())
				for range 7 {
					ctx.at = time.Now().Add(time.Hour)
					if outcome := decide(ctx, d).Outcome; outcome != httplimit.Gone || len(told) > 0 {
						t.Errorf("%v, %v, timeout %v: outcome %v, the hook got %v", policy, err, timeout, outcome, told)
					}
				}
			}
		}
	}
	// A client library sets the socket's deadline to that of the context, but rounds it. So it may pass a little earlier,
	// and only the error shows that.
	var told told
	d := decider(t, nowhere{func(context.Context, int64) (algorithms.Result, error) {
		return algorithms.Result{}, os.ErrDeadlineExceeded
	}}, httplimit.Timeout(time.Hour), told.hook())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if outcome := decide(ctx, d).Outcome; outcome != httplimit.Gone || len(told) > 0 {
		t.Errorf("outcome %v, the hook got %v", outcome, told)
	}
	// The Outcome is also Gone while the server is away.
	away := decider(t, nowhere{failing}, quiet)
	for range 6 {
		decide(context.Background(), away)
	}
	if outcome := decide(&lagging{context.Background(), time.Now().Add(-1)}, away).Outcome; outcome != httplimit.Gone {
		t.Errorf("outcome %v, want it gone", outcome)
	}
}

// TestCause: the error of a timeout wraps the cause if the limiter returns it when its context ends, or has returned it too
// late for an earlier call.
func TestCause(t *testing.T) {
	var told told
	obeys := func(ctx context.Context, _ int64) (algorithms.Result, error) {
		<-ctx.Done()
		return algorithms.Result{}, fmt.Errorf("%w: %w", ctx.Err(), errDown)
	}
	decide(context.Background(), decider(t, nowhere{obeys}, httplimit.Timeout(time.Millisecond), told.hook()))
	if len(told) != 1 || !errors.Is(told[0], context.DeadlineExceeded) || !strings.HasPrefix(told[0].Error(), "weir: no answer within 1ms") {
		t.Errorf("the hook got %v", told)
	}

	let, returned := make(chan struct{}), make(chan struct{})
	late := func(context.Context, int64) (algorithms.Result, error) {
		<-let
		defer close(returned)
		return algorithms.Result{}, errDown
	}
	told = nil
	var limiter nowhere
	limiter.answer = func(ctx context.Context, n int64) (algorithms.Result, error) { return late(ctx, n) }
	d := decider(t, &limiter, httplimit.Timeout(time.Millisecond), told.hook())
	decide(context.Background(), d)
	close(let)
	<-returned
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	late = func(_ context.Context, n int64) (algorithms.Result, error) {
		<-end
		return algorithms.Result{Remaining: n}, errBroken
	}
	until(func() bool { // the goroutine of the first call may not have recorded its error yet
		told = nil
		decide(context.Background(), d)
		return errors.Is(told[0], errDown)
	})
	if !errors.Is(told[0], context.DeadlineExceeded) && !errors.Is(told[0], httplimit.ErrAway) {
		t.Errorf("the hook got %v", told)
	}
}

// TestCauseOfProbe: if a client library retries for longer than requests wait, the cause is known from the calls that probe
// the limiter while it is away. All other calls end with their context, before the client library returns the cause.
func TestCauseOfProbe(t *testing.T) {
	let := make(chan struct{})
	var asked atomic.Int64
	var began time.Time
	tries := func(ctx context.Context, n int64) (algorithms.Result, error) {
		if asked.Add(1) != 6 {
			return hanging(ctx, n)
		}
		<-let // even if the context ends before
		at, ok := ctx.Deadline()
		if err := ctx.Err(); !ok || at.Before(began.Add(10*time.Second)) || err != nil && time.Now().Before(at) {
			t.Errorf("the probe's context has the deadline %v, %v and the error %v, want it to last for 10 s from %v", at, ok, err, began)
		}
		return algorithms.Result{}, errDown
	}
	clock := limitertest.NewClock(start)
	var told told
	d := decider(t, nowhere{tries}, httplimit.Timeout(time.Millisecond), httplimit.WithClock(clock.Now), told.hook())
	for range 5 {
		decide(context.Background(), d)
	}
	until(func() bool { return asked.Load() == 5 }) // calls that were given up may begin late
	clock.Advance(time.Second)
	began = time.Now()
	decide(context.Background(), d) // the probe: its request times out before the call returns the cause
	close(let)
	until(func() bool {
		clock.Advance(time.Minute)
		told = nil
		decide(context.Background(), d)
		return errors.Is(told[0], errDown)
	})
	if !errors.Is(told[0], context.DeadlineExceeded) {
		t.Errorf("the hook got %v", told)
	}
}

// TestLatePanic: a panic of a limiter whose call was given up is reported or logged, even right after another failure.
func TestLatePanic(t *testing.T) {
	let, told, logged := make(chan struct{}), make(chan httplimit.Failure, 2), make(lines, 2)
	panics := func(context.Context, int64) (algorithms.Result, error) {
		<-let
		panic(errBroken)
	}
	decide(context.Background(), decider(t, nowhere{panics}, httplimit.Timeout(time.Millisecond), httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { told <- f })))
	decide(context.Background(), decider(t, nowhere{panics}, httplimit.Timeout(time.Millisecond), httplimit.Logger(slog.New(slog.NewTextHandler(logged, nil)))))
	if f := <-told; !errors.Is(f.Err, context.DeadlineExceeded) {
		t.Errorf("the hook got %v", f)
	}
	if line := <-logged; !strings.Contains(line, "rate limiter fails") {
		t.Errorf("logged %q", line)
	}
	close(let)
	if f := <-told; !errors.Is(f.Err, errBroken) || !strings.Contains(f.Err.Error(), "TestLatePanic") {
		t.Errorf("the hook got %v, want the panic and its stack", f)
	}
	if line := <-logged; !strings.Contains(line, "rate limiter panicked") || !strings.Contains(line, "TestLatePanic") {
		t.Errorf("logged %q, want the panic and its stack", line)
	}
}

// lines collects the lines of a log.
type lines chan string

func (l lines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}
