package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/go-weir/weir/bench/internal/results"
)

// memory returns what a key takes on a server by how many events it has admitted.
func (r Report) memory(s Server) []block {
	var events []int
	for _, in := range s.Inputs {
		for _, m := range in.Run.Memory {
			if !slices.Contains(events, m.Events) {
				events = append(events, m.Events)
			}
		}
	}
	slices.Sort(events)
	t := table{head: []text{say("bytes a key")}}
	for _, n := range events {
		t.head = append(t.head, say(plural(n, "event")))
	}
	t.head = append(t.head, say("bytes an event"), say("keys on the server"))
	for _, l := range r.Limiters {
		row := []text{limiterName(l.Name, l.Floor)}
		var perEvent, keys []text // at the most events
		for _, n := range events {
			var perRun, perEventHere, keysHere []text
			for _, in := range s.Inputs {
				for _, m := range in.Run.Memory {
					if m.Limiter == l.Name && m.Events == n && m.Bytes > 0 { // a key that is gone tells nothing
						perRun = append(perRun, say(count(m.Bytes)))
						perEventHere = append(perEventHere, say(brief(float64(m.Bytes)/max(1, float64(m.Events)))))
						keysHere = append(keysHere, say(count(m.Keys)))
					}
				}
			}
			if len(perRun) > 0 {
				perEvent, keys = perEventHere, keysHere
			}
			row = append(row, once(perRun))
		}
		if len(keys) > 0 {
			t.rows = append(t.rows, append(row, once(perEvent), once(keys)))
		}
	}
	if len(t.rows) == 0 {
		return nil
	}
	about := "What one key has on the server, all of its keys there together, as MEMORY USAGE tells, when so many of its requests were admitted. " +
		"Bytes an event are those at the most events."
	return []block{heading{3, "Memory"}, paragraph(say(about)), t}
}

// once returns what several runs say as lines, or once if they say the same.
func once(perRun []text) text {
	if len(perRun) == 0 {
		return say(none)
	}
	for _, t := range perRun[1:] {
		if !slices.Equal(t, perRun[0]) {
			return lines(perRun)
		}
	}
	return perRun[0]
}

// clientCosts returns what a decision costs in the client and on the wire.
func (r Report) clientCosts(s Server) []block {
	t := table{head: []text{say("a decision")}}
	for _, total := range results.Totals {
		t.head = append(t.head, say(total.Name))
	}
	for _, l := range r.Limiters {
		row, any := []text{limiterName(l.Name, l.Floor)}, false
		for _, total := range results.Totals {
			var perRun []text
			for _, in := range s.Inputs {
				mean, ratio, ok := r.totalOf(in.Run, l.Name, total)
				if !ok {
					continue
				}
				any = true
				cell := brief(mean)
				if l.Name != r.Baseline && ratio != "" {
					cell += " (" + ratio + ")"
				}
				perRun = append(perRun, say(cell))
			}
			row = append(row, once(perRun))
		}
		if any {
			t.rows = append(t.rows, row)
		}
	}
	if len(t.rows) == 0 {
		return nil
	}
	about := say("The mean over all cells; in brackets the ratio to ").plus(name(r.Baseline)).and(", the median over the cells. " +
		"Commands sent are the client's own, commands run also those that scripts call.")
	return []block{heading{3, "Costs in the client and on the wire"}, paragraph(about), t}
}

// totalOf returns the mean of a total over the cells of a run in which it was told, and the median of its
// ratio to the baseline's.
func (r Report) totalOf(run results.Run, limiter string, total results.Total) (mean float64, toBase string, ok bool) {
	var ratios []float64
	n, sum := 0, 0.0
	for _, cell := range run.Cells {
		result, measured := cell.Result(limiter)
		if !measured || result.Calls == 0 {
			continue
		}
		sum += total.Of(result)
		n++
		base, _ := cell.Result(r.Baseline)
		if value, ok := total.Ratio(result, base); ok {
			ratios = append(ratios, value)
		}
	}
	if n == 0 {
		return 0, "", false
	}
	if s := results.NewSpread(ratios); s.N > 0 {
		toBase = ratio(s.Median)
	}
	return sum / float64(n), toBase, true
}

