package measure

import (
	"context"

	"github.com/go-weir/weir/bench/shared/round"
)

// Worker is a process that calls limiters. Other commands use it to measure them in other ways.
type Worker struct{ crew *crew }

// BuildWorker builds the program of workers in dir and returns its path.
func BuildWorker(ctx context.Context, dir string) (string, error) { return build(ctx, dir) }

// StartWorker starts the program at path.
func StartWorker(path string, setup round.Setup) (*Worker, error) {
	c, _, err := hire(path, 1, setup)
	if err != nil {
		return nil, err
	}
	return &Worker{c}, nil
}

// Do has the worker carry out an order. The order must have one goroutine.
func (w *Worker) Do(ctx context.Context, order round.Order) (round.Tally, error) {
	tallies, err := w.crew.do(ctx, order)
	if err != nil {
		return round.Tally{}, err
	}
	return tallies[0], nil
}

// Close ends the worker.
func (w *Worker) Close() { w.crew.dismiss() }
