// Package accesslog reads requests from the logs of web servers and services: nginx's and Apache's combined and common
// formats, JSON lines, and CSV with a header line.
package accesslog

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-weir/weir/bench/internal/trace"
)

// Options say how to read a log.
type Options struct {
	Time   string        // the name of the field with the time; "" for the usual names
	Key    []string      // the fields that together are the key: see [Read]; the address if empty
	Late   time.Duration // how far the time of a line may be before that of an earlier line
	Spread bool          // whether requests with whole-second times are spread over their second
}

// A Log holds the requests that were read from a log.
type Log struct {
	Arrivals []trace.Arrival // in the order of time, since Start
	Start    time.Time       // a whole second

	Format string // such as "JSON lines"
	Time   string // the name of the field with the time
	Key    string // the names of the fields that are the key

	Lines     int     // the number of lines that are not empty
	Malformed LeftOut // lines that are not requests
	Keyless   LeftOut // requests without a key
	Late      LeftOut // requests that are later in the log than Options.Late allows
	Zoneless  bool    // whether some times have no zone, and were taken as UTC
	Whole     bool    // whether all times are whole seconds
	Spread    bool    // whether requests were spread over their second
}

// LeftOut counts lines that were left out.
type LeftOut struct {
	Count int
	First int    // the number of the first such line
	Why   string // the reason for the first such line
}

func (l *LeftOut) add(line int, why string) {
	if l.Count++; l.Count == 1 {
		l.First, l.Why = line, why
	}
}

// Notes returns sentences that say how the log was read.
func (l Log) Notes() []string {
	notes := []string{fmt.Sprintf("Read as %s: the time is %s, the key is %s.", l.Format, l.Time, l.Key)}
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if l.Zoneless {
		add("Times without a zone are taken as UTC.")
	}
	switch {
	case l.Spread:
		add("All times are whole seconds. So that the requests of a second don't look like a burst, they are spread evenly over that second, in their order (-spread=false turns that off).")
	case l.Whole:
		add("All times are whole seconds, so the requests of a second look like a burst at its beginning (without -spread=false they are spread over the second).")
	}
	for _, out := range []struct {
		LeftOut
		one, many, hint string
	}{
		{l.Malformed, "malformed line is", "malformed lines are", ""},
		{l.Keyless, "line without a key is", "lines without a key are", ""},
		{l.Late, "line is too late and is", "lines are too late and are", " (-late allows more)"},
	} {
		if what := out.many; out.Count > 0 {
			if out.Count == 1 {
				what = out.one
			}
			add("%d %s left out. The first is line %d: %s%s.", out.Count, what, out.First, out.Why, out.hint)
		}
	}
	return notes
}

// check returns an error if the log has no request, or if more than half of its lines can't be used.
func (l Log) check(name string) error {
	for _, out := range []struct {
		LeftOut
		what string
		most int // the largest number of lines that may be left out
	}{
		{l.Malformed, "malformed", l.Lines / 2},
		{l.Late, "out of order; -late allows more", l.Lines / 2},
		{l.Keyless, "without a key; -key says what the key is", max(l.Lines-1, 0)},
	} {
		if out.Count > out.most {
			return fmt.Errorf("%s:%d: %s; %d of %d lines are %s", name, out.First, out.Why, out.Count, l.Lines, out.what)
		}
	}
	if len(l.Arrivals) == 0 {
		return fmt.Errorf("%s: it contains no request", name)
	}
	return nil
}

// spread spreads the requests of each second evenly over that second.
func spread(arrivals []trace.Arrival) {
	for len(arrivals) > 0 {
		n := 1
		for n < len(arrivals) && arrivals[n].At == arrivals[0].At {
			n++
		}
		for i := range arrivals[:n] {
			arrivals[i].At += time.Duration(i*1_000_000/n) * time.Microsecond
		}
		arrivals = arrivals[n:]
	}
}

// shown quotes a value for a message, and cuts it if it is long.
func shown(text string) string {
	const most = 60
	if runes := []rune(strings.ToValidUTF8(text, "\uFFFD")); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
