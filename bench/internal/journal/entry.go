package journal

import (
	"fmt"
	"strconv"
	"strings"
)

// An Entry is one run of a script.
type Entry struct {
	Call  int64 // the unique number of the call
	Now   int64 // the server's time as the script has read it, in µs since the Unix epoch
	Found bool  // whether one of the script's keys existed before
	First bool  // whether the script's first key existed before
	Reply []int64
}

// Parse parses an entry.
func Parse(text string) (Entry, error) {
	fields := strings.Fields(text)
	if len(fields) < 4 {
		return Entry{}, fmt.Errorf("journal: %q is no entry", text)
	}
	numbers := make([]int64, len(fields))
	for i, field := range fields {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return Entry{}, fmt.Errorf("journal: %q is no entry: %w", text, err)
		}
		numbers[i] = n
	}
	return Entry{Call: numbers[0], Now: numbers[1], Found: numbers[2] != 0, First: numbers[2] > 0, Reply: numbers[3:]}, nil
}
