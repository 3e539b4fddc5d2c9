package measure

import (
	"context"

	"github.com/go-weir/weir/bench/shared/round"
)

// Worker is one process that holds the limiters that are measured, for commands that measure something else of them.
type Worker struct{ crew *crew }

// BuildWorker builds the program of workers in dir and returns its path.
func BuildWorker(ctx context.Context, dir string) (string, error) { return build(ctx, dir) }

// StartWorker starts the program of that path.
func StartWorker(path string, setup round.Setup) (*Worker, error) {
	c, _, err := hire(path, 1, setup)
	if err != nil {
		return nil, err
	}
	return &Worker{c}, nil
}

// Do has the worker do what an order with one goroutine says.
func (w *Worker) Do(ctx context.Context, order round.Order) (round.Tally, error) {
	tallies, err := w.crew.do(ctx, order)
	if err != nil {
		return round.Tally{}, err
	}
	return tallies[0], nil
}

// Close ends the worker.
func (w *Worker) Close() { w.crew.dismiss() }
