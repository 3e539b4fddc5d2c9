// Package results is what the command measure finds: a file in Go's benchmark format, which benchstat reads too, and what
// can be said of it.
//
// Each line of a file is one round of one limiter under one load. The n-th lines of two limiters under a load are of the
// same turn, so the ratio of the two says how they compare, whatever the machine did meanwhile. Lines that begin with
// "# " tell of the run as a whole. benchstat skips them.
package results

import (
	"time"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchunit"

	"github.com/go-weir/weir/bench/shared/round"
)

// A Run is one run of the command measure, on one server.
type Run struct {
	Command     string          `json:"command"` // that made it
	Beside      string          `json:"beside"`  // the limiter that others are compared with
	Began       time.Time       `json:"began"`
	Took        time.Duration   `json:"took_ns"`
	Interrupted bool            `json:"interrupted,omitempty"` // it is what there was when it was
	Server      string          `json:"server"`                // "Redis 7.0.15"
	How         string          `json:"how"`                   // "container redis:7.0", "at 10.0.0.1:6379"
	Nodes       int             `json:"nodes"`                 // masters
	Load        float64         `json:"load_average"`          // of a minute, when it began; 0 if unknown
	Machine     Machine         `json:"machine"`
	Limiters    []round.Limiter `json:"limiters"`
	Notes       []string        `json:"notes,omitempty"`  // what there is to know of it
	Doubts      []string        `json:"doubts,omitempty"` // why its figures can't be relied on

	Results []*benchfmt.Result `json:"-"`
}

// A Machine is where the clients ran, and the server too unless it was elsewhere.
type Machine struct {
	OS   string `json:"os"`   // "linux"
	Arch string `json:"arch"` // "amd64"
	CPUs int    `json:"cpus"`
	CPU  string `json:"cpu,omitempty"` // its model
	Go   string `json:"go"`            // "go1.26.8"
}

// A Measure is one of the figures of a round that limiters are compared by.
type Measure struct {
	Name       string // "server CPU"
	Unit       string // in files, where it begins with what it is of
	MoreBetter bool   // rather than less
}

// The measures.
var (
	ServerCPU = Measure{"server CPU", "server-sec/op", false} // of the server's main thread
	Decisions = Measure{"decisions/s", "decisions/s", true}
	P50       = Measure{"p50", "p50-sec", false}
	P99       = Measure{"p99", "p99-sec", false}
)

// Measures are all of them.
var Measures = []Measure{ServerCPU, Decisions, P50, P99}

// Units of other figures of a round. All but Others and Late are of a decision.
const (
	CommandCPU     = "command-sec/op" // in commands, as INFO commandstats tells
	AllocBytes     = "B/op"           // in the client
	Allocs         = "allocs/op"
	Sent           = "sent-B/op"
	Received       = "received-B/op"
	Commands       = "commands/op"      // that the client sends
	ServerCommands = "server-calls/op"  // that the server runs, scripts' own included
	Denied         = "denied/op"        // the share of decisions
	Failed         = "failed/op"        // the share of calls
	Wrong          = "wrong/op"         // the share of decisions that can't be right
	Others         = "others-%"         // of the processors' time, used by others than the clients and the server
	KeyBytes       = "B/key"            // of BenchmarkMemory
	Admitted       = "admitted/run"     // of BenchmarkAccuracy
	Least          = "promised-low/run" // what the limiter's own definition admits of the same requests
	Most           = "promised-high/run"
)

// Value is a value as files have it: in nanoseconds where its unit is one of time.
func Value(value float64, unit string) benchfmt.Value {
	tidied, as := benchunit.Tidy(value, unit)
	if as == unit {
		return benchfmt.Value{Value: value, Unit: unit}
	}
	return benchfmt.Value{Value: tidied, Unit: as, OrigValue: value, OrigUnit: unit}
}

// Limiter returns what is known of the limiter of that name.
func (r Run) Limiter(name string) round.Limiter {
	for _, l := range r.Limiters {
		if l.Name == name {
			return l
		}
	}
	return round.Limiter{Name: name}
}
