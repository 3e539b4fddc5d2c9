package trace

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The largest values in a file. They are far above realistic ones, and keep sums exact.
const (
	maxOffset = (1 << 51) * time.Microsecond // 71 years
	maxCost   = 1 << 31
)

// ReadCSV reads arrivals from lines of offset,key,cost. Without a key, the key is empty; without a cost, the cost is 1. An
// offset is a duration as time.ParseDuration parses it ("1.5s", "2m"), or a number of seconds ("1.5"). It is rounded to
// microseconds. Offsets must not decrease. ReadCSV skips empty lines, lines that begin with #, and a first line that begins with
// the word offset.
//
// Errors begin with name and, if a line is wrong, its number. They say what is wrong with the line, and what is expected.
func ReadCSV(name string, r io.Reader) ([]Arrival, error) {
	buffered := bufio.NewReader(r)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = buffered.Discard(len(mark)) // some programs write this byte order mark at the beginning of UTF-8 files
	}
	reader := csv.NewReader(buffered)
	reader.Comment, reader.FieldsPerRecord, reader.TrimLeadingSpace, reader.ReuseRecord = '#', -1, true, true

	var arrivals []Arrival
	keys := map[string]string{} // so that equal keys are one string in memory
	lastLine := 0
	for first := true; ; first = false {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, readError(name, err)
		}
		line, _ := reader.FieldPos(0)
		if first && strings.EqualFold(strings.TrimSpace(fields[0]), "offset") {
			if err := checkHeader(fields); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, line, err)
			}
			continue
		}
		arrival, err := parse(fields)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if n := len(arrivals); n > 0 && arrival.At < arrivals[n-1].At {
			return nil, fmt.Errorf("%s:%d: offset %v comes after %v on line %d: want lines in the order of time",
				name, line, arrival.At, arrivals[n-1].At, lastLine)
		}
		if key, known := keys[arrival.Key]; known {
			arrival.Key = key
		} else {
			arrival.Key = strings.Clone(arrival.Key)
			keys[arrival.Key] = arrival.Key
		}
		arrivals, lastLine = append(arrivals, arrival), line
	}
	if len(arrivals) == 0 {
		return nil, fmt.Errorf("%s: it contains no request: want lines of offset,key,cost, such as 1.5s,alice,1", name)
	}
	return arrivals, nil
}

// readError returns the error for a line that is not CSV, or for a file that can't be read.
func readError(name string, err error) error {
	var syntax *csv.ParseError
	if !errors.As(err, &syntax) {
		return fmt.Errorf("%s: %w", name, err)
	}
	return fmt.Errorf("%s:%d: it has a misplaced quote: want a key with quotes or commas as \"a \"\"key\"\", quoted\"", name, syntax.StartLine)
}

// checkHeader returns an error if the columns of a header are not offset, key and cost.
func checkHeader(fields []string) error {
	for i, want := range []string{"offset", "key", "cost"}[:min(len(fields), 3)] {
		if !strings.EqualFold(strings.TrimSpace(fields[i]), want) {
			return fmt.Errorf("column %d is %q: want offset,key,cost, in this order", i+1, fields[i])
		}
	}
	return checkCount(fields)
}

func checkCount(fields []string) error {
	if len(fields) > 3 {
		return fmt.Errorf("%d fields: want offset,key,cost; a key with commas stands in quotes", len(fields))
	}
	return nil
}

func parse(fields []string) (Arrival, error) {
	if err := checkCount(fields); err != nil {
		return Arrival{}, err
	}
	at, err := parseOffset(strings.TrimSpace(fields[0]))
	if err != nil {
		return Arrival{}, err
	}
	arrival := Arrival{At: at, Cost: 1}
	if len(fields) > 1 {
		if arrival.Key = fields[1]; !utf8.ValidString(arrival.Key) {
			return Arrival{}, fmt.Errorf("key %q is not UTF-8", arrival.Key)
		}
	}
	if len(fields) > 2 && strings.TrimSpace(fields[2]) != "" {
		arrival.Cost, err = strconv.ParseInt(strings.TrimSpace(fields[2]), 10, 64)
		if err != nil || arrival.Cost < 1 || arrival.Cost > maxCost {
			return Arrival{}, fmt.Errorf("cost %q: want a whole number from 1 to %d, or nothing for 1", fields[2], maxCost)
		}
	}
	return arrival, nil
}

func parseOffset(text string) (time.Duration, error) {
	at, err := time.ParseDuration(text)
	if seconds, notSeconds := strconv.ParseFloat(text, 64); notSeconds == nil {
		us := math.Round(seconds * 1e6)
		if math.IsNaN(us) || math.Abs(us) > float64(maxOffset.Microseconds()) {
			us = -1 // so that the range check below fails
		}
		at, err = time.Duration(us)*time.Microsecond, nil
	}
	if err != nil {
		return 0, fmt.Errorf("offset %q: want a length of time such as 1.5s, 250ms or 2m, or seconds such as 1.5", text)
	}
	if at = at.Round(time.Microsecond); at < 0 || at > maxOffset {
		return 0, fmt.Errorf("offset %q: want 0 to %v after the beginning of the trace", text, maxOffset)
	}
	return at, nil
}
