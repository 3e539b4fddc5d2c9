package compare

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/progress"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/bench/internal/trace"
	"github.com/go-weir/weir/bench/target"
)

const (
	defaultWidth = 100 // columns, where there is no terminal
	minWidth     = 60
	maxWidth     = 1000

	// manyDecisions is how many the embedded miniredis decides in a moment, a second or so.
	manyDecisions = 10_000
)

// fileLimit is what a -trace is sent to without -limit.
var fileLimit = algorithms.PerSecond(10)

const description = `It sends the same requests to each algorithm, and shows what was admitted, denied or
delayed: as a table, and over time, if asked for also in pictures. The time is simulated,
so an hour's trace takes a moment. Without flags it shows four built-in traces, on a Redis
of its own inside this process.

  go run ./bench compare
  go run ./bench compare -only articles,edge
  go run ./bench compare -only edge -aligned
  go run ./bench compare -only steady -work 2s
  go run ./bench compare -only steady -limit "8/second burst 2" -algorithms gcra,queue
  go run ./bench compare -only edge -algorithms gcra,fixedwindow,allof
  go run ./bench compare -redis redis://127.0.0.1:6379
  go run ./bench compare -trace requests.csv -limit 5/minute
  go run ./bench compare -trace - -json
  go run ./bench compare -html compare.html
  go run ./bench compare -only edge -svg pictures -png pictures

A trace is a CSV file with a line for each request, in the order of time: its offset from
the beginning (1.5s, 250ms, or seconds such as 1.5), its key, and its cost. Key and cost
can be left out. Lines that begin with # are passed over.

  offset,key,cost
  0s,alice
  0.2s,alice,3
  1.5s,bob`

// Command returns the command compare.
func Command() *cli.Command {
	return &cli.Command{
		Name:        "compare",
		Usage:       "shows what each algorithm makes of the same requests",
		Description: description,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "only", Usage: "the built-in traces of these `NAMES`: " + strings.Join(traceNames(), ",")},
			&cli.StringFlag{Name: "trace", Usage: "the requests in this CSV `FILE` instead; - is standard input"},
			&cli.StringFlag{Name: "limit", Usage: "this `LIMIT` for every trace: \"5/minute\", \"100/10s\", \"10/s burst 20\"\n(each built-in trace has its own; with -trace the default is " + fileLimit.String() + ")"},
			&cli.StringSliceFlag{Name: "algorithms", Usage: "only the algorithms of these `NAMES`: " + strings.Join(kindNames(), ",") + "\n(allof is gcra and fixedwindow decided as one, and is shown only if it is named)"},
			&cli.DurationFlag{Name: "work", Usage: "also show inflight: at most a burst of requests at once, each of which takes this\n`TIME` of 1ms to 1h, such as 250ms (1s if inflight is named by -algorithms)"},
			&cli.BoolFlag{Name: "aligned", Usage: "fixed windows that begin at whole periods of the trace's time,\nnot at the first request"},
			&cli.StringFlag{Name: "redis", Usage: "run on the server at this `URL`: redis://, rediss:// or unix://\n(or on miniredis or local, which is this process without any Redis;\nthe default is miniredis, and local for over " + strconv.Itoa(manyDecisions) + " decisions)"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON document with every decision, for machines"},
			&cli.StringFlag{Name: "html", Usage: "also write a page with pictures to this `FILE`"},
			&cli.StringFlag{Name: "svg", Usage: "also write a picture of each trace into the directory `DIR`, as SVG"},
			&cli.StringFlag{Name: "png", Usage: "the same as PNG into `DIR`"},
			&cli.IntFlag{Name: "width", Usage: "how many `COLUMNS` the timeline has at most\n(the default is the terminal's width, or 100)"},
		},
		Action: action,
	}
}

