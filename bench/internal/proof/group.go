package proof

import (
	"slices"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/subject"
)

// A group is a set of limits that share their state: one limit, or windows of one Period with several Rates.
type group struct {
	name   string
	kind   subject.Kind
	stored []string         // the keys on the server, by the index of the load's key
	asked  []int            // indexes of Load.Asked
	limit  algorithms.Limit // the one of them with the largest Rate
	others map[int]algorithms.Limit
}

// groups returns the load's limits, grouped by their keys on the server.
func (c Case) groups() (groups []group, err error) {
	for i, asked := range c.Load.Asked {
		kind, err := subject.Named(asked.Kind)
		if err != nil {
			return nil, err
		}
		onServer, err := stored(kind, asked.Limit, c.Load.Keys)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(groups, func(g group) bool { return g.stored[0] == onServer[0] })
		if at < 0 {
			at = len(groups)
			groups = append(groups, group{name: kind.Name, kind: kind, stored: onServer, others: map[int]algorithms.Limit{}})
		}
		g := &groups[at]
		g.asked = append(g.asked, i)
		g.others[i] = asked.Limit
		if asked.Limit.Rate > g.limit.Rate {
			g.limit = asked.Limit
		}
	}
	for i := range groups {
		if g := &groups[i]; len(g.asked) == 1 {
			g.others = nil
		} else {
			g.name += ", several Rates"
		}
	}
	// If there are several groups of a kind, their names contain the limit.
	for i := range groups {
		same := func(g group) bool { return g.kind.Name == groups[i].kind.Name }
		if slices.ContainsFunc(append(slices.Clone(groups[:i]), groups[i+1:]...), same) {
			groups[i].name += ", " + groups[i].limit.String()
		}
	}
	return groups, nil
}
