package main

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
)

// mayGrow is the share by which a script's count may exceed the baseline's.
const mayGrow = 0.03

// baseline returns the text of a baseline file with the counts.
func (f figures) baseline() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Instructions of the server for a decision with a shipped script, above those for a PING, on %s.\n", runtime.GOARCH)
	b.WriteString("# Written by: go run ./bench/instructions -write FILE\n")
	for _, e := range f.sorted() {
		fmt.Fprintf(&b, "%s %s %.0f\n", e.server, e.name, f[e])
	}
	return b.String()
}

// readBaseline reads a baseline file.
func readBaseline(file string) (figures, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	f := figures{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var e entry
		var count float64
		if _, err := fmt.Sscanf(line, "%s %s %g\n", &e.server, &e.name, &count); err != nil || count <= 0 {
			return nil, fmt.Errorf("%s: %q, want a server, a case and a count", file, strings.TrimSpace(line))
		}
		f[e] = count
	}
	return f, nil
}

// grown compares counts with the baseline f. It returns a line for each count that exceeds the one in f by more than
// mayGrow, and for each case that f lacks.
func (f figures) grown(counts figures) (lines []string) {
	for _, e := range counts.sorted() {
		was, known := f[e]
		switch is := counts[e]; {
		case !known:
			lines = append(lines, fmt.Sprintf("%s on %s: the baseline has no such case; write it anew with -write", e.name, e.server))
		case is > was*(1+mayGrow):
			lines = append(lines, fmt.Sprintf("%s on %s: %.0f instructions, %.1f %% more than the baseline's %.0f; make it cheaper, or write the baseline anew with -write",
				e.name, e.server, is, 100*(is/was-1), was))
		}
	}
	return lines
}

func (f figures) sorted() []entry {
	return slices.SortedFunc(maps.Keys(f), func(a, b entry) int {
		return strings.Compare(a.server+" "+a.name, b.server+" "+b.name)
	})
}
