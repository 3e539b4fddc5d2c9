package compare

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/progress"
	"github.com/go-weir/weir/bench/internal/trace"
	"github.com/go-weir/weir/bench/shared/target"
)

const (
	defaultWidth = 80 // columns, if the output isn't a terminal
	minWidth     = 60
	maxWidth     = 1000

	// manyDecisions is the number of decisions that the embedded miniredis makes in about a second.
	manyDecisions = 10_000
)

const description = `It sends the same requests to each algorithm. It shows how many requests each algorithm denies,
which keys it denies, and how many pass in the worst period: in words, as tables, over time,
and with -html, -svg or -png in pictures. Time is simulated, so a day's log takes a moment.
Without flags it compares five built-in traces, on a Redis inside this process.

  go run ./bench compare
  go run ./bench compare -log access.log -limit 60/minute
  go run ./bench compare -log access.log -limit 30/minute,60/minute -key user
  go run ./bench compare -log service.jsonl -key request.remote_addr,request.uri:1 -html compare.html
  go run ./bench compare -log calls.csv -limit 30/minute -time-field sent_ms -key account -json
  zgrep "POST /login" access.log.*.gz | go run ./bench compare -log - -limit 5/minute
  go run ./bench compare -trace requests.csv -limit 5/minute
  go run ./bench compare -only edge -aligned
  go run ./bench compare -only steady -work 2s
  go run ./bench compare -only steady -limit "8/second burst 2" -algorithms gcra,queue
  go run ./bench compare -only edge -algorithms gcra,fixedwindow,allof
  go run ./bench compare -log access.log -limit 10/second -and 60/minute
  go run ./bench compare -only edge -svg pictures -png pictures
  go run ./bench compare -redis redis://127.0.0.1:6379

A log has one of these formats, which compare recognizes by the first lines: the combined or
common format of nginx and Apache, JSON objects, or CSV with the names of its columns in the
first line. It may be compressed by gzip. Times are ISO 8601, those of nginx and Apache, or s,
ms or µs since 1970. Each key is limited separately. -key takes address, user, path, path:1
(the first part of the path), agent, method, host, forwarded (the first X-Forwarded-For), or the
name of a JSON field (such as request.host) or column. Several names together are one key.

A trace is a CSV file with a line for each request, in the order of time: the offset from the
beginning (1.5s, 250ms, or seconds such as 1.5), the key, and the cost. Key and cost are
optional. Lines that begin with # are ignored.

  offset,key,cost
  0s,alice
  0.2s,alice,3
  1.5s,bob`

// Command returns the command compare.
func Command() *cli.Command {
	return &cli.Command{
		Name:        "compare",
		Usage:       "compares the algorithms on the same requests",
		Description: description,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "log", Usage: "read the requests from this log `FILE`; - is standard input"},
			&cli.StringSliceFlag{Name: "key", Usage: "the `FIELDS` of the log that are the key, separated by commas\n(the default is the address)"},
			&cli.StringFlag{Name: "time-field", Usage: "the `FIELD` of the log that is the time\n(the default is the first one with a usual name, such as time, timestamp or ts)"},
			&cli.DurationFlag{Name: "late", Value: time.Minute, Usage: "lines of the log may be out of order by this `TIME`, and are sorted; later lines\nare left out and reported"},
			&cli.BoolFlag{Name: "spread", Value: true, Usage: "if all times of the log are whole seconds, spread the requests of each second\nevenly over it (the default; -spread=false turns it off)"},
			&cli.StringFlag{Name: "trace", Usage: "read the requests from this CSV `FILE` of offsets; - is standard input"},
			&cli.StringSliceFlag{Name: "only", Usage: "only the built-in traces of these `NAMES`: " + strings.Join(traceNames(), ",")},
			&cli.StringSliceFlag{Name: "limit", Usage: "compare under each of these `LIMITS`: \"5/minute\", \"100/10s,200/10s\", \"10/s burst 20\"\n(each built-in trace has its own; for files the default is " + fileLimit.String() + ")"},
			&cli.StringFlag{Name: "and", Usage: "also show allof, which is one decision of gcra under -limit and fixedwindow under\nthis `LIMIT`, such as \"100/minute\" beside -limit 10/second"},
			&cli.StringSliceFlag{Name: "algorithms", Usage: "only the algorithms of these `NAMES`: " + strings.Join(kindNames(), ",") + "\n(allof is one decision of gcra and fixedwindow; it is shown only if it is named\nor there is a second limit, of -and or of the trace)"},
			&cli.DurationFlag{Name: "work", Usage: "also show inflight: at most as many requests at the same time as the burst, each of\nwhich takes this `TIME` of 1ms to 1h, such as 250ms (1s if -algorithms names inflight)"},
			&cli.BoolFlag{Name: "aligned", Usage: "fixed windows begin at whole periods of the clock,\ninstead of at the first request"},
			&cli.StringFlag{Name: "redis", Usage: "run on the server at this `URL`: redis://, rediss:// or unix://; miniredis and local\nrun inside this process, miniredis with the Lua scripts, local with limiters in Go\n(the default is miniredis, and local for over " + strconv.Itoa(manyDecisions) + " decisions)"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON document, for machines; it has every decision\nunless there are over " + strconv.Itoa(manyDecisions)},
			&cli.BoolFlag{Name: "decisions", Usage: "let the JSON have every decision, even if there are more"},
			&cli.StringFlag{Name: "html", Usage: "also write a page with pictures to this `FILE`"},
			&cli.StringFlag{Name: "svg", Usage: "also write a picture of each trace as SVG into the directory `DIR`"},
			&cli.StringFlag{Name: "png", Usage: "also write a picture of each trace as PNG into the directory `DIR`"},
			&cli.IntFlag{Name: "width", Usage: "print at most this many `COLUMNS`\n(the default is the terminal's width, or 80)"},
		},
		Action: action,
	}
}

