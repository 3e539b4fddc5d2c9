package runnertest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-weir/weir/scripts"
)

// A Hooked makes a runner over a client that calls hook before it sends EVALSHA, in the goroutine that the client was called
// in.
type Hooked func(t *testing.T, w *Wire, hook func(ctx context.Context)) scripts.Runner

// Contexts tests that a call ends with its context, even if the client doesn't end it: connect's client ignores a
// context while hook is running. hanging is the error when too many calls hang.
func Contexts(t *testing.T, connect Hooked, hanging error) {
	t.Run("deadline", func(t *testing.T) { endsWithContext(t, connect, context.DeadlineExceeded) })
	t.Run("cancel", func(t *testing.T) { endsWithContext(t, connect, context.Canceled) })
	t.Run("before EVAL", func(t *testing.T) { endsBeforeEval(t, connect) })
	t.Run("slices are the caller's again", func(t *testing.T) { slicesAreTheCallers(t, connect) })
	t.Run("too many hang", func(t *testing.T) { tooManyHang(t, connect, hanging) })
	t.Run("panic", func(t *testing.T) { panics(t, connect) })
	t.Run("panic of an abandoned call", func(t *testing.T) { panicsLater(t, connect) })
	t.Run("Goexit", func(t *testing.T) { exits(t, connect) })
}

var errCause = errors.New("the browser has gone")

// faked is a context whose Err is the test's own: err as soon as ended reports true.
type faked struct {
	context.Context
	err   error
	ended func() bool
}

func (f faked) Err() error {
	if f.ended() {
		return f.err
	}
	return nil
}

func endsWithContext(t *testing.T, connect Hooked, want error) {
	w, inside, release := New(t), make(chan bool), make(chan bool)
	run := connect(t, w, func(context.Context) { inside <- true; <-release })
	ctx, end := context.WithCancelCause(context.Background())
	failed := make(chan error)
	go func() {
		_, err := run.Run(faked{ctx, want, func() bool { return ctx.Err() != nil }}, Count, []string{"key"}, nil)
		failed <- err
	}()
	<-inside
	end(errCause)
	err := <-failed // while the client is still in the hook
	if !errors.Is(err, want) || !errors.Is(err, errCause) || !strings.Contains(err.Error(), ": count: ") ||
		!strings.Contains(err.Error(), "may run or have run") {
		t.Errorf("Run = %v, want %v and its cause, and that the outcome is unknown", err, want)
	}
	close(release)
}

// endsBeforeEval tests that no EVAL is sent if the context ends before the answer NOSCRIPT comes. The context's Err tells so, but
// its Done channel stays open, so that Run returns only after the call in the client has.
func endsBeforeEval(t *testing.T, connect Hooked) {
	w := New(t)
	var ended atomic.Bool
	run := connect(t, w, func(context.Context) { ended.Store(true) })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := run.Run(faked{ctx, context.Canceled, ended.Load}, Count, []string{"key"}, nil)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "has not run") {
		t.Errorf("Run = %v, want context.Canceled, and that the script has not run", err)
	}
	if sent := w.ScriptCommands(); !slices.Equal(sent, []string{"evalsha"}) {
		t.Errorf("sent %v, want evalsha alone", sent)
	}
}

// slicesAreTheCallers writes to keys and args after Run has returned. The race detector reports it if the call in the client reads
// them: nothing orders the call before the return, as the context has ended when Run calls the client.
func slicesAreTheCallers(t *testing.T, connect Hooked) {
	w, release, sent := New(t), make(chan bool), make(chan []string, 1)
	w.Decide(func(cmd []string) Fate {
		if cmd[0] == "evalsha" {
			sent <- cmd[3:]
		}
		return Fate{}
	})
	run := connect(t, w, func(context.Context) { <-release })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var asked atomic.Bool
	keys, args := []string{"key"}, []string{"7"}
	_, err := run.Run(faked{ctx, context.Canceled, func() bool { return asked.Swap(true) }}, Count, keys, args)
	close(release)
	keys[0], args[0] = "another", "another"
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
	if got, want := <-sent, []string{"key", "7"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func tooManyHang(t *testing.T, connect Hooked, hanging error) {
	const most = 1024
	w, inside, release, left := New(t), make(chan bool), make(chan bool), make(chan error)
	run := connect(t, w, func(context.Context) { inside <- true; <-release })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for range most {
		go func() {
			_, err := run.Run(ctx, Count, []string{"key"}, nil)
			left <- err
		}()
		<-inside
	}
	cancel()
	for range most {
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want context.Canceled", err)
		}
	}
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	if _, err := run.Run(ctx, Count, []string{"key"}, nil); !errors.Is(err, hanging) {
		t.Errorf("Run while %d calls hang = %v, want %v", most, err, hanging)
	}
	close(release)
	go func() {
		for range inside { // lets the hooks of later calls continue
		}
	}()
	defer close(inside)
	for {
		_, err := run.Run(ctx, Count, []string{"key"}, nil)
		if err == nil {
			return
		}
		if !errors.Is(err, hanging) {
			t.Fatalf("Run after the calls have returned = %v", err)
		}
		runtime.Gosched()
	}
}

func panics(t *testing.T, connect Hooked) {
	run := connect(t, New(t), func(context.Context) { panic(errCause) })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for name, ctx := range map[string]context.Context{"may end": ctx, "never ends": context.Background()} {
		func() {
			defer func() {
				if got := recover(); got != any(errCause) {
					t.Errorf("context that %s: recovered %v, want the hook's panic", name, got)
				}
			}()
			_, err := run.Run(ctx, Count, []string{"key"}, nil)
			t.Errorf("context that %s: Run = %v, want the hook's panic", name, err)
		}()
	}
}

// panicsLater makes a hook panic after the caller has left. The process and the runner must go on.
func panicsLater(t *testing.T, connect Hooked) {
	inside, release := make(chan bool), make(chan bool)
	run := connect(t, New(t), func(context.Context) {
		inside <- true
		if <-release {
			panic(fmt.Sprintf("a panic that %s has made", t.Name()))
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error)
	go func() {
		_, err := run.Run(ctx, Count, []string{"key"}, nil)
		failed <- err
	}()
	<-inside
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
	release <- true
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, err := run.Run(ctx, Count, []string{"key"}, nil)
		failed <- err
	}()
	<-inside
	close(release)
	if err := <-failed; err != nil {
		t.Errorf("the next Run = %v", err)
	}
}

// exits makes a hook end its goroutine, as t.FailNow does. Run must end its caller's goroutine.
func exits(t *testing.T, connect Hooked) {
	run := connect(t, New(t), func(context.Context) { runtime.Goexit() })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan string)
	go func() {
		how := "Goexit"
		defer func() { ended <- how }()
		_, err := run.Run(ctx, Count, []string{"key"}, nil)
		how = fmt.Sprintf("an error: %v", err)
	}()
	if how := <-ended; how != "Goexit" {
		t.Errorf("Run ended with %s, want runtime.Goexit", how)
	}
}
