package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/go-weir/weir/bench/internal/wholefile"
)

// header is the start of the line that describes the whole run. JSON follows it.
const header = "# run: "

// Read reads a file that the command measure has written.
func Read(path string) (Run, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		var wrong *fs.PathError
		if errors.As(err, &wrong) {
			err = wrong.Err
		}
		return Run{}, fmt.Errorf("can't read %s: %w", path, err)
	}
	run, err := parse(data)
	if err != nil {
		return Run{}, fmt.Errorf("%s: %w, want a file that bench measure -write has written", path, err)
	}
	return run, nil
}

func parse(data []byte) (run Run, err error) {
	found := false
	for line := range strings.Lines(string(data)) {
		if text, ok := strings.CutPrefix(line, header); ok {
			if err := json.Unmarshal([]byte(text), &run); err != nil {
				return run, fmt.Errorf("the line %q can't be read: %w", strings.TrimSpace(header), err)
			}
			found = true
		}
	}
	reader := benchfmt.NewReader(bytes.NewReader(data), "")
	for reader.Scan() {
		switch record := reader.Result().(type) {
		case *benchfmt.Result:
			run.Results = append(run.Results, record.Clone())
		case *benchfmt.SyntaxError:
			return run, record
		}
	}
	if !found || len(run.Results) == 0 {
		return run, errors.New("it contains no run")
	}
	return run, reader.Err()
}

// Write writes a run to a file that [Read] and benchstat can read. If it fails, it leaves the file as it was.
func Write(path string, run Run) error {
	data, err := Format(run)
	if err != nil {
		return err
	}
	return wholefile.Write(wholefile.File{Path: path, Data: data})
}

// Format returns the content of the file that Write writes.
func Format(run Run) ([]byte, error) {
	about, err := json.Marshal(run)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n", run.Command)
	for _, doubt := range run.Doubts {
		fmt.Fprintf(&b, "# DOUBTFUL: %s\n", doubt)
	}
	fmt.Fprintf(&b, "%s%s\n", header, about)
	for _, m := range Measures {
		better := "lower"
		if m.MoreBetter {
			better = "higher"
		}
		fmt.Fprintf(&b, "Unit %s better=%s\n", m.Unit, better)
	}
	w := benchfmt.NewWriter(&b)
	config := []benchfmt.Config{
		{Key: "goos", Value: []byte(run.Machine.OS), File: true},
		{Key: "goarch", Value: []byte(run.Machine.Arch), File: true},
		{Key: "cpu", Value: []byte(run.Machine.CPU), File: true},
		{Key: "server", Value: []byte(run.Server), File: true},
	}
	for _, result := range run.Results {
		line := *result
		line.Config = config
		if err := w.Write(&line); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}
