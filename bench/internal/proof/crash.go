package proof

import (
	"context"
	"errors"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/bench/internal/verify"
)

// crashes are the cases of one server that is paused or killed.
func crashes() []Case {
	always := []string{"--appendonly", "yes", "--appendfsync", "always"}
	everysec := []string{"--appendonly", "yes", "--appendfsync", "everysec"}
	l := withoutResets(impatient(faultLoad()))
	l.Pause = 5 * time.Millisecond // the case lasts several seconds anyway, so it needs few calls a second
	kill := func(name, promise string, losses int, args []string) Case {
		return Case{
			Name: "kill -9, " + name, Fault: "the server is killed with SIGKILL while it decides, and started again",
			Promise: promise, Losses: losses,
			Load: l, Felt: unlucky, stage: single(args...), during: killAndRevive, rounds: 2,
		}
	}
	return []Case{
		{
			Name: "pause of 2 s", Fault: "the server is stopped for 2 s with SIGSTOP, while calls wait 300 ms",
			Promise: "a call that fails ran once or not at all", Load: impatient(faultLoad()), Felt: ranUnseen,
			stage: single(), rounds: 2,
			during: func(ctx context.Context, s *stage) error {
				return errors.Join(s.server.Pause(ctx), rest(ctx, 2*time.Second), s.server.Resume(ctx), rest(ctx, time.Second))
			},
		},
		kill("appendfsync always", "nothing that a caller was told is forgotten", 0, always),
		kill("appendfsync everysec", "what a caller was told up to 2 s before may be forgotten: each limiter admits at most its limit once more", 1, everysec),
		kill("no persistence", "all is forgotten: each limiter admits at most its limit once more", 1, nil),
	}
}

func killAndRevive(ctx context.Context, s *stage) error {
	began := now()
	if err := errors.Join(rest(ctx, 500*time.Millisecond), s.server.Kill(ctx), s.server.Revive(ctx)); err != nil {
		return err
	}
	s.troubles = append(s.troubles, trouble{began, now()})
	return rest(ctx, time.Second)
}

// clockStep is how far the clock of a server is moved.
const clockStep = time.Hour

// clocks are the cases of a server whose clock is wrong.
func clocks() []Case {
	const step = 1200 * time.Millisecond
	steps := []time.Duration{clockStep, 0, -clockStep, 0}
	limit := algorithms.Per(5, step/2).WithBurst(3)
	l := withoutResets(faultLoad())
	l.Keys, l.MostCost, l.Asked, l.Peeks = keys(1), 1, under(limit), 0
	return []Case{{
		Name: "the server's clock", Fault: "the server's clock steps forward and back by an hour",
		Promise: "no key is refused for longer than its limit can require, and each step admits at most one limit more",
		Load:    l, Losses: len(steps), Forgets: true, Felt: func(f verify.Findings) bool { return f.StepsBack > 0 },
		Kept: func(row Row) error {
			// If a limiter obeyed a time from the future, it would refuse from one step to the next, for two periods.
			if row.Refused > limit.Period*3/2 {
				return errors.New("a key stayed refused for " + row.Refused.String())
			}
			return nil
		},
		stage: func(ctx context.Context, kind servers.Kind) (*stage, error) {
			server, err := servers.RunShifted(ctx, kind)
			if err != nil {
				return nil, err
			}
			return stageOf(server), nil
		},
		during: func(ctx context.Context, s *stage) error {
			for _, shift := range steps {
				if err := errors.Join(rest(ctx, step), s.server.ShiftClock(ctx, shift)); err != nil {
					return err
				}
			}
			return rest(ctx, step)
		},
		rounds: 1,
	}}
}
