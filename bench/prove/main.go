// Command prove calls limiters on real servers from many processes, with and without faults, and compares every decision
// with the definition of its algorithm:
//
//	go run ./bench/prove                           all cases, as for bench/PROOF.md
//	go run ./bench/prove -only 'kill|failover'     some cases
//	go run ./bench/prove -calls 20000              fewer calls, in less time
//
// It prepares its servers as bench/test does. It prints the result of each case as it ends, writes all results with
// -write FILE, and ends with exit code 1 if a decision was wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/go-weir/weir/bench/internal/proof"
	"github.com/go-weir/weir/bench/internal/servers"
)

func main() {
	proof.Main()
	var o options
	flag.IntVar(&o.calls, "calls", 200_000, "`calls` of each case on each server")
	flag.IntVar(&o.rounds, "rounds", 5, "how many `times` a server is killed, paused or replaced")
	flag.StringVar(&o.only, "only", "", "only the cases whose name matches this `regexp`")
	flag.StringVar(&o.write, "write", "", "write the results to this `file`, in Markdown, and a table for each case into a folder beside it")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "prove: %q is no flag\n", flag.Arg(0))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends this program at once
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err)
		os.Exit(1)
	}
}

type options struct {
	calls, rounds int
	only, write   string
}

// run runs the cases, prints a line for each, and writes the results. Its error says that a promise was broken, or that a
// case could not be run.
func (o options) run(ctx context.Context) error {
	cases, err := o.cases()
	if err != nil {
		return err
	}
	sweep := servers.NewRun()
	defer func() { _ = sweep() }()
	servers.Prepare(ctx, servers.All(), func(r servers.Ready) {
		if r.Err != nil {
			fmt.Printf("%-12s NOT READY: %v\n", r.Kind.Name, r.Err)
		}
	})
	began := time.Now()
	var results []proof.Result
	var broken []error
	for _, c := range cases {
		result := proof.Result{Case: c}
		for _, kind := range servers.All() {
			if ctx.Err() != nil {
				return errors.Join(append(broken, errors.New("interrupted"))...)
			}
			outcome, errs := o.one(ctx, c, kind)
			broken = append(broken, errs...)
			result.Outcomes = append(result.Outcomes, outcome)
		}
		results = append(results, result)
	}
	if o.write != "" {
		if err := o.save(results, time.Since(began)); err != nil {
			broken = append(broken, err)
		}
	}
	return errors.Join(broken...)
}

// cases returns the cases whose name matches the flag -only.
func (o options) cases() (cases []proof.Case, err error) {
	only, err := regexp.Compile(o.only)
	if err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	for _, group := range proof.Groups() {
		for _, c := range group.Cases {
			if only.MatchString(c.Name) {
				cases = append(cases, c.Times(o.rounds))
			}
		}
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("-only %q matches no case", o.only)
	}
	return cases, nil
}

// one runs one case on one kind of server, and prints a line.
func (o options) one(ctx context.Context, c proof.Case, kind servers.Kind) (outcome proof.Outcome, broken []error) {
	began := time.Now()
	outcome, err := c.Run(ctx, kind, o.calls)
	if err != nil {
		broken = append(broken, err)
	}
	if err := c.Check(outcome); err != nil {
		broken = append(broken, err)
	}
	var sum proof.Row
	for _, row := range outcome.Rows {
		sum.Add(row.Findings)
	}
	verdict := "ok"
	if len(broken) > 0 {
		verdict = "BROKEN: " + errors.Join(broken...).Error()
	}
	fmt.Printf("%-45s %-11s %8d decisions, %6d calls failed, %5.1fs  %s\n",
		c.Name, kind.Name, sum.Decisions, sum.Errors, time.Since(began).Seconds(), verdict)
	return outcome, broken
}

// save writes the results, and how they were obtained, to the file, and a table for each case into a folder beside it. The
// folder has the file's name without its extension.
func (o options) save(results []proof.Result, took time.Duration) error {
	report := proof.NewReport(results)
	folder := strings.TrimSuffix(o.write, filepath.Ext(o.write))
	if folder == o.write {
		folder += "-cases"
	}
	total := report.Total()
	text := fmt.Sprintf(preface,
		total.Decisions, report.Cases(), len(servers.All()), total.Twice, total.WronglyAdmitted, total.WronglyRefused, total.OverBound, total.NoTTL,
		strings.Join(os.Args[1:], " "), took.Round(time.Second),
		time.Now().UTC().Format(time.DateOnly), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(),
		report.Overview(filepath.Base(folder)))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, table := range report.Files() {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(table), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(o.write, []byte(text), 0o644)
}

const preface = `# The proof

Of %d decisions in %d cases on %d servers, %d ran twice, %d were wrongly admitted, %d wrongly refused, %d counts were over
their bound, and %d keys had no TTL. A failed call was charged once or not at all.

Each number was counted by

    go run ./bench/prove %s

which took %v on %s (%s/%s, %d processors, %s). The processes of a case call all algorithms concurrently, half of
the processes through go-redis and half through rueidis. The server records every decision in the same atomic step that
makes it, with its own time. Afterwards each decision is compared

- with the answer that its caller got;
- with the algorithm's definition, which is computed from all requests that were admitted before;
- with the algorithm's Local, which makes the decisions again in the same order, field by field.

%s
- **decisions** are those on requests. The tables of the cases count settlements of reservations separately.
- **failed calls**: their callers got an error. **of them ran**: the server had decided them.
- **wrongly admitted** and **wrongly refused**: by the definition. Where charges are settled later, it is charged with the true
  costs, each at the time of its request, as far as they were settled by then. Then a request is wrongly admitted that it
  refuses. A refusal is compared with the Local only, as a settlement can't always give all back.
- **ran twice**: charged or settled more than once. **other than Local**: in any field of the answer.
- **bound**, in the tables of the cases, is the most that the definition admits: for the fixed window in one window, for the
  sliding log in any span of a period, for gcra and the leaky bucket's meter in any span of time t beyond the t/T that come
  back in it, for the queue the departures in any span of a period. **largest** is the largest count that callers were told, of
  any key, whether the server still knew of it or not. A settled reservation counts with the cost that it was settled with.
- **settlements**, in the tables of reservations: those that the server has run. **of more than reserved**: of them, those that
  left a debt. **ran, told an error**: of them, those whose callers got an error.
`
