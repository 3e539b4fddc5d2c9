package results

// A Load is what the limiters of a cell were asked, without what came of it: two cells of the same load
// can be compared.
type Load struct {
	Processes, Goroutines int
	Denials               float64
	Keys                  int
	Zipf, Rate            float64
}

// Load returns the cell's load.
func (c Cell) Load() Load {
	return Load{c.Processes, c.Goroutines, c.Denials, c.Keys, c.Zipf, c.Rate}
}

// Cell returns the cell of that load, if there is one.
func (r Run) Cell(load Load) (Cell, bool) {
	for _, cell := range r.Cells {
		if cell.Load() == load {
			return cell, true
		}
	}
	return Cell{}, false
}

// Result returns what the limiter of that name did, if it was measured.
func (c Cell) Result(limiter string) (Result, bool) {
	for _, result := range c.Results {
		if result.Limiter == limiter {
			return result, true
		}
	}
	return Result{}, false
}

// SameKind says whether two servers are of the same version and shape, so that one's results should be
// found on the other too.
func (s Server) SameKind(other Server) bool {
	return s.Name == other.Name && s.Shape == other.Shape && s.Nodes == other.Nodes
}
