// Package measure lets rate limiters decide on a server, one beside the other, and tells what each costs.
package measure

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/launch"
	"github.com/go-weir/weir/bench/internal/progress"
	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/wholefile"
	"github.com/go-weir/weir/bench/shared/round"
)

const description = `It lets each limiter decide on the same server, a short round each in turn and again. It tells
what a decision takes of the server's processor, how many decisions a second fill that, how
long callers wait, and how much memory keys take, beside a limiter that you use today: redis_rate,
or your own, which you write into bench/peers/mine.go. Without flags it starts a server of its own:
a container, or else a program of this machine. First it says how long it will take.

  go run ./bench measure
  go run ./bench measure -redis redis://127.0.0.1:6379
  go run ./bench measure -beside mine
  go run ./bench measure -redis redis://10.0.0.1:6379,redis://10.0.0.2:6379
  go run ./bench measure -redis "redis://10.0.0.1:26379?master_name=mymaster"
  go run ./bench measure -limiters weir-gcra-coalesce,redis_rate -goroutines 256 -keys hot
  go run ./bench measure -limiters weir-fixedwindow -beside ulule -keys hot,zipf:100000
  go run ./bench measure -rate 2000,10000 -limiters weir-gcra,redis_rate -parts speed
  go run ./bench measure -server valkey/valkey:8.1 -limiters results -write run.txt

If other programs use the machine, if rounds disagree, or if a floor, which only makes a limiter's
calls, is slower than the limiter, it says that the figures can't be relied on.

All keys have a random part in their names. They are removed at the end, also after Ctrl-C,
which ends it with what was measured so far.`

// defaultLimiters are measured where none are named, and defaultBeside is the one that they are compared with.
const (
	defaultBeside   = "redis_rate"
	defaultLimiters = "weir-gcra,weir-fixedwindow,weir-slidinglog,redis_rate,floor-gcra"
)

// Command returns the command measure.
func Command() *cli.Command {
	return &cli.Command{
		Name:        "measure",
		Usage:       "tells what limiters cost on your Redis, beside others",
		Description: description,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "redis", Usage: "the server at this `URL`, or the cluster at several with commas between, or\nwith ?master_name=NAME what the sentinels there watch over"},
			&cli.StringFlag{Name: "server", Usage: "start a server of this `IMAGE`, as a container or as a program of that version\n(the default is " + launch.DefaultImage + ", or else whatever there is)"},
			&cli.StringFlag{Name: "limiters", Value: defaultLimiters, Usage: "the limiters of these `NAMES`; list to see them, all for all, results for those\nof bench/RESULTS.md"},
			&cli.StringFlag{Name: "beside", Usage: "compare them with the limiter of this `NAME`\n(the default is redis_rate, or the last of -limiters that don't name it)"},
			&cli.StringFlag{Name: "goroutines", Value: "1,64", Usage: "how many ask at the same time: a `LIST`, each is measured"},
			&cli.IntFlag{Name: "processes", Value: 1, Usage: "how many `PROCESSES` the goroutines are shared out to"},
			&cli.StringFlag{Name: "rate", Usage: "requests become due at this rate a second, a `LIST`, and wait if all goroutines\nare busy, which counts (the default: each asks again as soon as it is answered)"},
			&cli.StringFlag{Name: "denials", Value: "0,90", Usage: "how many percent of the requests are denied: a `LIST`"},
			&cli.StringFlag{Name: "keys", Value: "10000", Usage: "whom requests are from: a `LIST` of hot (one key), N (so many, all as likely)\nand zipf:N (some far more than others)"},
			&cli.StringFlag{Name: "limit", Usage: "the `LIMIT` of keys that are not full, such as 100/second\n(the default is one that nobody reaches)"},
			&cli.IntFlag{Name: "rounds", Value: 10, Usage: "how many `ROUNDS` each limiter is measured for"},
			&cli.DurationFlag{Name: "for", Value: 500 * time.Millisecond, Usage: "how long a round takes, such as 1s: a `TIME`"},
			&cli.DurationFlag{Name: "delay", Usage: "each reply reaches the limiters later by this `TIME`, in whole milliseconds,\nas if the server were farther away"},
			&cli.StringFlag{Name: "parts", Value: "speed,memory", Usage: "what is measured, a `LIST` of " + strings.Join(parts, ", ") + ":\naccuracy is how many requests are admitted of one key, beside what is promised"},
			&cli.StringFlag{Name: "write", Usage: "write everything to this `FILE`, in Go's benchmark format: for the command\nreport, and for benchstat"},
		},
		Action: action,
	}
}

