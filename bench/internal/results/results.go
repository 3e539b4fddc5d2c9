// Package results reads, writes and compares the results of the command measure. Their file is in Go's benchmark format,
// so benchstat can read it too.
//
// Each line of a file is one round of one limiter under one load. The n-th lines of two limiters under a load were measured
// in the same round, in turns, so their ratio is valid even if the machine was slower at that time. Lines that begin with
// "# " describe the whole run. benchstat skips them.
package results

import (
	"time"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchunit"

	"github.com/go-weir/weir/bench/shared/round"
)

// A Run is one run of the command measure, on one server.
type Run struct {
	Command     string          `json:"command"` // the command line
	Beside      string          `json:"beside"`  // the limiter that others are compared with
	Began       time.Time       `json:"began"`
	Took        time.Duration   `json:"took_ns"`
	Interrupted bool            `json:"interrupted,omitempty"` // whether results are missing
	Server      string          `json:"server"`                // "Redis 7.0.15"
	How         string          `json:"how"`                   // "container redis:7.0", "at 10.0.0.1:6379"
	Nodes       int             `json:"nodes"`                 // masters
	Load        float64         `json:"load_average"`          // of the last minute before the run; 0 if unknown
	Machine     Machine         `json:"machine"`
	Limiters    []round.Limiter `json:"limiters"`
	Notes       []string        `json:"notes,omitempty"`  // remarks, such as the first failure of a limiter
	Doubts      []string        `json:"doubts,omitempty"` // reasons why the figures are unreliable

	Results []*benchfmt.Result `json:"-"`
}

// A Machine is the machine on which the clients ran. The server ran there too unless Run.How names another address.
type Machine struct {
	OS   string `json:"os"`   // "linux"
	Arch string `json:"arch"` // "amd64"
	CPUs int    `json:"cpus"`
	CPU  string `json:"cpu,omitempty"` // its model
	Go   string `json:"go"`            // "go1.26.8"
}

// A Measure is a kind of figure by which limiters are compared.
type Measure struct {
	Name       string // "server CPU"
	Unit       string // the unit in files
	MoreBetter bool   // whether a higher value is better
}

// The measures.
var (
	ServerCPU = Measure{"server CPU", "server-sec/op", false} // of the server's main thread
	Decisions = Measure{"decisions/s", "decisions/s", true}
	P50       = Measure{"p50", "p50-sec", false}
	P99       = Measure{"p99", "p99-sec", false}
)

// Measures are all measures.
var Measures = []Measure{ServerCPU, Decisions, P50, P99}

// These are the units of other figures. Those that end in "/op" are for one decision.
const (
	CommandCPU     = "command-sec/op" // the server's time in commands, from INFO commandstats
	AllocBytes     = "B/op"           // allocated in the client
	Allocs         = "allocs/op"
	Sent           = "sent-B/op"
	Received       = "received-B/op"
	Commands       = "commands/op"      // commands that the client sends
	ServerCommands = "server-calls/op"  // commands that the server runs, including those in scripts
	Denied         = "denied/op"        // share of denied decisions
	Failed         = "failed/op"        // share of failed calls
	Wrong          = "wrong/op"         // share of decisions that can't be right
	Others         = "others-%"         // percentage of the processors' time that other programs used
	KeyBytes       = "B/key"            // in BenchmarkMemory
	Admitted       = "admitted/run"     // requests admitted in BenchmarkAccuracy
	Least          = "promised-low/run" // Least and Most: the range that the limiter's definition admits
	Most           = "promised-high/run"
)

// Value returns a value as package benchfmt represents it. A time in nanoseconds becomes one in seconds, and files have it
// in nanoseconds.
func Value(value float64, unit string) benchfmt.Value {
	tidied, as := benchunit.Tidy(value, unit)
	if as == unit {
		return benchfmt.Value{Value: value, Unit: unit}
	}
	return benchfmt.Value{Value: tidied, Unit: as, OrigValue: value, OrigUnit: unit}
}

// Limiter returns the limiter of that name. If the run doesn't have it, only the name is set.
func (r Run) Limiter(name string) round.Limiter {
	for _, l := range r.Limiters {
		if l.Name == name {
			return l
		}
	}
	return round.Limiter{Name: name}
}
