package report

import (
	"cmp"
	"slices"

	"github.com/go-weir/weir/bench/internal/results"
)

// A group is the loads of a server that differ in nothing but how many goroutines there are, and the
// processes that these are in.
type group struct {
	loads []results.Load // in the order of goroutines
}

// groups returns the loads of a server's runs, by group, in the order of keys and denials. If the same
// goroutines were in several numbers of processes, these make groups of their own.
func (s Server) groups() (groups []group) {
	var loads []results.Load
	processes := map[int]int{}
	several := false
	for _, in := range s.Inputs {
		for _, cell := range in.Run.Cells {
			load := cell.Load()
			if !slices.Contains(loads, load) {
				loads = append(loads, load)
			}
			if n, ok := processes[load.Goroutines]; ok && n != load.Processes {
				several = true
			}
			processes[load.Goroutines] = load.Processes
		}
	}
	kind := func(l results.Load) results.Load {
		l.Goroutines = 0
		if !several {
			l.Processes = 0
		}
		return l
	}
	slices.SortStableFunc(loads, func(a, b results.Load) int {
		x, y := kind(a), kind(b)
		return cmp.Or(cmp.Compare(x.Rate, y.Rate), cmp.Compare(x.Keys, y.Keys), cmp.Compare(x.Zipf, y.Zipf),
			cmp.Compare(x.Denials, y.Denials), cmp.Compare(x.Processes, y.Processes), cmp.Compare(a.Goroutines, b.Goroutines))
	})
	for _, load := range loads {
		if last := len(groups) - 1; last >= 0 && kind(groups[last].loads[0]) == kind(load) {
			groups[last].loads = append(groups[last].loads, load)
		} else {
			groups = append(groups, group{[]results.Load{load}})
		}
	}
	return groups
}

// title says what the loads of the group have in common: "1,000 keys, 50 % denied".
func (g group) title() string {
	title := loadKind(g.loads[0])
	for _, load := range g.loads[1:] {
		if load.Processes != g.loads[0].Processes {
			return title
		}
	}
	if g.loads[0].Processes > 1 {
		title += ", " + count(g.loads[0].Processes) + " processes"
	}
	return title
}

func loadKind(l results.Load) string {
	title := plural(l.Keys, "key")
	if l.Zipf > 0 {
		title += " of popularity Zipf " + brief(l.Zipf)
	}
	title += ", " + percent(l.Denials) + " denied"
	if l.Rate > 0 {
		title += ", " + whole(l.Rate) + "/s become due"
	}
	return title
}

// describe names a load among others: "64 goroutines, 1,000 keys, 50 % denied".
func describe(l results.Load) string {
	return plural(l.Goroutines, "goroutine") + ", " + loadKind(l)
}

// goroutines returns how many goroutines each of the loads has, as a table's columns.
func (g group) goroutines() (heads []text) {
	for _, load := range g.loads {
		heads = append(heads, say("at "+count(load.Goroutines)))
	}
	return heads
}

// open says whether requests became due by the clock: then how many are decided is no measure.
func (g group) open() bool { return g.loads[0].Rate > 0 }
