package measure

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/command"
)

// asked holds the values of the flags.
type asked struct {
	plan
	limiters string
	beside   string
	urls     string
	image    string
	delay    time.Duration // of replies to limiters
	file     string
	command  string
}

// read reads the flags.
func read(cmd *cli.Command) (a asked, err error) {
	for _, flag := range []string{"redis", "server", "limiters", "beside", "write"} {
		if cmd.IsSet(flag) && strings.TrimSpace(cmd.String(flag)) == "" {
			return a, command.Misuse(cmd, "-%s is empty: want a value, or leave the flag out", flag)
		}
	}
	if cmd.IsSet("redis") && cmd.IsSet("server") {
		return a, command.Misuse(cmd, "-redis names a running server, and -server one to start: want one of the two")
	}
	if a.plan, err = readPlan(cmd); err != nil {
		return a, err
	}
	a.delay = cmd.Duration("delay")
	if a.delay < 0 || a.delay > mostDelay || a.delay%time.Millisecond != 0 {
		return a, wrong(cmd, "delay", fmt.Errorf("%v, want whole milliseconds up to %v", a.delay, mostDelay))
	}
	a.command = command.Line(cmd)
	a.urls, a.image, a.file = cmd.String("redis"), cmd.String("server"), cmd.String("write")
	if a.limiters = cmd.String("limiters"); a.limiters != "list" {
		a.limiters, a.beside = namesOf(a.limiters, cmd.String("beside"))
	}
	return a, nil
}

// readPlan returns the plan that the flags ask for.
func readPlan(cmd *cli.Command) (p plan, err error) {
	chosen, err := listFlag(cmd, "parts", func(s string) (string, error) {
		if !slices.Contains(parts, s) {
			return s, fmt.Errorf("%q, want some of %s", s, strings.Join(parts, ","))
		}
		return s, nil
	})
	if err != nil {
		return p, err
	}
	p.speed, p.accuracy, p.memory = slices.Contains(chosen, "speed"), slices.Contains(chosen, "accuracy"), slices.Contains(chosen, "memory")
	if cmd.IsSet("limit") {
		limit, err := algorithms.ParseLimit(cmd.String("limit"))
		if err != nil {
			return p, wrong(cmd, "limit", err)
		}
		p.limit = &limit
	}
	p.processes, p.rounds, p.length = cmd.Int("processes"), cmd.Int("rounds"), cmd.Duration("for")
	switch {
	case p.processes < 1 || p.processes > 100:
		return p, wrong(cmd, "processes", fmt.Errorf("%d, want 1 to 100", p.processes))
	case p.rounds < 1 || p.rounds > 10_000:
		return p, wrong(cmd, "rounds", fmt.Errorf("%d, want 1 to 10000", p.rounds))
	case p.length < time.Millisecond || p.length > time.Hour:
		return p, wrong(cmd, "for", fmt.Errorf("%v, want 1ms to 1h", p.length))
	}
	p.loads, err = readLoads(cmd, p.processes)
	return p, err
}

// readLoads returns the loads that the flags ask for.
func readLoads(cmd *cli.Command, processes int) ([]ask, error) {
	goroutines, err := listFlag(cmd, "goroutines", whole(1, 10_000))
	if err != nil {
		return nil, err
	}
	denials, err := listFlag(cmd, "denials", between(0, 100, "percent"))
	if err != nil {
		return nil, err
	}
	keys, err := listFlag(cmd, "keys", parseKeys)
	if err != nil {
		return nil, err
	}
	rates, err := listOf(cmd.String("rate"), between(1, 1e7, "requests a second"))
	if err != nil {
		return nil, wrong(cmd, "rate", err)
	}
	return loads(processes, goroutines, rates, denials, keys), nil
}

// wrong returns the error for a flag with a wrong value.
func wrong(cmd *cli.Command, flag string, err error) error {
	return command.Misuse(cmd, "-%s: %v", flag, err)
}

// listFlag reads a flag that has at least one value.
func listFlag[T any](cmd *cli.Command, name string, parse func(string) (T, error)) ([]T, error) {
	all, err := listOf(cmd.String(name), parse)
	if err == nil && len(all) == 0 {
		err = errors.New("want at least one")
	}
	if err != nil {
		return nil, wrong(cmd, name, err)
	}
	return all, nil
}

// parts are the values of the flag -parts.
var parts = []string{"speed", "accuracy", "memory"}

// listOf parses values that are separated by commas.
func listOf[T any](text string, parse func(string) (T, error)) (all []T, err error) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		value, err := parse(part)
		if err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	return all, nil
}

func whole(low, high int) func(string) (int, error) {
	return func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil || n < low || n > high {
			return 0, fmt.Errorf("%q, want whole numbers from %d to %d", text, low, high)
		}
		return n, nil
	}
}

func between(low, high float64, of string) func(string) (float64, error) {
	return func(text string) (float64, error) {
		x, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
		if err != nil || !(low <= x && x <= high) {
			return 0, fmt.Errorf("%q, want %s from %g to %g", text, of, low, high)
		}
		return x, nil
	}
}
