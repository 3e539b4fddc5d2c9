// Package measure measures what the decisions of rate limiters cost a server.
package measure

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/launch"
	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/wholefile"
	"github.com/go-weir/weir/bench/shared/round"
)

const description = `The limiters take turns of 50 ms each on the same server. The output shows for each limiter how much
processor time a decision takes, how many decisions a second fill one core of the server, how long
callers wait, and how much memory keys take. It compares them with the limiter that you use today:
redis_rate, or your own, which you write into bench/peers/mine.go. Without flags it starts a server:
a container, or else a program on this machine. The first line says how long the run takes.

  go run ./bench measure
  go run ./bench measure -redis redis://127.0.0.1:6379
  go run ./bench measure -beside mine
  go run ./bench measure -redis redis://10.0.0.1:6379,redis://10.0.0.2:6379
  go run ./bench measure -redis "redis://10.0.0.1:26379?master_name=mymaster"
  go run ./bench measure -limiters weir-gcra-coalesce,redis_rate -goroutines 256 -keys hot
  go run ./bench measure -limiters weir-fixedwindow -beside ulule -keys hot,zipf:100000
  go run ./bench measure -rate 2000,10000 -limiters weir-gcra,redis_rate -parts speed
  go run ./bench measure -server valkey/valkey:8.1 -limiters results -write run.txt

The output says that the figures can't be relied on if other programs use the machine, if rounds
disagree, or if a floor is slower than its limiter. A floor only makes the calls of a limiter.

All keys have a random part in their names. They are removed at the end, also after Ctrl-C, which
prints what was measured so far.`

// Without the flag -limiters, defaultLimiters are measured. Without -beside, they are compared with defaultBeside.
const (
	defaultBeside   = "redis_rate"
	defaultLimiters = "weir-gcra,weir-fixedwindow,weir-slidinglog,redis_rate,floor-gcra"
)

// Command returns the command measure.
func Command() *cli.Command {
	return &cli.Command{
		Name:        "measure",
		Usage:       "measures what limiters cost on your Redis",
		Description: description,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "redis", Usage: "the server at this `URL`, or the cluster at several with commas between, or\nwith ?master_name=NAME what the sentinels there watch over"},
			&cli.StringFlag{Name: "server", Usage: "start a server of this `IMAGE`, as a container or as a program of that version\n(the default is " + launch.DefaultImage + ", or else whatever there is)"},
			&cli.StringFlag{Name: "limiters", Value: defaultLimiters, Usage: "the limiters of these `NAMES`; list to see them, all for all, results for those\nof bench/RESULTS.md"},
			&cli.StringFlag{Name: "beside", Usage: "compare them with the limiter of this `NAME`\n(the default is redis_rate, or the last of -limiters without redis_rate)"},
			&cli.StringFlag{Name: "goroutines", Value: "1,64", Usage: "how many goroutines call at the same time: a `LIST`, each is measured"},
			&cli.IntFlag{Name: "processes", Value: 1, Usage: "how many `PROCESSES` share the goroutines"},
			&cli.StringFlag{Name: "rate", Usage: "requests are due at this constant rate a second: a `LIST`; the latency\nincludes the wait for a goroutine (the default: each goroutine calls again\nas soon as it has an answer)"},
			&cli.StringFlag{Name: "denials", Value: "0,90", Usage: "the percentage of requests that are denied: a `LIST`"},
			&cli.StringFlag{Name: "keys", Value: "10000", Usage: "the keys of requests: a `LIST` of hot (one key), N (N keys, equally often) and\nzipf:N (N keys, some far more often)"},
			&cli.StringFlag{Name: "limit", Usage: "the `LIMIT` of keys that are not full, such as 100/second\n(the default is out of reach)"},
			&cli.IntFlag{Name: "rounds", Value: 10, Usage: "how many `ROUNDS` each limiter is measured for"},
			&cli.DurationFlag{Name: "for", Value: 500 * time.Millisecond, Usage: "how long each limiter is measured in a round, such as 1s: a `TIME`"},
			&cli.DurationFlag{Name: "delay", Usage: "each reply reaches the limiters later by this `TIME`, in whole milliseconds,\nas if the server were farther away"},
			&cli.StringFlag{Name: "parts", Value: "speed,memory", Usage: "what is measured, a `LIST` of " + strings.Join(parts, ", ") + ":\naccuracy compares the admitted requests of one key with the promised number"},
			&cli.StringFlag{Name: "write", Usage: "write everything to this `FILE`, in Go's benchmark format: for the command\nreport, and for benchstat"},
		},
		Action: action,
	}
}

func action(ctx context.Context, cmd *cli.Command) error {
	if cmd.Args().Present() {
		return command.Misuse(cmd, "what is %q? measure takes flags only", cmd.Args().First())
	}
	a, err := read(cmd)
	if err != nil {
		return err
	}
	if a.file != "" { // an error at the end would lose the results
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
	// The results so far are printed and written, even after an error.
	if _, failed := io.WriteString(out, printed(done)); failed != nil {
		err = errors.Join(err, failed)
	}
	if a.file != "" {
		err = errors.Join(err, results.Write(a.file, done))
	}
	return interruption(ctx, err)
}

// interruption returns the error to report: "interrupted" if err comes from the end of ctx, or else err.
func interruption(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return errors.New("interrupted")
	}
	return err
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
