// Command bench compares rate limiters. Run it from the root of the repository. Without a command it lists
// its commands:
//
//	go run ./bench
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/compare"
	"github.com/go-weir/weir/bench/internal/demo"
	"github.com/go-weir/weir/bench/internal/httpload"
	"github.com/go-weir/weir/bench/internal/measure"
	"github.com/go-weir/weir/bench/internal/report"
)

func main() {
	demo.Main()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends this program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run runs the command that args name, and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return command.Run(ctx, args, stdin, stdout, stderr,
		compare.Command(), measure.Command(), report.Command(), httpload.Command(), demo.Command())
}
