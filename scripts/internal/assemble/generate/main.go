// Command generate writes the Lua files of package scripts into the working directory, from the fragments in src.
package main

import (
	"fmt"
	"os"

	"github.com/go-weir/weir/scripts/internal/assemble"
)

func main() {
	texts, err := assemble.Scripts(os.DirFS("src"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for name, text := range texts {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil { //nolint:gosec // sources are read by everyone
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
