package compare

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/accesslog"
	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/progress"
	"github.com/go-weir/weir/bench/internal/trace"
)

// fileLimit is the limit for a file's requests without -limit.
var fileLimit = algorithms.PerSecond(10)

// logFlags are the flags that need -log.
var logFlags = []string{"key", "time-field", "late", "spread"}

// traces returns the traces that the flags -log, -trace, -only, -limit and -and select, each once for each limit.
func traces(cmd *cli.Command) ([]trace.Trace, error) {
	second, err := secondLimit(cmd)
	if err != nil {
		return nil, err
	}
	var limits []algorithms.Limit
	for _, text := range names(cmd, "limit") {
		limit, err := algorithms.ParseLimit(text)
		if err != nil {
			return nil, command.Misuse(cmd, "-limit: %v", err)
		}
		if !slices.Contains(limits, limit) {
			limits = append(limits, limit)
		}
	}
	sources := 0
	for _, flag := range []string{"log", "trace", "only"} {
		if cmd.IsSet(flag) {
			sources++
		}
	}
	if sources > 1 {
		return nil, command.Misuse(cmd, "want only one of -log, -trace and -only")
	}
	for _, flag := range logFlags {
		if cmd.IsSet(flag) && !cmd.IsSet("log") {
			return nil, command.Misuse(cmd, "-%s needs -log FILE", flag)
		}
	}
	var read trace.Trace
	switch {
	case cmd.IsSet("log"):
		read, err = readLog(cmd)
	case cmd.IsSet("trace"):
		read, err = readTrace(cmd)
	default:
		return builtin(cmd, limits, second)
	}
	if err != nil {
		return nil, err
	}
	if len(limits) == 0 {
		limits = []algorithms.Limit{fileLimit}
	}
	var all []trace.Trace
	for _, limit := range limits {
		read.Limit, read.And = limit, second
		all = append(all, read)
	}
	return all, nil
}

// secondLimit returns the limit of -and, or zero without that flag.
func secondLimit(cmd *cli.Command) (limit algorithms.Limit, err error) {
	if !cmd.IsSet("and") {
		return limit, nil
	}
	limit, err = algorithms.ParseLimit(strings.TrimSpace(cmd.String("and")))
	if err != nil {
		return limit, command.Misuse(cmd, "-and: %v", err)
	}
	if limit.Burst != 0 {
		return limit, command.Misuse(cmd, "-and: %s has a burst, which fixedwindow does not support: want a limit such as %s", limit, algorithms.Per(limit.Rate, limit.Period))
	}
	return limit, nil
}

// builtin returns the built-in traces that -only picks.
func builtin(cmd *cli.Command, limits []algorithms.Limit, second algorithms.Limit) (picked []trace.Trace, err error) {
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
		under := limits
		if len(under) == 0 {
			under = []algorithms.Limit{t.Limit}
		}
		for _, limit := range under {
			other := t
			other.Limit, other.And = limit, cmp.Or(second, t.And)
			if limit != t.Limit || t.And.Rate > 0 && other.And != t.And {
				other.Look = fmt.Sprintf("This trace was made for a limit of %s.", t.Limits())
			}
			picked = append(picked, other)
		}
	}
	return picked, nil
}

func traceNames() (names []string) {
	for _, t := range trace.Builtin() {
		names = append(names, t.Name)
	}
	return names
}

// opened opens the file that a flag names. It also returns the file's name for messages.
func opened(cmd *cli.Command, flag string) (file io.ReadCloser, name string, err error) {
	path := cmd.String(flag)
	if path == "-" {
		return io.NopCloser(cmd.Root().Reader), "standard input", nil
	}
	file, err = os.Open(path)
	if err != nil {
		return nil, "", fmt.Errorf("-%s: %w", flag, err)
	}
	return file, path, nil
}

func readTrace(cmd *cli.Command) (trace.Trace, error) {
	file, name, err := opened(cmd, "trace")
	if err != nil {
		return trace.Trace{}, err
	}
	defer file.Close()
	arrivals, err := trace.ReadCSV(name, file)
	return trace.Trace{Name: filepath.Base(name), About: plural(len(arrivals), "request"), Arrivals: arrivals}, err
}

func readLog(cmd *cli.Command) (t trace.Trace, err error) {
	o := accesslog.Options{Time: cmd.String("time-field"), Key: names(cmd, "key"), Late: cmd.Duration("late"), Spread: cmd.Bool("spread")}
	if o.Late < 0 {
		return t, command.Misuse(cmd, "-late: %v, want 0s or more", o.Late)
	}
	file, name, err := opened(cmd, "log")
	if err != nil {
		return t, err
	}
	defer file.Close()
	wait := progress.Start(cmd.Root().ErrWriter, progress.Unknown)
	wait.Say("reading " + name)
	log, err := accesslog.Read(name, file, o)
	wait.End()
	if err != nil {
		return t, err
	}
	t = trace.Trace{Name: filepath.Base(name), Notes: log.Notes(), Start: log.Start, Arrivals: log.Arrivals}
	first, last := t.Arrivals[0].At, t.Arrivals[len(t.Arrivals)-1].At
	t.About = fmt.Sprintf("%s requests of %s keys from %s on, over %s", counted(len(t.Arrivals)), counted(t.Keys()),
		log.Start.Add(first).Format("2006-01-02 15:04:05 MST"), (last - first).Round(time.Second))
	return t, nil
}
