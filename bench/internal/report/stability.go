package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/go-weir/weir/bench/internal/results"
)

// apart is how far the ratios of two runs may differ without being told one by one.
const apart = 0.10

// stability says how far several runs on the same kind of server differ in their ratios.
func (r Report) stability(s Server) []block {
	if len(s.Inputs) < 2 {
		return nil
	}
	var runs []results.Run
	commands := map[string]bool{}
	for _, in := range s.Inputs {
		runs = append(runs, in.Run)
		commands[in.Run.Command] = true
	}
	var limiters []string
	for _, l := range r.Limiters {
		limiters = append(limiters, l.Name)
	}
	measures := []results.Measure{results.Throughput, results.P50, results.P99, results.ServerCPU}
	differences := results.Differences(runs, r.Baseline, limiters, measures...)
	if len(differences) == 0 {
		return nil
	}
	blocks := []block{heading{3, "How far the runs differ"}}
	intro := fmt.Sprintf("The ratios of %s, by how much the highest of them is above the lowest, for each cell and limiter.", plural(len(runs), "run"))
	if len(commands) > 1 {
		intro += " The runs' commands are not the same."
	}
	t := table{head: []text{say("ratios of"), say("how many"), say("median"), say("farthest"), say("within 10 %")}}
	var beyond []results.Difference
	for _, m := range measures {
		var own []results.Difference
		var values []float64
		most := 0.0
		for _, d := range differences {
			if d.Measure.Name == m.Name {
				own = append(own, d)
				values = append(values, d.Apart)
				most = max(most, d.Apart)
				if d.Apart > apart {
					beyond = append(beyond, d)
				}
			}
		}
		if len(own) > 0 {
			t.rows = append(t.rows, []text{
				say(m.Name), say(count(len(own))), say(hundredths(results.NewSpread(values).Median)), say(hundredths(most)),
				say(hundredths(results.Within(own, apart))),
			})
		}
	}
	blocks = append(blocks, paragraph(say(intro)), t)
	if len(beyond) == 0 {
		return blocks
	}
	slices.SortStableFunc(beyond, func(a, b results.Difference) int { return cmp.Compare(b.Apart, a.Apart) })
	explained := 0
	var items list
	for _, d := range beyond {
		if d.Overlap() {
			explained++
		}
		items = append(items, tellDifference(d))
	}
	sum := areFurther(len(beyond)) + " more than 10 % apart. "
	switch explained {
	case 0:
		sum += "The spreads within the runs explain none of that: they don't overlap."
	case len(beyond):
		sum += "The spreads within the runs overlap: the rounds of one run differ by as much."
	default:
		sum += fmt.Sprintf("Of these, the spreads within the runs overlap in %s: there the rounds of one run differ by as much.", count(explained))
	}
	return append(blocks, paragraph(say(sum)), fold{"Those that are more than 10 % apart", []block{items}})
}

func areFurther(n int) string {
	if n == 1 {
		return "1 ratio is"
	}
	return count(n) + " ratios are"
}

// tellDifference says what a difference is, and whether the spread within the runs explains it.
func tellDifference(d results.Difference) text {
	var ratios []string
	for i, s := range d.Ratios {
		if s.N > 0 {
			ratios = append(ratios, fmt.Sprintf("%s in run %d", spread(s), i+1))
		}
	}
	why := "the spreads don't overlap: what differed lasted for a whole run"
	if d.Overlap() {
		why = "the spreads overlap"
	}
	return name(d.Limiter).and(fmt.Sprintf(", %s, %s: %s, which is %s apart; %s.",
		d.Measure.Name, describe(d.Load), strings.Join(ratios, ", "), hundredths(d.Apart), why))
}

// hundredths returns a part of 1 in percent.
func hundredths(part float64) string { return fmt.Sprintf("%.1f %%", part*100) }
