// Package report writes the results of the command measure as Markdown: a summary, and tables of all figures.
package report

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/wholefile"
)

const description = `It reads the files that bench measure -write has written, and prints a summary as Markdown. The
summary compares Weir's limiters with others that use the same algorithm and the same client: in how
many loads each is better, undecided or worse, and how much memory keys take. Given several runs,
it shows the verdicts of each, and lists those that differ between better and worse.

  go run ./bench report run.txt
  go run ./bench report run.txt again.txt
  go run ./bench report -summary summary.md -tables tables.md run.txt again.txt`

// Command returns the command report.
func Command() *cli.Command {
	return &cli.Command{
		Name:        "report",
		Usage:       "summarizes runs of measure",
		Description: description,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "summary", Usage: "write the summary to this `FILE` instead of standard output"},
			&cli.StringFlag{Name: "tables", Usage: "write the figures of every limiter under every load to this `FILE`"},
		},
		Action: action,
	}
}

func action(_ context.Context, cmd *cli.Command) error {
	paths := cmd.Args().Slice()
	if len(paths) == 0 {
		return command.Misuse(cmd, "which run? report takes the files that bench measure -write has written")
	}
	for _, flag := range []string{"summary", "tables"} {
		if cmd.IsSet(flag) && cmd.String(flag) == "" {
			return command.Misuse(cmd, "-%s is empty: want the name of a file", flag)
		}
	}
	var runs []measured
	for i, path := range paths {
		if slices.ContainsFunc(paths[:i], func(other string) bool { return filepath.Clean(other) == filepath.Clean(path) }) {
			return command.Misuse(cmd, "%s is named twice", path)
		}
		run, err := results.Read(path)
		if err != nil {
			return err
		}
		runs = append(runs, measured{run, run.Loads()})
	}
	line := command.Line(cmd)
	files := []wholefile.File{
		{Path: cmd.String("summary"), Data: []byte(summary(runs, line))},
		{Path: cmd.String("tables"), Data: []byte(everything(runs, line))},
	}
	for _, file := range files {
		for _, path := range paths {
			if file.Path != "" && filepath.Clean(file.Path) == filepath.Clean(path) {
				return command.Misuse(cmd, "%s is a run, and would be overwritten", path)
			}
		}
	}
	if !cmd.IsSet("summary") {
		if _, err := cmd.Root().Writer.Write(files[0].Data); err != nil {
			return err
		}
	}
	return wholefile.Write(slices.DeleteFunc(files, func(f wholefile.File) bool { return f.Path == "" })...)
}
