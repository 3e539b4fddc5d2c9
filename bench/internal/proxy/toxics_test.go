package proxy

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

func TestDelay(t *testing.T) {
	p := start(t, newEcho(t, 1))
	c := connect(t, p)
	for _, latency := range []time.Duration{40 * time.Millisecond, 80 * time.Millisecond} {
		ok(t, p.Delay(latency, 0))
		begin := time.Now()
		answers(t, c)
		if took := time.Since(begin); took < latency {
			t.Errorf("with a delay of %v an answer took %v", latency, took)
		}
	}
	ok(t, p.Delay(time.Hour, time.Minute))
	if _, err := io.WriteString(c, "hello\n"); err != nil {
		t.Fatal(err)
	}
	ok(t, p.Delay(0, 0)) // delivers the delayed reply at once
	if got, err := c.ReadString('\n'); got != "hello\n" || err != nil {
		t.Errorf("after the delay %q, %v", got, err)
	}
	answers(t, c)
	if err := p.Delay(-1, 0); err == nil {
		t.Error("a negative delay is accepted")
	}
}

func TestLoseReplies(t *testing.T) {
	e := newEcho(t, 1)
	p := start(t, e)
	before := connect(t, p)
	answers(t, before)
	ok(t, p.LoseReplies())
	during := connect(t, p)
	for i, c := range []client{before, during} {
		if _, err := io.WriteString(c, "lost\n"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the server has got it", func() bool { return e.lines.Load() == int64(i+2) })
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if got, err := c.ReadString('\n'); got != "" || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read %q, %v, want silence", got, err)
		}
		_ = c.SetReadDeadline(time.Now().Add(hung))
	}
	ok(t, p.Heal())
	for _, c := range []client{before, during} {
		if got, err := c.ReadString('\n'); got != "" || !errors.Is(err, io.EOF) {
			t.Errorf("healed: read %q, %v, want the connection closed", got, err)
		}
	}
	answers(t, connect(t, p))
}

func TestCutReplies(t *testing.T) {
	for _, times := range []int{1, 50} { // with 50, more data follows after the cut
		e := newEcho(t, times)
		p := start(t, e)
		for _, bytes := range []int64{0, 3, 6} {
			before := connect(t, p)
			if times == 1 {
				answers(t, before) // bytes before CutReplies don't count
			}
			sent := e.lines.Load()
			ok(t, p.CutReplies(1000))
			ok(t, p.CutReplies(bytes))
			for i, c := range []client{before, connect(t, p)} {
				if _, err := io.WriteString(c, "hello\n"); err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(c); string(got) != "hello\n"[:bytes] || err != nil {
					t.Errorf("cut after %d bytes: read %q, %v", bytes, got, err)
				}
				if n := e.lines.Load() - sent; n != int64(i+1) {
					t.Errorf("the server got %d lines, want %d", n, i+1)
				}
			}
			ok(t, p.Heal())
			answers(t, connect(t, p))
		}
	}
}

// TestHealBeforeCut: a connection that CutReplies hasn't closed by the time of Heal stays open.
func TestHealBeforeCut(t *testing.T) {
	p := start(t, newEcho(t, 1))
	c := connect(t, p)
	ok(t, p.CutReplies(10))
	answers(t, c)
	ok(t, p.Heal())
	answers(t, c)
}
