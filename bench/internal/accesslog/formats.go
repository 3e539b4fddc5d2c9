package accesslog

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A format parses lines.
type format interface {
	name() string
	names() []string // of the fields
	// values returns the wanted fields of a line, with "" for a missing one. They are valid until the next call.
	values(line string, wanted []want) ([]string, error)
}

// recognize returns the format of a line, or nil for one that is neither a JSON object nor combined.
func recognize(line string) format {
	var object map[string]json.RawMessage
	if line[0] == '{' && json.Unmarshal([]byte(line), &object) == nil {
		return &jsonFormat{sample: object}
	}
	if _, err := parseCombined(line); err == nil {
		return &combinedFormat{}
	}
	return nil
}

// isHeader reports whether a line is the header of a CSV file with a column for the time.
func isHeader(line, timeField string) bool {
	f := newCSV(line)
	_, ok := find(f, timeField, "time")
	return ok && len(f.columns) > 1
}

// jsonFormat is lines of JSON objects.
type jsonFormat struct {
	sample map[string]json.RawMessage
	out    []string
}

func (*jsonFormat) name() string { return "JSON lines" }

func (f *jsonFormat) names() (names []string) {
	for name, value := range f.sample {
		var inner map[string]json.RawMessage
		if value[0] != '{' || json.Unmarshal(value, &inner) != nil {
			names = append(names, name)
		}
		for part := range inner {
			names = append(names, name+"."+part)
		}
	}
	slices.Sort(names)
	return names
}

func (f *jsonFormat) values(line string, wanted []want) ([]string, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(line), &object); err != nil {
		return nil, fmt.Errorf("%s is not a JSON object", shown(line))
	}
	f.out = f.out[:0]
	for _, w := range wanted {
		f.out = append(f.out, member(object, w.field))
	}
	return f.out, nil
}

// member returns a string, number or boolean of an object as text, or "" for anything else.
func member(object map[string]json.RawMessage, name string) string {
	value, ok := object[name]
	if !ok {
		outer, rest, dotted := strings.Cut(name, ".")
		var inner map[string]json.RawMessage
		if !dotted || json.Unmarshal(object[outer], &inner) != nil {
			return ""
		}
		return member(inner, rest)
	}
	switch value[0] {
	case '"':
		var text string
		_ = json.Unmarshal(value, &text) // can't fail, as the document is valid
		return text
	case '{', '[', 'n':
		return ""
	}
	return string(value)
}

// csvFormat is CSV with a header line.
type csvFormat struct {
	columns []string
	at      map[string]int
	lines   strings.Reader
	r       *csv.Reader
	out     []string
}

func newCSV(line string) *csvFormat {
	f := &csvFormat{columns: header(line), at: map[string]int{}}
	for i, name := range f.columns {
		f.at[name] = i
	}
	f.r = csv.NewReader(&f.lines)
	f.r.Comma, f.r.ReuseRecord, f.r.FieldsPerRecord = separator(line), true, len(f.columns)
	return f
}

// separator returns the character between the columns of a header line.
func separator(line string) rune {
	best := ','
	for _, r := range ";\t" {
		if strings.Count(line, string(r)) > strings.Count(line, string(best)) {
			best = r
		}
	}
	return best
}

// header returns the names in a header line.
func header(line string) []string {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(line, "#")))
	r.Comma, r.LazyQuotes = separator(line), true
	names, _ := r.Read()
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return names
}

func (*csvFormat) name() string      { return "CSV" }
func (f *csvFormat) names() []string { return f.columns }

func (f *csvFormat) values(line string, wanted []want) ([]string, error) {
	f.lines.Reset(line) // the CSV reader can continue after io.EOF
	record, err := f.r.Read()
	switch {
	case errors.Is(err, csv.ErrFieldCount):
		return nil, fmt.Errorf("it has %d fields, the header has %d", len(record), len(f.columns))
	case err != nil:
		return nil, errors.New("it has a misplaced quote")
	}
	f.out = f.out[:0]
	for _, w := range wanted {
		f.out = append(f.out, strings.TrimSpace(record[f.at[w.field]]))
	}
	return f.out, nil
}
