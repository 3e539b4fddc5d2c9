package conformance_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/scripts"
)

// TestAnswers makes real servers answer in every unusual way, or not at all. The caller soon gets a clear error and no Result. A call
// is charged at most once. When the cause has gone, the counts continue.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			own := newOwnServer(t, kind)
			for _, answers := range []struct {
				name string
				test func(*testing.T, ownServer)
			}{
				{"refused", testRefusals},
				{"log without memory", testLogWithoutMemory},
				{"several limits without memory", testAllOfWithoutMemory},
				{"evicted", testEviction},
				{"scripts forgotten", testScriptsForgotten},
				{"rights", testRights},
				{"not let in", testNotLetIn},
				{"busy", testBusyServer},
				{"silent", testSilence},
				{"lost", testLostReplies},
				{"no connection free", testPool},
			} {
				t.Run(answers.name, func(t *testing.T) { answers.test(t, own) })
			}
		})
	}
}

// An ownServer is a server that a test may change. Its connection has a user with all rights, who is not the user of the
// limiters.
type ownServer struct {
	*resptest.Conn
	*servers.Server
	addr string
}

func newOwnServer(t *testing.T, kind servers.Kind, options ...string) ownServer {
	t.Helper()
	srv := servers.Start(t, kind, append(options, kind.Unprotected()...)...)
	own := ownServer{resptest.Dial(t, srv.Addr), srv, srv.Addr}
	own.do(t, "ACL", "SETUSER", "admin", "on", ">admin", "~*", "+@all")
	own.do(t, "AUTH", "admin", "admin")
	return own
}

// do sends a command that must succeed.
func (own ownServer) do(t *testing.T, command ...string) any {
	t.Helper()
	reply, err := own.Do(command...)
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	return reply
}

// inBackground sends a command over another connection, and sends its error to ended.
func (own ownServer) inBackground(t *testing.T, command ...string) (ended <-chan error) {
	t.Helper()
	conn, result := resptest.Dial(t, own.addr), make(chan error, 1)
	go func() {
		_, err := conn.Do(command...)
		result <- err
	}()
	return result
}

// refuses reports whether the server answers PING with an error that begins with code.
func (own ownServer) refuses(code string) bool {
	_, err := own.Do("PING")
	return err != nil && strings.HasPrefix(err.Error(), code)
}

// stored is contents, but the test fails if there are none.
func (own ownServer) stored(t *testing.T, prefix string) map[string]string {
	t.Helper()
	stored := own.contents(t, prefix)
	if len(stored) == 0 {
		t.Fatalf("nothing is stored under %s", prefix)
	}
	return stored
}

// contents returns the values of all keys with a prefix, and checks that each key has a TTL. (DUMP would also show the
// encoding of a value, which a restart changes.)
func (own ownServer) contents(t *testing.T, prefix string) map[string]string {
	t.Helper()
	contents := map[string]string{}
	for _, key := range own.do(t, "KEYS", prefix+"*").([]any) {
		key := key.(string)
		look := []string{"GET", key}
		if own.do(t, "TYPE", key) == "list" {
			look = []string{"LRANGE", key, "0", "-1"}
		}
		contents[key] = fmt.Sprintf("%q", own.do(t, look...))
		if ttl := own.do(t, "PTTL", key).(int64); ttl < 0 {
			t.Errorf("%s has no TTL", key)
		}
	}
	return contents
}

// info returns a field of INFO.
func (own ownServer) info(t *testing.T, section, field string) string {
	t.Helper()
	for line := range strings.Lines(fmt.Sprint(own.do(t, "INFO", section))) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); name == field {
			return value
		}
	}
	t.Fatalf("INFO %s has no %s", section, field)
	return ""
}

// An asker asks a limiter, or a queue, for one event at a time. allow and peek return how many events are left afterwards,
// or denied. A queue has no peek.
type asker struct {
	name        string
	allow, peek func(ctx context.Context, key string) (left int64, err error)
	fill        func(t *testing.T) // leaves nothing on the key "full"
}

// answerLimit is the limit of the askers. Nothing becomes available again during a test.
var answerLimit = algorithms.PerDay(100)

// denied is what an asker returns for a request that is not admitted.
const denied = -1 << 30

// askers returns an asker for each algorithm, for a queue, and for several limiters that decide as one. fixedwindow-aligned
// is left out, because a day may end during a test.
func askers(t *testing.T, run scripts.Runner, prefix string) (askers []asker) {
	t.Helper()
	for _, a := range all {
		if a.name == "fixedwindow-aligned" {
			continue
		}
		l, err := a.Over(run)(answerLimit, algorithms.WithPrefix(prefix))
		if err != nil {
			t.Fatal(err)
		}
		askers = append(askers, askerOf(t, a.name, l))
	}
	queue, err := leakybucket.NewQueue(run, answerLimit, algorithms.WithPrefix(prefix))
	if err != nil {
		t.Fatal(err)
	}
	askers = append(askers, askerOfQueue(t, queue))
	var several []limitertest.Factory
	for _, a := range all {
		if a.name != "fixedwindow-aligned" {
			several = append(several, a.Over(run))
		}
	}
	l, err := allOf(several...)(answerLimit, algorithms.WithPrefix(prefix), algorithms.WithName("allof"))
	if err != nil {
		t.Fatal(err)
	}
	return append(askers, askerOf(t, allOfName, l))
}

// allOfName is the name of the asker of several limiters that decide as one.
const allOfName = "allof"

func askerOf(t *testing.T, name string, l algorithms.Limiter) asker {
	left := func(r algorithms.Result, err error) (int64, error) {
		switch {
		case err != nil && r != (algorithms.Result{}):
			t.Errorf("%s: a Result of %+v with the error %v", name, r, err)
		case err == nil && !r.Allowed:
			return denied, nil
		}
		return r.Remaining, err
	}
	return asker{
		name:  name,
		allow: func(ctx context.Context, key string) (int64, error) { return left(l.Allow(ctx, key)) },
		peek:  func(ctx context.Context, key string) (int64, error) { return left(l.Peek(ctx, key)) },
		fill:  func(t *testing.T) { t.Helper(); ask(t, l, "full", answerLimit.Rate) },
	}
}

func askerOfQueue(t *testing.T, queue *leakybucket.Queue) asker {
	schedule := func(ctx context.Context, key string) (int64, error) {
		slot, err := queue.Schedule(ctx, key)
		switch {
		case err != nil && slot != (leakybucket.Slot{}):
			t.Errorf("queue: a Slot of %+v with the error %v", slot, err)
		case err == nil && !slot.Accepted:
			return denied, nil
		}
		return -slot.Queued, err
	}
	return asker{
		name:  "queue",
		allow: schedule,
		fill: func(t *testing.T) {
			t.Helper()
			for left := int64(0); left != denied; {
				var err error
				if left, err = schedule(soon(t), "full"); err != nil {
					t.Fatal(err)
				}
			}
		},
	}
}

// ask makes a request that must be admitted.
func (a asker) ask(t *testing.T) (left int64) {
	t.Helper()
	left, err := a.allow(soon(t), "k")
	if err != nil || left == denied {
		t.Fatalf("%s: %d left, %v, want it admitted", a.name, left, err)
	}
	return left
}

// hung is the time after which a call is considered to hang. It is long enough for any machine.
const hung = 2 * time.Minute

// soon returns a context for calls that must not hang.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	t.Cleanup(cancel)
	return ctx
}

// until waits until is returns true. The test fails if that takes too long.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	late := time.After(hung)
	for !is() {
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			t.Fatalf("not so after %v: %s", hung, what)
		}
	}
}
