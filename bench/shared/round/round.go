// Package round holds the messages between the command measure and its worker processes. The command orders a round; a
// worker calls one limiter for a while and replies with a tally.
//
// A worker reads gobs from standard input: one Setup, and then Orders until its input ends. It answers each with a gob on
// standard output: the Setup with a Ready, an Order with a Tally.
//
// The package is not internal, because the worker, bench/peers, is in a separate module.
package round

import (
	"cmp"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/shared/target"
)

// Setup is the first message to a worker.
type Setup struct {
	Place  target.Place
	Prefix string // of all keys of the run; no other key on the server contains it
	Worker int    // the worker's number, from 0
}

// Ready is a worker's answer to its Setup.
type Ready struct {
	Err      string // why the worker could not reach the server, or ""
	Limiters []Limiter
}

// A Limiter describes a limiter that a worker knows.
type Limiter struct {
	Name       string     `json:"name"`              // "redis_rate"
	About      string     `json:"about"`             // a short description
	Client     string     `json:"client"`            // "go-redis", "rueidis" or "redigo"
	Module     string     `json:"module"`            // the module with its code: "github.com/go-redis/redis_rate/v10"
	Version    string     `json:"version,omitempty"` // of the module: "v10.0.1"; "" for Weir itself
	Definition Definition `json:"definition"`        // the algorithm in its documentation
	Floor      string     `json:"floor,omitempty"`   // the limiter that makes the same calls without logic, or ""
	Unfit      string     `json:"unfit,omitempty"`   // why it can't be measured on this server, or ""
}

// IsFloor reports whether the limiter decides nothing. Such a limiter shows the least cost of a decision.
func (l Limiter) IsFloor() bool { return l.Definition == None }

// A Definition is an algorithm as a limiter's documentation states it.
type Definition string

// The definitions. Reports show their texts.
const (
	None           Definition = ""                       // no definition, as for a floor
	FixedWindow    Definition = "fixed window"           // Rate in a window of a Period, which a key's first request begins
	AlignedWindow  Definition = "aligned fixed window"   // Rate in each whole Period since the Unix epoch
	SlidingLog     Definition = "sliding log"            // Rate in any span of a Period
	SlidingCounter Definition = "sliding window counter" // Rate, with the previous window counted in proportion to its overlap
	GCRA           Definition = "gcra"                   // Burst at once, and one each Period/Rate
)

// Keys says which keys requests are for.
type Keys struct {
	Count int     // the number of keys
	Zipf  float64 // the exponent of Zipf's law, above 1; 0 if all keys are equally likely
}

// An Order asks for a round.
type Order struct {
	Limiter    string
	Limit      algorithms.Limit // of the keys that are not full
	Tag        string           // part of the names of keys: orders with different tags share no keys
	Goroutines int              // of this worker
	Keys       Keys
	Denied     float64       // the share of requests, 0 to 1, that go to full keys
	For        time.Duration // the time during which requests begin
	Calls      int           // the number of calls; if 0, For sets the end
	Rate       float64       // requests that become due each second; 0 for no pause between calls
	Seed       uint64

	Traced  bool // whether the tally has events; if denials follow each other quickly, it has only some of them
	Census  bool // whether the tally counts commands; needs one goroutine
	Fill    bool // whether to fill this worker's part of the full keys instead of running a load
	Workers int  // the number of workers that share the filling
}

// A Tally is the result of a round.
type Tally struct {
	Err string // why the round failed, or ""

	Calls, Admitted, Denied, Failed int64

	WronglyDenied   int64  // denied requests to keys that are not full
	WronglyAdmitted int64  // admitted requests to full keys
	FirstFailure    string // the error of a failed call

	Took     time.Duration // from the beginning of the first request to the end of the last
	Latency  []byte        // an HDR histogram of nanoseconds, in its compressed encoding
	Mallocs  uint64        // objects allocated
	Malloced uint64        // bytes allocated
	Sent     int64         // bytes to the server
	Received int64         // bytes from the server

	Commands map[string]int64 // by name, if the order asks for a census
	Events   []Event          // in no order, if the order asks for them
}

// Add adds the counts, the bytes and the events of another tally, and keeps the first failure. It leaves Took, Latency, Commands
// and Err as they are.
func (t *Tally) Add(other Tally) {
	t.Calls += other.Calls
	t.Admitted += other.Admitted
	t.Denied += other.Denied
	t.Failed += other.Failed
	t.WronglyDenied += other.WronglyDenied
	t.WronglyAdmitted += other.WronglyAdmitted
	t.FirstFailure = cmp.Or(t.FirstFailure, other.FirstFailure)
	t.Mallocs += other.Mallocs
	t.Malloced += other.Malloced
	t.Sent += other.Sent
	t.Received += other.Received
	t.Events = append(t.Events, other.Events...)
}

// An Event is one call.
type Event struct {
	Began, Ended int64 // nanoseconds since the Unix epoch
	Allowed      bool
	Failed       bool
}
