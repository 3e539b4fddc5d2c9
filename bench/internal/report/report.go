package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

// DefaultBaseline is what ratios are to, if all runs have measured it.
const DefaultBaseline = "weir-gcra"

// ownModule is whose limiters Weir's are.
const ownModule = "github.com/go-weir/weir"

// An Input is a run, and the file that it was read from.
type Input struct {
	Path string
	Run  results.Run
}

// A Report is what is told of some runs.
type Report struct {
	Inputs   []Input
	Baseline string          // the limiter that ratios are to
	Limiters []round.Limiter // those that are told of, in the order of the runs; the baseline first
	Servers  []Server        // the runs by server, in their order
}

// A Server is a kind of server, and all runs on one such.
type Server struct {
	results.Server
	Inputs []Input
}

// New returns the report of some runs: of the limiters that only names, or of all if it names none, and
// of the baseline, or of the default one if it is "".
func New(inputs []Input, baseline string, only []string) (Report, error) {
	r := Report{Inputs: inputs}
	var measured []string // by any of the runs
	for _, in := range inputs {
		own := measuredBy(in.Run)
		if len(own) == 0 {
			return Report{}, fmt.Errorf("%s holds no result", in.Path)
		}
		for _, name := range own {
			if !slices.Contains(measured, name) {
				measured = append(measured, name)
			}
		}
	}
	for _, name := range only {
		if !slices.Contains(measured, name) {
			return Report{}, fmt.Errorf("there is no result of %q; there are %s", name, strings.Join(measured, ", "))
		}
	}
	var err error
	if r.Baseline, err = chooseBaseline(inputs, baseline, only); err != nil {
		return Report{}, err
	}
	r.Limiters = []round.Limiter{r.limiter(r.Baseline)}
	for _, name := range measured {
		if name != r.Baseline && (len(only) == 0 || slices.Contains(only, name)) {
			r.Limiters = append(r.Limiters, r.limiter(name))
		}
	}
	for _, in := range inputs {
		at := slices.IndexFunc(r.Servers, func(s Server) bool { return s.SameKind(in.Run.Server) })
		if at < 0 {
			at = len(r.Servers)
			r.Servers = append(r.Servers, Server{Server: in.Run.Server})
		}
		r.Servers[at].Inputs = append(r.Servers[at].Inputs, in)
	}
	return r, nil
}

// chooseBaseline returns the baseline, which all runs must have measured.
func chooseBaseline(inputs []Input, named string, only []string) (string, error) {
	inAll := func(name string) (string, bool) {
		for _, in := range inputs {
			if !slices.Contains(measuredBy(in.Run), name) {
				return in.Path, false
			}
		}
		return "", true
	}
	if named != "" {
		if path, ok := inAll(named); !ok {
			for _, in := range inputs {
				if in.Path == path {
					return "", fmt.Errorf("%s holds no result of the baseline %q; there are %s", path, named, strings.Join(measuredBy(in.Run), ", "))
				}
			}
		}
		return named, nil
	}
	candidates := append([]string{DefaultBaseline}, only...)
	for _, l := range inputs[0].Run.Limiters {
		if !l.Floor {
			candidates = append(candidates, l.Name)
		}
	}
	for _, name := range append(candidates, measuredBy(inputs[0].Run)...) {
		if _, ok := inAll(name); ok {
			return name, nil
		}
	}
	return "", fmt.Errorf("no limiter was measured in all of these runs, which could be the baseline: %s measured %s", inputs[0].Path, strings.Join(measuredBy(inputs[0].Run), ", "))
}

// measuredBy returns the names of the limiters that a run holds any result of, in its order.
func measuredBy(run results.Run) []string {
	has := map[string]bool{}
	var names []string
	add := func(name string) {
		if !has[name] {
			has[name] = true
			names = append(names, name)
		}
	}
	for _, cell := range run.Cells {
		for _, result := range cell.Results {
			add(result.Limiter)
		}
	}
	for _, m := range run.Memory {
		add(m.Limiter)
	}
	for _, a := range run.Accuracy {
		add(a.Limiter)
	}
	place := func(name string) int {
		return slices.IndexFunc(run.Limiters, func(l round.Limiter) bool { return l.Name == name })
	}
	slices.SortStableFunc(names, func(a, b string) int { return place(a) - place(b) })
	return names
}

// limiter returns what the runs say of the limiter of that name.
func (r Report) limiter(name string) round.Limiter {
	for _, in := range r.Inputs {
		for _, l := range in.Run.Limiters {
			if l.Name == name {
				return l
			}
		}
	}
	return round.Limiter{Name: name}
}

func isWeirs(l round.Limiter) bool { return l.Module == ownModule && !l.Floor }

// isPeer says whether a limiter is another's than Weir's, and no floor.
func isPeer(l round.Limiter) bool { return l.Module != ownModule && !l.Floor }

// title returns what a server is called: "Redis 7.0.15, cluster of 3".
func (s Server) title() string {
	switch s.Shape {
	case "", "single":
		return s.Name
	case "cluster":
		return fmt.Sprintf("%s, cluster of %d", s.Name, s.Nodes)
	}
	return s.Name + ", " + s.Shape
}

// place returns a run's number among those on the same server, from 1 on, and how many they are.
func (r Report) place(in Input) (number, of int) {
	for _, s := range r.Servers {
		for i, other := range s.Inputs {
			if other.Path == in.Path {
				return i + 1, len(s.Inputs)
			}
		}
	}
	return 0, 0
}
