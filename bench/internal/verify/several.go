package verify

import (
	"github.com/go-weir/weir/bench/internal/subject"
)

// several is the definition of limits that decide as one: a request fits if it fits each of them, and then all of them admit
// it.
type several struct {
	parts []subject.Part
	of    []map[string]definition // by owner
}

func newSeveral(parts []subject.Part) *several {
	s := &several{parts: parts}
	s.forget()
	return s
}

// each calls ask with each limit's definition and cost until it returns false.
func (s *several) each(cost int64, ask func(d definition, cost int64) bool) bool {
	for i, part := range s.parts {
		owner := part.Owner(cost)
		if s.of[i][owner] == nil {
			s.of[i][owner] = define(subject.Kind{Name: part.Kind}, part.Limit)
		}
		if !ask(s.of[i][owner], part.Cost(cost)) {
			return false
		}
	}
	return true
}

func (s *several) fits(now, cost int64) bool {
	return s.each(cost, func(d definition, cost int64) bool { return d.fits(now, cost) })
}

// admit ignores the reply, because the definitions of its limits do so too.
func (s *several) admit(now, cost int64, _ []int64) bool {
	return s.each(cost, func(d definition, cost int64) bool { return d.admit(now, cost, nil) })
}

func (s *several) forget() {
	s.of = make([]map[string]definition, len(s.parts))
	for i := range s.of {
		s.of[i] = map[string]definition{}
	}
}

// severalGauge has a gauge for each limit. Its largest count is that of the limit that is nearest to its bound, in
// proportion to the bound of the first limit.
type severalGauge struct {
	parts []subject.Part
	rough bool
	of    []map[string]gauge // by owner
	first int64              // the bound of the first limit
}

func newSeveralGauge(parts []subject.Part, rough bool) *severalGauge {
	g := &severalGauge{parts: parts, rough: rough, of: make([]map[string]gauge, len(parts))}
	for i := range g.of {
		g.of[i] = map[string]gauge{}
	}
	g.first = g.made(0).bound()
	return g
}

func (g *severalGauge) made(i int) gauge {
	return gaugeOf(subject.Kind{Name: g.parts[i].Kind}, g.parts[i].Limit, g.rough)
}

func (g *severalGauge) admit(now, cost int64, _ []int64) {
	for i, part := range g.parts {
		owner := part.Owner(cost)
		if g.of[i][owner] == nil {
			g.of[i][owner] = g.made(i)
		}
		g.of[i][owner].admit(now, part.Cost(cost), nil)
	}
}

func (g *severalGauge) largest() (most int64) {
	for _, owners := range g.of {
		for _, one := range owners {
			most = max(most, (one.largest()*g.first+one.bound()-1)/one.bound())
		}
	}
	return most
}

func (g *severalGauge) bound() int64 { return g.first }
