// Command peers is the worker of the command "bench measure". It contains all limiters that can be measured, Weir's and those
// of other libraries. It reads orders from standard input, and calls one limiter for each. The command builds and starts it;
// it isn't meant to be started by hand.
package main

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-weir/weir/bench/shared/round"
)

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

// serve reads orders from in and carries them out until in ends.
func serve(in io.Reader, out io.Writer) error {
	orders, answers := gob.NewDecoder(in), gob.NewEncoder(out)
	var setup round.Setup
	if err := orders.Decode(&setup); err != nil {
		return fmt.Errorf("can't read the setup from standard input: %w", err)
	}
	w, err := newWorker(setup)
	if err != nil {
		return answers.Encode(round.Ready{Err: err.Error()})
	}
	defer w.clients.Close()
	if err := answers.Encode(round.Ready{Limiters: w.limiters()}); err != nil {
		return err
	}
	for {
		var order round.Order
		if err := orders.Decode(&order); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		tally, err := w.round(order)
		if err != nil {
			tally = round.Tally{Err: err.Error()}
		}
		if err := answers.Encode(tally); err != nil {
			return err
		}
	}
}
