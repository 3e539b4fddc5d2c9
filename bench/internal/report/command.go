package report

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/wholefile"
)

const description = `It reads what bench measure has written with -json, one run or several, and prints a
summary as Markdown: what each limiter's decisions cost, as ratios to one of them. Several
runs on the same server stand side by side, and it says how far they differ.

  go run ./bench report run.json
  go run ./bench report -html report.html run.json
  go run ./bench report -markdown report.md run.json again.json
  go run ./bench report -baseline redis_rate -only weir-gcra,redis_rate run.json`

// Command returns the command report.
func Command() *cli.Command {
	return &cli.Command{
		Name:        "report",
		Usage:       "makes tables and charts of what was measured",
		Description: description,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "markdown", Usage: "write the summary to this `FILE`, and not to standard output"},
			&cli.StringFlag{Name: "html", Usage: "write a page with the same tables, charts and the runs themselves to this\n`FILE`; it needs nothing else, and no network"},
			&cli.StringFlag{Name: "baseline", Usage: "ratios to the limiter of this `NAME` (the default is " + DefaultBaseline + ",\nor the first that all runs have measured)"},
			&cli.StringSliceFlag{Name: "only", Usage: "only the limiters of these `NAMES`, and the baseline"},
		},
		Action: action,
	}
}

func action(_ context.Context, cmd *cli.Command) error {
	paths := cmd.Args().Slice()
	if len(paths) == 0 {
		return command.Misuse(cmd, "which run? report takes the JSON files that bench measure has written")
	}
	for i, path := range paths {
		if slices.ContainsFunc(paths[:i], func(other string) bool { return same(other, path) }) {
			return command.Misuse(cmd, "%s is named twice", path)
		}
	}
	outputs := map[string]string{} // by flag
	for _, flag := range []string{"markdown", "html"} {
		path := cmd.String(flag)
		switch {
		case !cmd.IsSet(flag):
			continue
		case path == "":
			return command.Misuse(cmd, "-%s names no file", flag)
		case slices.ContainsFunc(paths, func(other string) bool { return same(other, path) }):
			return command.Misuse(cmd, "-%s would overwrite the run %s", flag, path)
		case outputs["markdown"] != "" && same(outputs["markdown"], path):
			return command.Misuse(cmd, "-markdown and -html name the same file %s", path)
		}
		outputs[flag] = path
	}
	var inputs []Input
	for _, path := range paths {
		run, err := results.Read(path)
		if err != nil {
			return err
		}
		inputs = append(inputs, Input{path, run})
	}
	report, err := New(inputs, cmd.String("baseline"), names(cmd, "only"))
	if err != nil {
		return err
	}
	return report.write(cmd.Root().Writer, outputs)
}

// write writes the report to the outputs' files, by the flags' names, or to standard output.
func (r Report) write(stdout io.Writer, outputs map[string]string) error {
	var files []wholefile.File
	if path, ok := outputs["markdown"]; ok {
		files = append(files, wholefile.File{Path: path, Data: []byte(r.Markdown(filepath.Dir(path)))})
	}
	if path, ok := outputs["html"]; ok {
		var page bytes.Buffer
		if err := r.Page(&page); err != nil {
			return err
		}
		files = append(files, wholefile.File{Path: path, Data: page.Bytes()})
	}
	if len(files) > 0 {
		return wholefile.Write(files...)
	}
	_, err := io.WriteString(stdout, r.Markdown(""))
	return err
}

// same says whether two paths are of the same file.
func same(a, b string) bool {
	a, errA := realPath(a)
	b, errB := realPath(b)
	return errA == nil && errB == nil && a == b
}

// realPath returns the path of a file without links, or, if there is no such file, of where it would be.
func realPath(path string) (string, error) {
	if found, err := filepath.EvalSymlinks(path); err == nil {
		path = found
	}
	return filepath.Abs(path)
}

// names returns the values of a flag that takes several.
func names(cmd *cli.Command, flag string) (all []string) {
	for _, name := range cmd.StringSlice(flag) {
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, name)
		}
	}
	return all
}
