package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestPassesAll(t *testing.T) {
	p := start(t, newEcho(t, 1))
	var all sync.WaitGroup
	for i := range 20 {
		c := connect(t, p)
		all.Go(func() {
			line := strings.Repeat(fmt.Sprint(i), 200_000)
			for range 3 {
				if got, err := c.ask(line); got != line || err != nil {
					t.Errorf("%[2]d of %[1]d bytes came back, %[3]v", len(line), len(got), err)
				}
			}
		})
	}
	all.Wait()
}

func TestReset(t *testing.T) {
	p := start(t, newEcho(t, 1))
	idle, waiting := connect(t, p), connect(t, p)
	answers(t, idle)
	answers(t, waiting)
	ok(t, p.Delay(time.Hour, 0))
	if _, err := io.WriteString(waiting, "hello\n"); err != nil {
		t.Fatal(err)
	}
	ok(t, p.Reset())
	for _, c := range []client{idle, waiting} {
		if got, err := c.ReadString('\n'); got != "" || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read %q, %v, want ECONNRESET", got, err)
		}
	}
	ok(t, p.Heal())
	answers(t, connect(t, p))
}

func TestDownUp(t *testing.T) {
	p := start(t, newEcho(t, 1))
	ok(t, p.Up()) // does nothing, as the proxy is up
	for range 3 {
		c := connect(t, p)
		answers(t, c)
		ok(t, p.Down())
		ok(t, p.Down())
		if got, err := c.ask("hello"); got != "" || err == nil {
			t.Errorf("while down: %q, %v", got, err)
		}
		if c, err := dial(p); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("while down: connected to %v, %v, want it refused", c.Conn, err)
		}
		ok(t, p.Up())
		answers(t, connect(t, p))
	}
}

func TestServerGone(t *testing.T) {
	e := newEcho(t, 1)
	p := start(t, e)
	ok(t, e.Close())
	c, err := dial(p)
	if err != nil {
		return // the connection was reset before the write
	}
	defer c.Close()
	if got, err := c.ask("hello"); got != "" || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("without a server: %q, %v", got, err)
	}
}

func TestEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, err := Start(ctx, newEcho(t, 1).Addr().String())
	ok(t, err)
	c := connect(t, p)
	answers(t, c)
	cancel()
	if got, err := io.ReadAll(c); len(got) > 0 || err != nil {
		t.Errorf("after the end: read %q, %v, want the connection closed", got, err)
	}
	ok(t, p.Close()) // waits for the connection to end
	for name, method := range map[string]func() error{
		"Delay": func() error { return p.Delay(time.Second, 0) }, "LoseReplies": p.LoseReplies, "Up": p.Up,
		"CutReplies": func() error { return p.CutReplies(0) }, "Heal": p.Heal, "Reset": p.Reset, "Down": p.Down,
	} {
		if err := method(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s after Close: %v, want net.ErrClosed", name, err)
		}
	}
	eventually(t, "goroutines of the proxy have ended", func() bool { return running() == "" })
}

// TestEndsMidStream: connections can be closed in each way while the server sends data. start checks that no goroutines are
// left.
func TestEndsMidStream(t *testing.T) {
	e := newEcho(t, 1<<40)
	p := start(t, e)
	for _, end := range []func(c client) error{
		func(c client) error { return errors.Join(p.LoseReplies(), p.Heal()) },
		func(c client) error { return p.CutReplies(100_000) },
		func(c client) error { return p.Reset() },
		func(c client) error { return errors.Join(p.Down(), p.Up()) },
		func(c client) error { return c.Close() },
	} {
		for range 10 {
			c := connect(t, p)
			answers(t, c)
			ok(t, end(c))
			if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection is still open")
			}
			ok(t, p.Heal())
		}
	}
}

// TestTroubleUponTrouble: faults can change rapidly while connections open and close.
func TestTroubleUponTrouble(t *testing.T) {
	p := start(t, newEcho(t, 1))
	var all sync.WaitGroup
	var done atomic.Bool
	var dials atomic.Int64
	for range 6 {
		all.Go(func() {
			for !done.Load() {
				dials.Add(1)
				c, err := dial(p)
				if err != nil {
					t.Error(err)
					return
				}
				_ = c.SetDeadline(time.Now().Add(10 * time.Millisecond))
				for err == nil {
					_, err = c.ask("hello")
				}
				_ = c.Close()
			}
		})
	}
	for range 200 {
		for _, change := range []func() error{
			func() error { return p.CutReplies(40) },
			func() error { return p.Delay(3*time.Millisecond, 2*time.Millisecond) },
			p.LoseReplies,
			p.Heal,
		} {
			ok(t, change())
			before := dials.Load()
			eventually(t, "a client comes", func() bool { return dials.Load() > before })
		}
	}
	done.Store(true)
	all.Wait()
}

// TestAllAtOnce: with all faults at once and under traffic, no answer is wrong, and the proxy works afterwards.
func TestAllAtOnce(t *testing.T) {
	p := start(t, newEcho(t, 5))
	stop := make(chan struct{})
	var all sync.WaitGroup
	end := sync.OnceFunc(func() {
		close(stop)
		all.Wait()
	})
	defer end()
	var answered, failed, pause atomic.Int64
	pause.Store(int64(15 * time.Millisecond))
	repeat := func(pauses int64, f func() error) {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(pauses * pause.Load())):
					if err := f(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for i := range 16 {
		want := bytes.Repeat(fmt.Appendf(nil, "line of %d\n", i), 5)
		repeat(0, func() error {
			c, err := dial(p)
			if err != nil {
				failed.Add(1)
				return nil
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(time.Duration(7 * pause.Load()))) // as replies may be lost
			for range 20 {
				if _, err := c.Write(want[:len(want)/5]); err != nil {
					failed.Add(1)
					return nil
				}
				got := make([]byte, len(want))
				n, err := io.ReadFull(c, got)
				if !bytes.Equal(got[:n], want[:n]) {
					return fmt.Errorf("read %q, want %q", got[:n], want)
				}
				if err != nil {
					failed.Add(1)
					return nil
				}
				answered.Add(1)
			}
			return nil
		})
	}
	repeat(1, func() error { return p.Delay(3*time.Millisecond, 2*time.Millisecond) })
	repeat(1, p.LoseReplies)
	repeat(1, func() error { return p.CutReplies(40) })
	repeat(1, func() error {
		if answered.Load() < failed.Load() { // the machine is too slow for an answer between two faults
			pause.Store(min(pause.Load()+int64(time.Millisecond), int64(time.Second)))
		}
		return p.Heal()
	})
	repeat(1, p.Reset)
	repeat(1, func() error { return errors.Join(p.Down(), p.Up()) })
	enough := func() bool { return answered.Load() > 200 && failed.Load() > 200 }
	eventually(t, "many were answered, and many were not", enough)
	end()
	ok(t, errors.Join(p.Heal(), p.Up()))
	for range 10 {
		if got, err := connect(t, p).ask("hello"); got != "hello" || err != nil {
			t.Errorf("after the faults: %q, %v", got, err)
		}
	}
}
