package servers

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"
)

// RunShifted starts a server whose clock [Server.ShiftClock] sets. Until then it is the machine's.
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

// StartShifted does that for one test, and stops the server when the test ends. If that fails, the test fails.
func StartShifted(tb testing.TB, k Kind, args ...string) *Server {
	tb.Helper()
	s, err := RunShifted(tb.Context(), k, args...)
	if err != nil {
		tb.Fatal(err)
	}
	s.endWith(tb, s.Close)
	return s
}

// clockEnv returns the beginning of a command whose server gets its clock from a file in its directory. The file has a number of seconds
// with a sign, which is added to the machine's time, or a time in seconds since the Unix epoch, at which the clock stands still. It is
// read each time the server asks for the time.
func clockEnv(library, dir string) []string {
	return []string{
		"env", "LD_PRELOAD=" + library, "FAKETIME_TIMESTAMP_FILE=" + dir + "/clock", "FAKETIME_NO_CACHE=1", "FAKETIME_FMT=%s",
	}
}

// The server reads the file at any moment, so it gets another one.
const shiftScript = `echo "$2" >"$1/clock.new" && mv "$1/clock.new" "$1/clock"`

// ShiftClock makes the clock of a server that [RunShifted] has started differ from the machine's by
// d from now on, and returns once it does. The server's own timers go on as before: they follow a
// monotonic clock. What it stores of time, such as when a key expires, follows the shifted one.
func (s *Server) ShiftClock(ctx context.Context, d time.Duration) error {
	if !s.shifts {
		return fmt.Errorf("%s was not started by RunShifted", s)
	}
	if err := s.shell(ctx, shiftScript, fmt.Sprintf("%+.9f", d.Seconds())); err != nil {
		return fmt.Errorf("shift the clock of %s: %w", s, err)
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
			return fmt.Errorf("the clock of %s does not follow, it is off by %v: see what its log says of LD_PRELOAD\n%s",
				s, off, s.log(ctx))
		}
		return nil
	})
}

// StopClock makes the clock of a server that [RunShifted] has started stand still at a time, in whole seconds, and returns
// once it does.
func (s *Server) StopClock(ctx context.Context, at time.Time) error {
	if !s.shifts {
		return fmt.Errorf("%s was not started by RunShifted", s)
	}
	at = at.Truncate(time.Second)
	if err := s.shell(ctx, shiftScript, strconv.FormatInt(at.Unix(), 10)); err != nil {
		return fmt.Errorf("stop the clock of %s: %w", s, err)
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	return poll(ctx, func(ctx context.Context) error {
		server, err := clock(ctx, s)
		if err == nil && !server.Equal(at) {
			err = fmt.Errorf("the clock of %s says %v, not %v: see what its log says of LD_PRELOAD\n%s", s, server, at, s.log(ctx))
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
		return time.Time{}, fmt.Errorf("TIME: %v", reply)
	}
	sec, errSec := strconv.ParseInt(fmt.Sprint(parts[0]), 10, 64)
	usec, errUsec := strconv.ParseInt(fmt.Sprint(parts[1]), 10, 64)
	return time.UnixMicro(sec*1e6 + usec), errors.Join(errSec, errUsec)
}
