// Package progress shows the progress of a long command on a terminal.
package progress

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A Bar counts steps. Its methods can be called from many goroutines.
type Bar struct{ bar *progressbar.ProgressBar }

// Unknown is the number of steps if it is unknown.
const Unknown = -1

// Start shows on w, if it is a terminal, how many of all steps are done, how fast, and how long the rest will take. If the
// number of steps is Unknown, it shows only that the work continues.
func Start(w io.Writer, all int) Bar {
	return start(w, all, looked(w), often)
}

// often is the interval between updates.
const often = 100 * time.Millisecond

// looked reports whether w is a terminal.
func looked(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Follow shows on w, if it is a terminal, the progress of a counter towards all, until stop is called.
func Follow(w io.Writer, all int, counter *atomic.Int64) (stop func()) {
	if !looked(w) {
		return func() {}
	}
	ended := make(chan struct{})
	var showing sync.WaitGroup
	showing.Go(func() {
		ticker := time.NewTicker(often)
		defer ticker.Stop()
		bar := Start(w, all)
		defer bar.End()
		for {
			select {
			case <-ticker.C:
				_ = bar.bar.Set64(counter.Load())
			case <-ended:
				return
			}
		}
	})
	return func() {
		close(ended)
		showing.Wait()
	}
}

func start(w io.Writer, all int, visible bool, each time.Duration) Bar {
	options := []progressbar.Option{
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetVisibility(visible),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionThrottle(each),
		progressbar.OptionSetWidth(20),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
	}
	if all != Unknown {
		options = append(options, progressbar.OptionShowCount(), progressbar.OptionShowIts())
	}
	return Bar{progressbar.NewOptions(all, options...)}
}

// Say shows the present activity.
func (b Bar) Say(what string) { b.bar.Describe(what) }

// Step adds n steps that are done.
func (b Bar) Step(n int) { _ = b.bar.Add(n) }

// End removes the bar. It can be called again.
func (b Bar) End() {
	if !b.bar.IsFinished() {
		_ = b.bar.Finish()
	}
}
