package servers

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"
)

// RunShifted starts a server whose clock [Server.ShiftClock] can set. Until then the clock is the machine's.
func RunShifted(ctx context.Context, k Kind, args ...string) (*Server, error) {
	library, err := loadFaketime(k.faketimeSuite())
	if err != nil {
		return nil, err
	}
	g, err := launch(ctx, k, order{options: args, faketime: library})
	if err != nil {
		return nil, err
	}
	return g.servers[0], nil
}

// StartShifted is like RunShifted, but for one test: it stops the server when the test ends, and an error fails the test.
func StartShifted(tb testing.TB, k Kind, args ...string) *Server {
	tb.Helper()
	s, err := RunShifted(tb.Context(), k, args...)
	if err != nil {
		tb.Fatal(err)
	}
	s.endWith(tb, s.Close)
	return s
}

// clockEnv returns the beginning of a command that starts a server with its own clock. The clock is a file in the server's
// directory. The file contains a number of seconds with a sign, which is added to the machine's time, or a fixed time in
// seconds since the Unix epoch. The file is read whenever the server asks for the time.
func clockEnv(library, dir string) []string {
	return []string{
		"env", "LD_PRELOAD=" + library, "FAKETIME_TIMESTAMP_FILE=" + dir + "/clock", "FAKETIME_NO_CACHE=1", "FAKETIME_FMT=%s",
	}
}

// shiftScript replaces the file of the clock. It doesn't overwrite it, as the server may read it at any moment.
const shiftScript = `echo "$2" >"$1/clock.new" && mv "$1/clock.new" "$1/clock"`

// ShiftClock sets the clock of a server that [RunShifted] has started to the machine's time plus d, and returns once the server
// follows. The server's timers don't change, as they use a monotonic clock. Times that the server stores, such as the expiry
// of a key, use the shifted clock.
func (s *Server) ShiftClock(ctx context.Context, d time.Duration) error {
	if !s.shifts {
		return fmt.Errorf("%s was not started by RunShifted", s)
	}
	if err := s.shell(ctx, shiftScript, fmt.Sprintf("%+.9f", d.Seconds())); err != nil {
		return fmt.Errorf("can't shift the clock of %s: %w", s, err)
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	return poll(ctx, func(ctx context.Context) error {
		machine := time.Now()
		server, err := clock(ctx, s)
		if err != nil {
			return err
		}
		if off := server.Sub(machine) - d; off.Abs() > 500*time.Millisecond+time.Since(machine) {
			return fmt.Errorf("the clock of %s is off by %v: look for LD_PRELOAD in its log\n%s",
				s, off, s.log(ctx))
		}
		return nil
	})
}

// StopClock stops the clock of a server that [RunShifted] has started at a time, in whole seconds, and returns once the
// server follows. On Valkey 9.1 the time still varies within one millisecond, because that server takes the microseconds
// from a monotonic clock.
func (s *Server) StopClock(ctx context.Context, at time.Time) error {
	if !s.shifts {
		return fmt.Errorf("%s was not started by RunShifted", s)
	}
	at = at.Truncate(time.Second)
	if err := s.shell(ctx, shiftScript, strconv.FormatInt(at.Unix(), 10)); err != nil {
		return fmt.Errorf("can't stop the clock of %s: %w", s, err)
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	return poll(ctx, func(ctx context.Context) error {
		server, err := clock(ctx, s)
		if err == nil && !server.Truncate(time.Millisecond).Equal(at) {
			err = fmt.Errorf("the clock of %s says %v, not %v: look for LD_PRELOAD in its log\n%s", s, server, at, s.log(ctx))
		}
		return err
	})
}

// clock asks a server for its time.
func clock(ctx context.Context, s *Server) (time.Time, error) {
	reply, err := ask(ctx, s.Addr, "TIME")
	if err != nil {
		return time.Time{}, err
	}
	parts, _ := reply.([]any)
	if len(parts) != 2 {
		return time.Time{}, fmt.Errorf("unexpected reply to TIME: %v", reply)
	}
	sec, errSec := strconv.ParseInt(fmt.Sprint(parts[0]), 10, 64)
	usec, errUsec := strconv.ParseInt(fmt.Sprint(parts[1]), 10, 64)
	return time.UnixMicro(sec*1e6 + usec), errors.Join(errSec, errUsec)
}
