package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/go-weir/weir/bench/internal/wholefile"
)

// Read reads the document that the command measure has written to a file.
func Read(path string) (Run, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		var wrong *fs.PathError
		if errors.As(err, &wrong) {
			err = wrong.Err
		}
		return Run{}, fmt.Errorf("can't read %s: %w", path, err)
	}
	run, err := Parse(data)
	if err != nil {
		return Run{}, fmt.Errorf("%s: %w", path, err)
	}
	return run, nil
}

// Parse reads a document that the command measure has written.
func Parse(data []byte) (Run, error) {
	var head struct {
		Format *int `json:"format"`
	}
	if err := json.Unmarshal(data, &head); err != nil || head.Format == nil {
		var syntax *json.SyntaxError
		switch {
		case len(bytes.TrimSpace(data)) == 0:
			return Run{}, errors.New("it is empty, want the JSON document of a run of bench measure")
		case errors.As(err, &syntax):
			return Run{}, fmt.Errorf("it is no JSON document (%w), want that of a run of bench measure", err)
		}
		return Run{}, errors.New("it is not the JSON document of a run of bench measure")
	}
	if *head.Format != Format {
		return Run{}, fmt.Errorf("it is of format %d, and this program reads format %d: measure anew, or report with the program that has measured", *head.Format, Format)
	}
	var run Run
	if err := json.Unmarshal(data, &run); err != nil {
		return Run{}, fmt.Errorf("it is not what bench measure writes: %w", err)
	}
	return run, nil
}

// Write writes a run to a file, as a JSON document that [Read] reads: all of it, or nothing. Numbers
// are rounded to four digits where more say nothing.
func Write(path string, run Run) error {
	data, err := Marshal(run)
	if err != nil {
		return err
	}
	return wholefile.Write(wholefile.File{Path: path, Data: data})
}

// Marshal returns a run as Write writes it.
func Marshal(run Run) ([]byte, error) {
	data, err := json.Marshal(rounded(run))
	if err != nil {
		return nil, err
	}
	return lines(data), nil
}

// resultDepth is how many braces and brackets are open around the results of a cell.
const resultDepth = 4

// lines breaks a compact JSON document into lines: one for each field of the document, and one for each
// object in a list, but none within a cell's results.
func lines(data []byte) []byte {
	var b bytes.Buffer
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		c := data[i]
		b.WriteByte(c)
		if quoted {
			switch c {
			case '\\':
				i++
				b.WriteByte(data[i])
			case '"':
				quoted = false
			}
			continue
		}
		switch c {
		case '"':
			quoted = true
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			continue
		}
		opens := i+1 < len(data) && data[i+1] == '{'
		if (c == '[' || c == ',') && opens && depth <= resultDepth || (c == ',' || c == '{') && depth == 1 {
			b.WriteByte('\n')
		}
	}
	b.WriteByte('\n')
	return b.Bytes()
}