// asked is what the flags ask for.
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

func action(ctx context.Context, cmd *cli.Command) error {
	if cmd.Args().Present() {
		return command.Misuse(cmd, "what is %q? measure takes flags only", cmd.Args().First())
	}
	a, err := read(cmd)
	if err != nil {
		return err
	}
	if a.file != "" { // it is too late to find that out at the end
		if err := wholefile.Writable(a.file); err != nil {
			return err
		}
	}
	out, progress := cmd.Root().Writer, cmd.Root().ErrWriter
	if a.limiters == "list" {
		return list(ctx, out)
	}
	done, err := a.carryOut(ctx, out, progress)
	if len(done.Results) == 0 {
		return interruption(ctx, err)
	}
	// What there is, is told and kept, whatever has ended it.
	if _, failed := io.WriteString(out, printed(done)); failed != nil {
		err = errors.Join(err, failed)
	}
	if a.file != "" {
		err = errors.Join(err, results.Write(a.file, done))
	}
	return interruption(ctx, err)
}

// interruption is err, or what to say of it if it is of an interruption.
func interruption(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return errors.New("interrupted")
	}
	return err
}

// read reads the flags.
func read(cmd *cli.Command) (a asked, err error) {
	wrong := func(flag string, err error) error { return command.Misuse(cmd, "-%s: %v", flag, err) }
	goroutines, err := listOf(cmd.String("goroutines"), whole(1, 10_000))
	if err != nil {
		return a, wrong("goroutines", err)
	}
	for _, flag := range []string{"redis", "server", "limiters", "beside", "write"} {
		if cmd.IsSet(flag) && strings.TrimSpace(cmd.String(flag)) == "" {
			return a, command.Misuse(cmd, "-%s is empty: want a value, or no such flag", flag)
		}
	}
	rates, err := listOf(cmd.String("rate"), between(1, 1e7, "requests a second"))
	if err != nil {
		return a, wrong("rate", err)
	}
	denials, err := listOf(cmd.String("denials"), between(0, 100, "percent"))
	if err != nil {
		return a, wrong("denials", err)
	}
	keys, err := listOf(cmd.String("keys"), parseKeys)
	if err != nil {
		return a, wrong("keys", err)
	}
	for name, values := range map[string]int{"goroutines": len(goroutines), "denials": len(denials), "keys": len(keys)} {
		if values == 0 {
			return a, wrong(name, errors.New("want at least one"))
		}
	}
	parts, err := listOf(cmd.String("parts"), func(s string) (string, error) {
		if !slices.Contains(parts, s) {
			return s, fmt.Errorf("%q, want some of %s", s, strings.Join(parts, ","))
		}
		return s, nil
	})
	if err != nil {
		return a, wrong("parts", err)
	}
	if cmd.IsSet("limit") {
		limit, err := algorithms.ParseLimit(cmd.String("limit"))
		if err != nil {
			return a, wrong("limit", err)
		}
		a.limit = &limit
	}
	a.processes, a.rounds, a.length = cmd.Int("processes"), cmd.Int("rounds"), cmd.Duration("for")
	switch {
	case a.processes < 1 || a.processes > 100:
		return a, wrong("processes", fmt.Errorf("%d, want 1 to 100", a.processes))
	case a.rounds < 1 || a.rounds > 10_000:
		return a, wrong("rounds", fmt.Errorf("%d, want 1 to 10000", a.rounds))
	case a.length < time.Millisecond || a.length > time.Hour:
		return a, wrong("for", fmt.Errorf("%v, want 1ms to 1h", a.length))
	case cmd.IsSet("redis") && cmd.IsSet("server"):
		return a, command.Misuse(cmd, "-redis is a server that runs, -server one to start: want one of the two")
	}
	a.delay = cmd.Duration("delay")
	if a.delay < 0 || a.delay > mostDelay || a.delay%time.Millisecond != 0 {
		return a, wrong("delay", fmt.Errorf("%v, want whole milliseconds up to %v", a.delay, mostDelay))
	}
	a.loads = loads(a.processes, goroutines, rates, denials, keys)
	a.speed, a.accuracy, a.memory = slices.Contains(parts, "speed"), slices.Contains(parts, "accuracy"), slices.Contains(parts, "memory")
	a.command = command.Line(cmd)
	a.urls, a.image, a.file = cmd.String("redis"), cmd.String("server"), cmd.String("write")
	if a.limiters = cmd.String("limiters"); a.limiters != "list" {
		a.limiters, a.beside = namesOf(a.limiters, cmd.String("beside"))
	}
	return a, nil
}

