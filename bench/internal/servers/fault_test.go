package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-weir/weir/internal/resptest"
)

// TestKillAndRevive: a revived server has the same address. It has its old data if it was started with persistence.
func TestKillAndRevive(t *testing.T) {
	for _, kind := range All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			g, err := launch(t.Context(), kind, order{},
				order{options: []string{"--appendonly", "yes", "--appendfsync", "always"}})
			if err != nil {
				t.Fatal(err)
			}
			g.servers[0].endWith(t, g.stop)
			for i, s := range g.servers {
				set(t, s, "key", "kept")
				if err := s.Kill(t.Context()); err != nil {
					t.Fatal(err)
				}
				if _, err := call(t.Context(), s.Addr, "PING"); err == nil {
					t.Errorf("%s answers, although it was killed", s)
				}
				if err := s.Kill(t.Context()); err != nil {
					t.Errorf("killed again: %v", err)
				}
				if err := s.Pause(t.Context()); err == nil {
					t.Errorf("a killed server was paused")
				}
				if err := s.Revive(t.Context()); err != nil {
					t.Fatal(err)
				}
				want := any(nil)
				if i == 1 {
					want = "kept"
				}
				if got, err := ask(t.Context(), s.Addr, "GET", "key"); got != want || err != nil {
					t.Errorf("server %d has %v, %v, want %v", i, got, err, want)
				}
				if err := s.Revive(t.Context()); err != nil {
					t.Errorf("revived again: %v", err)
				}
			}
		})
	}
}

// pair starts two servers of a kind, which end with the test.
func pair(t *testing.T, kind Kind) *group {
	t.Helper()
	g, err := launch(t.Context(), kind, order{}, order{})
	if err != nil {
		t.Fatal(err)
	}
	g.servers[0].endWith(t, g.stop)
	return g
}

// TestPauseAndResume: a paused server doesn't answer, and can be killed. A killed or paused server can be closed.
func TestPauseAndResume(t *testing.T) {
	for _, kind := range All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			g := pair(t, kind)
			s := g.servers[1]
			if err := errors.Join(s.Pause(t.Context()), s.Pause(t.Context())); err != nil {
				t.Fatal(err)
			}
			silent(t, s)
			if err := s.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := call(t.Context(), s.Addr, "PING"); err != nil {
				t.Errorf("resumed: %v", err)
			}
			if err := errors.Join(s.Pause(t.Context()), s.Kill(t.Context()), s.Revive(t.Context())); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.Pause(t.Context()), g.servers[0].Kill(t.Context())); err != nil {
				t.Fatal(err)
			}
			silent(t, s)
		})
	}
}

// TestShutdown: a server that ends by itself isn't started again.
func TestShutdown(t *testing.T) {
	for _, kind := range All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			g := pair(t, kind)
			s := g.servers[0]
			_, _ = call(t.Context(), s.Addr, "SHUTDOWN", "NOSAVE") // the server closes the connection instead of a reply
			eventually(t, func(ctx context.Context) error {
				if s.Revive(ctx) == nil {
					return errors.New("the server still runs")
				}
				return nil
			})
			if _, err := call(t.Context(), s.Addr, "PING"); err == nil {
				t.Errorf("%s answers after SHUTDOWN", s)
			}
			if _, err := call(t.Context(), g.servers[1].Addr, "PING"); err != nil {
				t.Errorf("the other server: %v", err)
			}
		})
	}
}

// silent checks that a server doesn't answer, but doesn't refuse the connection either.
func silent(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if reply, err := call(ctx, s.Addr, "PING"); !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s answers %q, %v, although it is paused", s, reply, err)
	}
}

func set(t *testing.T, s *Server, key, value string) {
	t.Helper()
	if _, err := call(t.Context(), s.Addr, "SET", key, value); err != nil {
		t.Fatal(err)
	}
}

// setReplicated sets a key and waits until the master's replicas have it too, so that it survives the master.
func setReplicated(t *testing.T, master *Server, key, value string, replicas int64) {
	t.Helper()
	conn := resptest.Dial(t, master.Addr) // WAIT waits for the writes of its own connection only
	if _, err := conn.Do("SET", key, value); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Do("WAIT", fmt.Sprint(replicas), "120000"); n != replicas || err != nil {
		t.Fatalf("%v of %d replicas have it, %v", n, replicas, err)
	}
}

// eventually polls until a condition holds. If it doesn't hold within a generous time, the test fails with the last error.
func eventually(t *testing.T, holds func(context.Context) error) {
	t.Helper()
	const patience = 2 * time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := poll(ctx, holds); err != nil {
		t.Fatal(fmt.Errorf("after %v: %w", patience, err))
	}
}
