package compare

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// terminal returns how many columns w has, and whether it shows colours.
func terminal(w io.Writer) (width int, color bool) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return defaultWidth, false
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		width = defaultWidth
	}
	return max(width, minWidth), os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// showProgress shows on w, if it is a terminal, how many of all decisions are made, from when that
// takes longer than a moment until stop is called.
func showProgress(w io.Writer, decided *atomic.Int64, all int) (stop func()) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return func() {}
	}
	ended := make(chan struct{})
	var showing sync.WaitGroup
	showing.Go(func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		line := ""
		for {
			select {
			case <-ticker.C:
				line = fmt.Sprintf("%d of %d decisions made", decided.Load(), all)
				fmt.Fprint(file, "\r"+line)
			case <-ended:
				if line != "" {
					fmt.Fprint(file, "\r"+strings.Repeat(" ", len(line))+"\r")
				}
				return
			}
		}
	})
	return func() {
		close(ended)
		showing.Wait()
	}
}