func action(ctx context.Context, cmd *cli.Command) error {
	if cmd.Args().Present() {
		return command.Misuse(cmd, "what is %q? compare takes flags only", cmd.Args().First())
	}
	work := cmd.Duration("work")
	if cmd.IsSet("work") && (work < leastWork || work > mostWork || work%time.Microsecond != 0) {
		return command.Misuse(cmd, "work is %v, want %v to %v, in whole microseconds", work, leastWork, mostWork)
	}
	kinds, unknown, ok := kindsOf(names(cmd, "algorithms"), work)
	if !ok {
		return command.Misuse(cmd, "there is no algorithm %q, want some of %s", unknown, strings.Join(kindNames(), ","))
	}
	width := cmd.Int("width")
	if cmd.IsSet("width") && (width < minWidth || width > maxWidth) {
		return command.Misuse(cmd, "width is %d, want %d to %d columns", width, minWidth, maxWidth)
	}
	for _, flag := range []string{"html", "svg", "png"} {
		if path := cmd.String(flag); cmd.IsSet(flag) && (path == "" || path == "-") {
			return command.Misuse(cmd, "-%s is %q, want the name of a file or directory to write to", flag, path)
		}
	}
	traces, err := traces(cmd)
	if err != nil {
		return err
	}
	report, err := compareAll(ctx, cmd, traces, kinds)
	if err != nil {
		return err
	}
	// All is done: only now something is written and printed, and in one piece.
	if err := report.write(ctx, places{cmd.String("html"), cmd.String("svg"), cmd.String("png")}); err != nil {
		return err
	}
	var out bytes.Buffer
	if cmd.Bool("json") {
		err = report.JSON(&out)
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

// compareAll runs the comparisons on what -redis names.
func compareAll(ctx context.Context, cmd *cli.Command, traces []trace.Trace, kinds []subject.Kind) (Report, error) {
	decisions := 0
	for _, t := range traces {
		decisions += len(t.Arrivals) * len(kinds)
	}
	server, err := open(ctx, cmd.String("redis"), decisions)
	if err != nil {
		return Report{}, err
	}
	defer server.Close()
	var decided atomic.Int64
	defer progress.Follow(cmd.Root().ErrWriter, decisions, &decided)()
	report := Report{Server: server.Name}
	for _, t := range traces {
		setup := Setup{Runner: server.Runner, Prefix: "weir-bench-" + rand.Text(), Kinds: kinds, Aligned: cmd.Bool("aligned"), Decided: &decided}
		comparison, err := setup.Compare(ctx, t)
		if err != nil {
			return Report{}, err
		}
		report.Comparisons = append(report.Comparisons, comparison)
	}
	return report, nil
}

// open returns what -redis names.
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

// traces returns what the flags -only, -trace and -limit ask for.
func traces(cmd *cli.Command) ([]trace.Trace, error) {
	var limit *algorithms.Limit
	if cmd.IsSet("limit") {
		parsed, err := algorithms.ParseLimit(cmd.String("limit"))
		if err != nil {
			return nil, command.Misuse(cmd, "-limit: %v", err)
		}
		limit = &parsed
	}
	if cmd.IsSet("trace") {
		if cmd.IsSet("only") {
			return nil, command.Misuse(cmd, "-only picks from the built-in traces, -trace takes a file: want one of the two")
		}
		t, err := readTrace(cmd.String("trace"), cmd.Root().Reader)
		if limit != nil {
			t.Limit = *limit
		}
		return []trace.Trace{t}, err
	}
	var picked []trace.Trace
	only := names(cmd, "only")
	for _, name := range only {
		if !slices.Contains(traceNames(), name) {
			return nil, command.Misuse(cmd, "there is no built-in trace %q, want some of %s", name, strings.Join(traceNames(), ","))
		}
	}
	for _, t := range trace.Builtin() {
		if len(only) > 0 && !slices.Contains(only, t.Name) {
			continue
		}
		if limit != nil && *limit != t.Limit {
			t.Look = fmt.Sprintf("This trace was made for a limit of %s.", t.Limit)
			t.Limit = *limit
		}
		picked = append(picked, t)
	}
	return picked, nil
}

func readTrace(path string, stdin io.Reader) (trace.Trace, error) {
	name, r := "standard input", stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return trace.Trace{}, fmt.Errorf("-trace: %w", err)
		}
		defer file.Close()
		name, r = path, file
	}
	arrivals, err := trace.ReadCSV(name, r)
	return trace.Trace{Name: filepath.Base(name), About: plural(len(arrivals), "request"), Limit: fileLimit, Arrivals: arrivals}, err
}

// names returns the values of a flag that takes several.
func names(cmd *cli.Command, flag string) []string {
	values := cmd.StringSlice(flag)
	for i := range values {
		values[i] = strings.TrimSpace(values[i])
	}
	return values
}

func traceNames() (names []string) {
	for _, t := range trace.Builtin() {
		names = append(names, t.Name)
	}
	return names
}

func kindNames() (names []string) {
	for _, k := range named {
		names = append(names, k.Name)
	}
	return append(names, inflightName)
}