func action(ctx context.Context, cmd *cli.Command) error {
	if cmd.Args().Present() {
		return command.Misuse(cmd, "compare takes only flags, not %q", cmd.Args().First())
	}
	work := cmd.Duration("work")
	if cmd.IsSet("work") && (work < leastWork || work > mostWork || work%time.Microsecond != 0) {
		return command.Misuse(cmd, "-work: %v, want %v to %v, in whole microseconds", work, leastWork, mostWork)
	}
	choice := choice{names(cmd, "algorithms"), work}
	if name, found := choice.unknown(); found {
		return command.Misuse(cmd, "there is no algorithm %q, want some of %s", name, strings.Join(kindNames(), ","))
	}
	if cmd.IsSet("and") && len(choice.names) > 0 {
		choice.names = append(choice.names, allofName)
	}
	width := cmd.Int("width")
	if cmd.IsSet("width") && (width < minWidth || width > maxWidth) {
		return command.Misuse(cmd, "-width: %d, want %d to %d columns", width, minWidth, maxWidth)
	}
	for _, flag := range []string{"html", "svg", "png"} {
		if path := cmd.String(flag); cmd.IsSet(flag) && (path == "" || path == "-") {
			return command.Misuse(cmd, "-%s is %q, want the name of a file or directory to write to", flag, path)
		}
	}
	to := places{cmd.String("html"), cmd.String("svg"), cmd.String("png")}
	if err := to.check(); err != nil {
		return err
	}
	traces, err := traces(cmd)
	if err != nil {
		return err
	}
	report, err := compareAll(ctx, cmd, traces, choice)
	if err != nil {
		return err
	}
	// Nothing is written or printed before all comparisons are done. The output is printed as a whole.
	if err := report.write(ctx, to); err != nil {
		return err
	}
	var out bytes.Buffer
	if cmd.Bool("json") {
		every := cmd.Bool("decisions") || report.decisions() <= manyDecisions
		if !every {
			fmt.Fprintf(cmd.Root().ErrWriter, "bench: the JSON leaves out %s decisions; -decisions includes them\n", counted(report.decisions()))
		}
		err = report.JSON(&out, every)
	} else {
		terminalWidth, color := terminal(cmd.Root().Writer)
		if width == 0 {
			width = terminalWidth
		}
		out.WriteString(report.Text(width, color))
	}
	if err == nil {
		_, err = out.WriteTo(cmd.Root().Writer)
	}
	return err
}

// compareAll runs the comparisons on the server of -redis.
func compareAll(ctx context.Context, cmd *cli.Command, traces []trace.Trace, choice choice) (Report, error) {
	decisions := 0
	for _, t := range traces {
		rows, _ := rows(choice.kinds(t))
		decisions += len(t.Arrivals) * len(rows)
	}
	server, err := open(ctx, cmd.String("redis"), decisions)
	if err != nil {
		return Report{}, err
	}
	defer server.Close()
	var decided atomic.Int64
	defer progress.Follow(cmd.Root().ErrWriter, decisions, &decided)()
	report := Report{Server: server.Name, Command: command.Line(cmd), Date: time.Now()}
	for _, t := range traces {
		setup := Setup{Runner: server.Runner, Prefix: "weir-bench-" + rand.Text(), Kinds: choice.kinds(t), Aligned: cmd.Bool("aligned"), Decided: &decided}
		comparison, err := setup.Compare(ctx, t)
		if err != nil {
			return Report{}, err
		}
		report.Comparisons = append(report.Comparisons, comparison)
	}
	return report, nil
}

// open returns the server that -redis names, or the default one for a number of decisions.
func open(ctx context.Context, name string, decisions int) (*target.Target, error) {
	if name == "" {
		name = "miniredis"
		if decisions > manyDecisions {
			name = "local"
		}
	}
	switch name {
	case "local":
		return target.Local(), nil
	case "miniredis":
		return target.Miniredis()
	}
	return target.Dial(ctx, name)
}

// names returns the values of a flag that can have several.
func names(cmd *cli.Command, flag string) []string {
	values := cmd.StringSlice(flag)
	for i := range values {
		values[i] = strings.TrimSpace(values[i])
	}
	return values
}
