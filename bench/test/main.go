// Command test runs every test of every module of this repository against real servers:
//
//	go run ./bench/test [go test flags]
//
// It first prepares the servers. If there is a Docker engine, it pulls or builds their images; otherwise it uses programs of
// this machine. It also prepares a browser, for the tests of HTML pages. Then it runs go test. It prints a line for each
// package and the full output of each failure, and at the end how many tests ran against each server.
//
// It succeeds only if no test failed or was skipped and each server was used by a test. Flags are passed to go test: -race,
// -v, -run X, -timeout 20m. With -run or -skip a server may remain unused.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-weir/weir/bench/internal/browser"
	"github.com/go-weir/weir/bench/internal/modules"
	"github.com/go-weir/weir/bench/internal/servers"
)

func main() {
	if hasFlag(os.Args[1:], "h", "help") {
		fmt.Print(usage)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends this program at once
	ok, err := run(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "test:", err)
	}
	if !ok || err != nil {
		os.Exit(1)
	}
}

const usage = `Usage: go run ./bench/test [go test flags]      from the root of the repository

It prepares the servers (with Docker, or from Debian's packages) and a browser, and runs every
test of every module. Flags are those of go test, such as:

  -race        use the race detector
  -run REGEXP  run only these tests; then some servers may remain unused
  -v           print the output of tests that pass too
  -timeout 2h  the longest time for the tests of a package (the default is 60m)

The output of failed tests is printed in full. The exit code is 0 if no test failed or was
skipped and each server was used by a test, and 1 otherwise.
`

// run prepares the servers, runs the tests and reports. It returns whether all of them passed.
func run(ctx context.Context, flags []string) (bool, error) {
	root, err := modules.FindRoot(".")
	if err != nil {
		return false, err
	}
	sweep := servers.NewRun()
	kinds := servers.All()
	prepare(ctx, kinds)
	if ctx.Err() != nil {
		return false, errors.Join(errors.New("interrupted"), sweep())
	}

	tally := newTally()
	printer := &printer{out: os.Stdout, all: showsAll(flags)}
	testErr := goTest(ctx, root, flags, func(e event) {
		printer.event(e)
		if p := tally.event(e); p != nil {
			printer.packageDone(p)
		}
	})
	tally.close(printer.packageDone, testErr)
	sweepErr := sweep()

	var unused []servers.Kind
	if !filters(flags) {
		unused = tally.unused(kinds)
	}
	printer.summary(tally, unused)
	if ctx.Err() != nil {
		return false, errors.Join(errors.New("interrupted"), sweepErr)
	}
	return tally.total.failed == 0 && tally.total.skipped == 0 && len(unused) == 0, sweepErr
}

// prepare gets the servers and the browser ready. It reports each one that isn't available. The tests run nevertheless, and
// those that need it fail.
func prepare(ctx context.Context, kinds []servers.Kind) {
	fmt.Println(servers.Engine())
	tell := func(r servers.Ready) {
		if r.Err != nil {
			r.How = "NOT READY: " + r.Err.Error()
		}
		fmt.Printf("%-12s %s  %.1fs\n", r.Kind.Name, r.How, r.Took.Round(100*time.Millisecond).Seconds())
	}
	servers.Prepare(ctx, kinds, tell)
	begin := time.Now()
	how, err := browser.Prepare(ctx)
	tell(servers.Ready{Kind: servers.Kind{Name: "browser"}, How: how, Took: time.Since(begin), Err: err})
	fmt.Println()
}
