package servers

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestShiftClock(t *testing.T) {
	for _, kind := range All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			s := StartShifted(t, kind)
			shifted(t, s, 0)
			begin := time.Now()
			// The key expires an hour after the server's current time.
			if _, err := call(t.Context(), s.Addr, "SET", "key", "", "PX", "3600000"); err != nil {
				t.Fatal(err)
			}
			for _, d := range []time.Duration{time.Hour / 2, -time.Hour, 0, 1500 * time.Millisecond, -time.Hour} {
				if err := s.ShiftClock(t.Context(), d); err != nil {
					t.Fatal(err)
				}
				shifted(t, s, d)
				ttl, err := ask(t.Context(), s.Addr, "PTTL", "key")
				if err != nil {
					t.Fatal(err)
				}
				left := time.Duration(ttl.(int64)) * time.Millisecond
				if off := left - (time.Hour - d); off > time.Second || off < -time.Since(begin)-time.Second {
					t.Errorf("with the clock shifted by %v, the key expires in %v", d, left)
				}
			}
			if err := s.ShiftClock(t.Context(), 2*time.Hour); err != nil {
				t.Fatal(err)
			}
			if n, err := ask(t.Context(), s.Addr, "EXISTS", "key"); n != int64(0) || err != nil {
				t.Errorf("EXISTS after the expiry: %v, %v", n, err)
			}
		})
	}
}

// TestStopClock: a stopped clock stands still, to a millisecond, and can be started again.
func TestStopClock(t *testing.T) {
	for _, kind := range All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			s := StartShifted(t, kind)
			start := time.Now()
			for _, at := range []time.Time{start, start.Add(time.Minute), start.Add(-time.Hour)} {
				if err := s.StopClock(t.Context(), at); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					if got, err := clock(t.Context(), s); err != nil || !got.Truncate(time.Millisecond).Equal(at.Truncate(time.Second)) {
						t.Errorf("the clock that was stopped at %v says %v, %v", at, got, err)
					}
				}
			}
			if err := s.ShiftClock(t.Context(), time.Minute); err != nil {
				t.Fatal(err)
			}
			shifted(t, s, time.Minute)
		})
	}
}

// shifted checks that the server's clock is ahead of the machine's by d, within a second.
func shifted(t *testing.T, s *Server, d time.Duration) {
	t.Helper()
	before := time.Now()
	server, err := clock(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	after := time.Now()
	if server.Before(before.Add(d-time.Second)) || server.After(after.Add(d+time.Second)) {
		t.Errorf("the clock shifted by %v says %v between %v and %v", d, server, before, after)
	}
}

func TestShiftClockOfAnyServer(t *testing.T) {
	err := Shared(t, All()[0]).ShiftClock(t.Context(), time.Hour)
	if err == nil || !strings.Contains(fmt.Sprint(err), "RunShifted") {
		t.Errorf("got %v", err)
	}
	err = Shared(t, All()[0]).StopClock(t.Context(), time.Now())
	if err == nil || !strings.Contains(fmt.Sprint(err), "RunShifted") {
		t.Errorf("got %v", err)
	}
}
