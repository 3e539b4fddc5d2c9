package compare

import (
	"io"
	"os"

	"golang.org/x/term"
)

// terminal returns the number of columns of w, and whether w shows colours.
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