// parts are what can be measured.
var parts = []string{"speed", "accuracy", "memory"}

// listOf reads values with commas between.
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

// carryOut measures on the server that was asked for, and leaves nothing there. What it returns beside an
// error is what there was until then.
func (a asked) carryOut(ctx context.Context, out, shown io.Writer) (done results.Run, err error) {
	began, average := time.Now(), loadAverage()
	dir, remove, err := workshop()
	if err != nil {
		return done, err
	}
	defer remove()
	wait := progress.Start(shown, progress.Unknown)
	defer wait.End()
	wait.Say("reaching or starting the server")
	var s *launch.Server
	if a.urls != "" {
		s, err = launch.Reach(ctx, a.urls)
	} else {
		s, err = launch.Start(ctx, a.image)
	}
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()

	prefix := "weir-bench-" + strings.ToLower(rand.Text()[:12])
	r := &run{plan: a.plan, prefix: prefix, filled: map[string]bool{}, failed: map[string]bool{}}
	if r.admin, err = open(ctx, s.Place, prefix); err != nil {
		return done, err
	}
	defer r.admin.client.Close()
	name, nodes, err := r.admin.describe(ctx, s.Shape == "embedded")
	if err != nil {
		return done, err
	}
	wait.Say("building the limiters")
	path, err := build(ctx, dir)
	if err != nil {
		return done, err
	}
	// Whatever comes, the workers end before their keys are removed.
	defer func() { err = errors.Join(err, r.admin.clean(ctx)) }()
	place, end, err := delayed(ctx, s.Place, a.delay)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, end()) }()
	crew, all, err := hire(path, a.processes, round.Setup{Place: place, Prefix: prefix})
	if err != nil {
		return done, err
	}
	defer crew.dismiss()
	r.crew, r.all = crew, all
	if r.limiters, err = choose(all, a.limiters); err != nil {
		return done, err
	}
	if r.watch, err = watching(crew.pids(), onThisMachine(s.Place)); err != nil {
		return done, err
	}
	r.done = results.Run{
		Command: a.command, Beside: a.beside, Began: began.UTC().Truncate(time.Second), Load: average,
		Machine: machine(), Server: name, How: s.How, Nodes: nodes, Limiters: r.limiters,
		Notes: slices.Concat(s.Warnings, unfit(all, a.limiters)),
	}
	used := ""
	if !s.Own {
		var note string
		if note, used = r.admin.busy(ctx); note != "" {
			r.done.Notes = append(r.done.Notes, note)
		}
	}
	wait.End()
	if _, err := fmt.Fprintln(out, r.expected()); err != nil {
		return done, err
	}
	bar := progress.Start(shown, r.steps())
	defer bar.End()
	r.bar = bar
	err = r.measure(ctx)
	if used != "" {
		r.done.Doubts = append(r.done.Doubts, used)
	}
	doubts, notes := results.FindDoubts(r.done)
	r.done.Doubts, r.done.Notes = append(r.done.Doubts, doubts...), append(r.done.Notes, notes...)
	r.done.Took = time.Since(began).Round(time.Millisecond)
	return r.done, err
}

// list prints the limiters that can be measured.
func list(ctx context.Context, out io.Writer) error {
	dir, remove, err := workshop()
	if err != nil {
		return err
	}
	defer remove()
	s, err := launch.Embedded("")
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	path, err := build(ctx, dir)
	if err != nil {
		return interruption(ctx, err)
	}
	crew, all, err := hire(path, 1, round.Setup{Place: s.Place, Prefix: "weir-bench-list"})
	if err != nil {
		return err
	}
	crew.dismiss()
	_, err = io.WriteString(out, listing(all))
	return err
}
