// Package round is what the command measure and its worker processes say to each other: the measuring
// one orders rounds, in which a worker lets one limiter decide for a while, and is told what came of it.
//
// A worker reads gobs from standard input, one Setup and then Orders until its input ends, and answers
// each with a gob on standard output: the Setup with a Ready, an Order with a Tally.
//
// It is not internal, as the worker, bench/peers, is a module of its own.
package round

import (
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/shared/target"
)

// Setup is what a worker is told first.
type Setup struct {
	Place  target.Place
	Prefix string // of every key; part of no other key on the server
	Worker int    // this worker's number, from 0
}

// Ready is what a worker answers to its Setup, when it has reached the server.
type Ready struct {
	Err      string // why it has not, if so
	Limiters []Limiter
}

// A Limiter is one that the worker can measure.
type Limiter struct {
	Name       string     `json:"name"`              // "redis_rate"
	About      string     `json:"about"`             // what it is, in a few words
	Client     string     `json:"client"`            // "go-redis", "rueidis" or "redigo"
	Module     string     `json:"module"`            // whose code it is: "github.com/go-redis/redis_rate/v10"
	Version    string     `json:"version,omitempty"` // of the module, "v10.0.1"; none for Weir itself
	Definition Definition `json:"definition"`        // what it says that it does
	Floor      string     `json:"floor,omitempty"`   // the limiter that only makes this one's calls, if there is one
	Unfit      string     `json:"unfit,omitempty"`   // why it can't be measured on this server, if so
}

// IsFloor says whether it decides nothing, and only shows what deciding costs at least.
func (l Limiter) IsFloor() bool { return l.Definition == None }

// A Definition is an algorithm as a limiter's documentation states it.
type Definition string

// The definitions. The text is what a reader of results is shown.
const (
	None           Definition = ""                       // a floor's: no promise
	FixedWindow    Definition = "fixed window"           // Rate from a key's first request on, for a Period
	AlignedWindow  Definition = "aligned fixed window"   // Rate in each whole Period since the Unix epoch
	SlidingLog     Definition = "sliding log"            // Rate in any span of a Period
	SlidingCounter Definition = "sliding window counter" // Rate, of which the window before counts for the part that is still in the span
	GCRA           Definition = "gcra"                   // Burst at once, and one each Period/Rate
)

// Keys says whom requests are from.
type Keys struct {
	Count int     // how many there are
	Zipf  float64 // the exponent of their popularity, above 1; 0: all are as likely
}

// An Order asks for a round.
type Order struct {
	Limiter    string
	Limit      algorithms.Limit // of the keys that are not full, which the load should not reach
	Tag        string           // part of the keys: orders with other tags have other keys
	Goroutines int              // of this worker
	Keys       Keys
	Denied     float64       // the share of requests, 0 to 1, that are sent to full keys
	For        time.Duration // how long requests begin
	Calls      int           // how many are made instead, if not 0
	Rate       float64       // how many a second become due; 0 for one after the other as fast as it goes
	Seed       uint64

	Traced  bool // tell of all calls but denials that follow one another closely
	Census  bool // tell which commands were sent; asked for with one goroutine
	Fill    bool // instead of a load, make this worker's part of the full keys full
	Workers int  // how many share that
}

// A Tally is what came of a round.
type Tally struct {
	Err string // why there was none, if so

	Calls, Admitted, Denied, Failed int64

	WronglyDenied   int64  // requests to keys that are not full
	WronglyAdmitted int64  // requests to full keys
	FirstFailure    string // what the first of the Failed said

	Took     time.Duration // from the first request's beginning to the last one's end
	Latency  []byte        // an HDR histogram of nanoseconds, in its compressed encoding
	Mallocs  uint64        // objects allocated
	Malloced uint64        // bytes allocated
	Sent     int64         // bytes to the server
	Received int64         // bytes from it

	Commands map[string]int64 // by name, if a census was asked for
	Events   []Event          // of calls, in no order, if traced
}

// An Event is one call.
type Event struct {
	Began, Ended int64 // nanoseconds since the Unix epoch, by the machine's clock
	Allowed      bool
	Failed       bool
}