// accuracy returns how exactly each limiter kept to its own definition, and what it decided wrongly in
// the cells.
func (r Report) accuracy(s Server) (blocks []block) {
	t := table{head: []text{say("limiter"), say("its definition"), say("limit"), say("requests"), say("failed"), say("admitted"), say("right"), say("wrong by"), say("most in a period")}, texts: []int{1, 2}}
	for _, l := range r.Limiters {
		for _, in := range s.Inputs {
			for _, a := range in.Run.Accuracy {
				if a.Limiter != l.Name {
					continue
				}
				t.rows = append(t.rows, []text{
					limiterName(l.Name, l.Floor), say(string(l.Definition)), say(a.Limit), say(count(a.Calls)), say(count(a.Failed)), say(count(a.Admitted)),
					say(countRange(a.Low, a.High)), wrongBy(a), say(count(a.Most)),
				})
			}
		}
	}
	if len(t.rows) > 0 {
		about := "How many of many concurrent requests a limiter has admitted, beside what its own definition admits of the same requests at the same times. " +
			"That is a range, since it is not known when, between a request's beginning and its end, it was decided. Most in a period is the most that it has admitted in any span " +
			"of the limit's period; a fixed window may admit its limit twice there."
		blocks = append(blocks, heading{3, "Accuracy"}, paragraph(say(about)), t)
	}
	if wrong := r.wrongInCells(s); len(wrong.rows) > 0 {
		blocks = append(blocks, paragraph(stress("What failed or was decided wrongly in the cells above").and(", all of them together; limiters without a row had none:")), wrong)
	} else if r.hasCells(s) {
		blocks = append(blocks, paragraph(say("In the cells above no request failed, and none was decided wrongly.")))
	}
	return blocks
}

func (r Report) hasCells(s Server) bool {
	return slices.ContainsFunc(s.Inputs, func(in Input) bool { return len(in.Run.Cells) > 0 })
}

// countRange returns a range of counts.
func countRange(low, high int) string {
	if low == high {
		return count(low)
	}
	return count(low) + "–" + count(high)
}

// wrongBy says how far a limiter is outside of what it may admit.
func wrongBy(a results.Accuracy) text {
	var by, right int
	switch {
	case a.Admitted > a.High:
		by, right = a.Admitted-a.High, a.High
	case a.Admitted < a.Low:
		by, right = a.Admitted-a.Low, a.Low
	default:
		return say("0")
	}
	if right == 0 {
		return stress(fmt.Sprintf("%+d", by))
	}
	return stress(fmt.Sprintf("%+d (%+.1f %%)", by, float64(by)/float64(right)*100))
}

// wrongInCells returns the table of what failed or was decided wrongly.
func (r Report) wrongInCells(s Server) table {
	t := table{head: []text{say("limiter"), say("requests"), say("failed"), say("denied wrongly"), say("admitted wrongly"), say("first failure")}, texts: []int{5}}
	for _, l := range r.Limiters {
		var calls, failed, denied, admitted int64
		first := ""
		for _, in := range s.Inputs {
			for _, cell := range in.Run.Cells {
				result, _ := cell.Result(l.Name)
				calls, failed = calls+result.Calls, failed+result.Failed
				denied, admitted = denied+result.WronglyDenied, admitted+result.WronglyAdmitted
				first = cmp.Or(first, result.FirstFailure)
			}
		}
		if failed+denied+admitted == 0 {
			continue
		}
		of := func(n int64) text {
			if n == 0 {
				return say("0")
			}
			return say(count(n) + " (" + share(n, calls) + ")")
		}
		failure := text{}
		if first != "" {
			failure = name(first)
		}
		t.rows = append(t.rows, []text{limiterName(l.Name, l.Floor), say(count(calls)), of(failed), of(denied), of(admitted), failure})
	}
	return t
}
