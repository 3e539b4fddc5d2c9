package scripts

type coalesceOptions struct{ batch, flights, queue int }

var defaultCoalesce = coalesceOptions{batch: 64, flights: 2, queue: 65_536}

// A CoalesceOption changes what [Coalesce] makes.
type CoalesceOption func(*coalesceOptions)

// MaxBatch sets how many requests are sent together at most, from 1 on. It bounds how long one script
// holds the server: a request takes some microseconds at most. Default 64.
func MaxBatch(requests int) CoalesceOption {
	return func(o *coalesceOptions) { o.batch = max(requests, 1) }
}

// MaxFlights sets how many calls and batches are under way at the same time before others wait, from 1 on;
// in a cluster, for each node or slot. Default 2.
func MaxFlights(flights int) CoalesceOption {
	return func(o *coalesceOptions) { o.flights = max(flights, 1) }
}

// MaxQueue sets how many calls may wait; further ones get [ErrQueueFull]. Default 65,536.
func MaxQueue(calls int) CoalesceOption {
	return func(o *coalesceOptions) { o.queue = max(calls, 0) }
}
