// Command peers is the worker of the command "bench measure": it holds every limiter that is measured,
// Weir's and others', and lets one at a time decide as it is told on standard input. It is built and
// started by that command, and is of no use by hand.
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

// serve does what the orders on in say until they end.
func serve(in io.Reader, out io.Writer) error {
	orders, answers := gob.NewDecoder(in), gob.NewEncoder(out)
	var setup round.Setup
	if err := orders.Decode(&setup); err != nil {
		return fmt.Errorf("no setup: %w", err)
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
