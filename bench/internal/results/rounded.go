package results

import (
	"slices"
	"strconv"
)

// rounded returns a run whose measured numbers have four significant digits. Counts, and all of the
// run's own, are as they were.
func rounded(run Run) Run {
	run.Cells = slices.Clone(run.Cells)
	for i := range run.Cells {
		cell := &run.Cells[i]
		cell.Results = slices.Clone(cell.Results)
		for j := range cell.Results {
			cell.Results[j] = cell.Results[j].rounded()
		}
	}
	return run
}

func (r Result) rounded() Result {
	r.Rounds = slices.Clone(r.Rounds)
	for i := range r.Rounds {
		round := &r.Rounds[i]
		for _, value := range []*float64{&round.Throughput, &round.P50, &round.P99, &round.ServerCPU, &round.CommandCPU} {
			*value = fourDigits(*value)
		}
	}
	r.Latency.Points = slices.Clone(r.Latency.Points)
	for i := range r.Latency.Points {
		r.Latency.Points[i][1] = fourDigits(r.Latency.Points[i][1]) // not the percentile: 99.999 is not 100
	}
	for _, value := range []*float64{
		&r.Latency.Mean, &r.Latency.Max, &r.Allocs, &r.AllocBytes, &r.Sent, &r.Received, &r.Commands, &r.ServerCommands,
	} {
		*value = fourDigits(*value)
	}
	return r
}

func fourDigits(value float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(value, 'g', 4, 64), 64)
	if err != nil {
		return value
	}
	return short
}
