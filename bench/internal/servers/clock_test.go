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
			if off := clockOff(t, s); off.Abs() > time.Second {
				t.Errorf("not yet shifted, it is off by %v", off)
			}
			// An hour to live, from whatever the server takes for now.
			if _, err := call(t.Context(), s.Addr, "SET", "key", "", "PX", "3600000"); err != nil {
				t.Fatal(err)
			}
			for _, d := range []time.Duration{time.Hour / 2, -time.Hour, 0, 1500 * time.Millisecond, -time.Hour} {
				if err := s.ShiftClock(t.Context(), d); err != nil {
					t.Fatal(err)
				}
				if off := clockOff(t, s) - d; off.Abs() > time.Second {
					t.Errorf("shifted by %v, it is off by %v", d, off)
				}
				ttl, err := ask(t.Context(), s.Addr, "PTTL", "key")
				if err != nil {
					t.Fatal(err)
				}
				left := time.Duration(ttl.(int64)) * time.Millisecond
				if off := left - (time.Hour - d); off > time.Second || off < -30*time.Second {
					t.Errorf("shifted by %v, the key has %v left", d, left)
				}
			}
			if err := s.ShiftClock(t.Context(), 2*time.Hour); err != nil {
				t.Fatal(err)
			}
			if n, err := ask(t.Context(), s.Addr, "EXISTS", "key"); n != int64(0) || err != nil {
				t.Errorf("EXISTS after the end of its time: %v, %v", n, err)
			}
		})
	}
}

func clockOff(t *testing.T, s *Server) time.Duration {
	t.Helper()
	machine := time.Now()
	server, err := clock(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return server.Sub(machine)
}

func TestShiftClockOfAnyServer(t *testing.T) {
	err := Shared(t, All()[0]).ShiftClock(t.Context(), time.Hour)
	if err == nil || !strings.Contains(fmt.Sprint(err), "RunShifted") {
		t.Errorf("got %v", err)
	}
}
