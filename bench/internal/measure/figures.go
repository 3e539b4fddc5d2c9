package measure

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/perf/benchfmt"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

// A sum adds up the slices of a limiter's round.
type sum struct {
	round.Tally // without Latency; Took is the time that the calls take at the workers' combined speed
	used        usage
	latency     *hdrhistogram.Histogram
}

// add adds a slice: the tallies of the workers, and the usage of the server.
func (s *sum) add(tallies []round.Tally, used usage) error {
	if s.latency == nil {
		s.latency = newHistogram()
	}
	var calls, speed float64
	for _, tally := range tallies {
		if tally.Calls == 0 {
			continue
		}
		calls += float64(tally.Calls)
		speed += float64(tally.Calls) / tally.Took.Seconds()
		decoded, err := hdrhistogram.Decode(tally.Latency)
		if err != nil {
			return fmt.Errorf("measure: can't read the latencies of a worker: %w", err)
		}
		s.latency.Merge(decoded)
		s.Add(tally)
	}
	if calls > 0 {
		s.Took += time.Duration(calls / speed * float64(time.Second))
	}
	s.used = s.used.plus(used)
	return nil
}

// figures returns the values of a round. sent is the number of each command for one decision. Denied requests for keys that
// aren't full count as wrong only if their limit is unreachable.
func (s *sum) figures(sent map[string]float64, unreachable bool) (values []benchfmt.Value, err error) {
	if s.Calls == 0 {
		return nil, errors.New("measure: a round ended before its first call: want longer rounds")
	}
	n := float64(s.Calls)
	commands, inRound := 0.0, map[string]float64{}
	for command, each := range sent {
		commands += each
		inRound[command] = each * n
	}
	wrong := s.WronglyAdmitted
	if unreachable {
		wrong += s.WronglyDenied
	}
	for _, v := range []struct {
		value float64
		unit  string
	}{
		{n / s.Took.Seconds(), "decisions/s"},
		{float64(s.latency.ValueAtQuantile(50)), "p50-ns"},
		{float64(s.latency.ValueAtQuantile(99)), "p99-ns"},
		{float64(s.used.cpu.Nanoseconds()) / n, "server-ns/op"},
		{1000 * s.used.took(inRound) / n, "command-ns/op"},
		{float64(s.Malloced) / n, results.AllocBytes},
		{float64(s.Mallocs) / n, results.Allocs},
		{float64(s.Sent) / n, results.Sent},
		{float64(s.Received) / n, results.Received},
		{commands, results.Commands},
		{s.used.calls() / n, results.ServerCommands},
		{float64(s.Denied) / n, results.Denied},
		{float64(s.Failed) / n, results.Failed},
		{float64(wrong) / n, results.Wrong},
	} {
		values = append(values, results.Value(fourDigits(v.value), v.unit))
	}
	return values, nil
}

// newHistogram returns a histogram with the same range and precision as those of the workers.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, 120e9, 2) }

// fourDigits rounds a value to four digits. The measurement isn't more precise than that.
func fourDigits(value float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(value, 'g', 4, 64), 64)
	if err != nil {
		return value
	}
	return short
}
