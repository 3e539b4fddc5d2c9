package ask

import (
	"context"
	"sync"
	"time"
)

// A deadline is the context of one question. It is like those of context.WithTimeout, but without a timer: the call has one,
// and calls end. Its channel is made only on demand.
type deadline struct {
	context.Context // the caller's, for its values
	at              time.Time

	mu   sync.Mutex
	done chan struct{}
	err  error
}

// newDeadline returns the context of a question, and whether its deadline is the parent's own.
func newDeadline(parent context.Context, timeout time.Duration) (d *deadline, own bool) {
	at := time.Now().Add(timeout)
	if sooner, ok := parent.Deadline(); ok && sooner.Before(at) {
		at, own = sooner, true
	}
	return &deadline{Context: parent, at: at}, own
}

// Deadline implements context.Context.
func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Done implements context.Context.
func (d *deadline) Done() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done == nil {
		d.done = make(chan struct{})
		if d.err != nil {
			close(d.done)
		}
	}
	return d.done
}

// Err implements context.Context.
func (d *deadline) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// end ends the context, if it hasn't.
func (d *deadline) end(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return
	}
	d.err = err
	if d.done != nil {
		close(d.done)
	}
}
