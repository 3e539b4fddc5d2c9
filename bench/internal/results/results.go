// Package results is what the command measure finds, as the JSON document that it writes and the
// command report reads.
package results

import (
	"time"

	"github.com/go-weir/weir/bench/shared/round"
)

// Format is the version of the document.
const Format = 1

// A Run is one run of the command measure, on one server.
type Run struct {
	Format      int             `json:"format"`
	Command     string          `json:"command"` // that made it
	Began       time.Time       `json:"began"`
	Took        time.Duration   `json:"took_ns"`
	Interrupted bool            `json:"interrupted,omitempty"` // it is what there was when it was
	Machine     Machine         `json:"machine"`
	Server      Server          `json:"server"`
	Limiters    []round.Limiter `json:"limiters"`
	Limit       string          `json:"limit"` // of the keys that are not full
	Warnings    []string        `json:"warnings,omitempty"`
	Cells       []Cell          `json:"cells"`
	Memory      []Memory        `json:"memory,omitempty"`
	Accuracy    []Accuracy      `json:"accuracy,omitempty"`
}

// A Machine is where the clients ran, and the server too unless it was elsewhere.
type Machine struct {
	OS     string `json:"os"`   // "linux"
	Arch   string `json:"arch"` // "amd64"
	CPUs   int    `json:"cpus"`
	CPU    string `json:"cpu,omitempty"`    // its model
	Memory int64  `json:"memory,omitempty"` // bytes
	Go     string `json:"go"`               // "go1.26.8"
}

// A Server is what was measured on.
type Server struct {
	Name  string `json:"name"`  // "Redis 7.0.15"
	How   string `json:"how"`   // "container redis:7.0", "at 10.0.0.1:6379"
	Shape string `json:"shape"` // "single", "cluster", "sentinel", "embedded"
	Nodes int    `json:"nodes"` // masters
}

// A Cell is one load, under which all limiters were measured in turn, for several rounds.
type Cell struct {
	Processes  int      `json:"processes"`
	Goroutines int      `json:"goroutines"`     // of all processes together
	Denials    float64  `json:"denials"`        // percent of requests
	Keys       int      `json:"keys"`           // how many
	Zipf       float64  `json:"zipf,omitempty"` // exponent of their popularity; 0: uniform
	Rate       float64  `json:"rate,omitempty"` // requests a second that became due; 0: closed loop
	Results    []Result `json:"results"`
}

// A Result is what one limiter did under the load of a cell.
type Result struct {
	Limiter string  `json:"limiter"`
	Rounds  []Round `json:"rounds"`

	Calls           int64   `json:"calls"` // of all rounds, like all that follows
	Admitted        int64   `json:"admitted"`
	Denied          int64   `json:"denied"`
	Failed          int64   `json:"failed,omitempty"`
	WronglyDenied   int64   `json:"wrongly_denied,omitempty"`   // at keys that are not full
	WronglyAdmitted int64   `json:"wrongly_admitted,omitempty"` // at full keys
	FirstFailure    string  `json:"first_failure,omitempty"`
	Latency         Latency `json:"latency"`
	Allocs          float64 `json:"allocs"`      // objects a decision, in the client
	AllocBytes      float64 `json:"alloc_bytes"` // bytes a decision, in the client
	Sent            float64 `json:"sent_bytes"`  // a decision
	Received        float64 `json:"received_bytes"`
	Commands        float64 `json:"commands"`        // that the client sends for a decision
	ServerCommands  float64 `json:"server_commands"` // that the server runs for one, scripts' own included
}

// A Round is a limiter's turn.
type Round struct {
	Throughput float64 `json:"throughput"` // decisions a second
	P50        float64 `json:"p50_us"`     // of latency
	P99        float64 `json:"p99_us"`
	ServerCPU  float64 `json:"server_cpu_us"` // of the server's main thread, a decision; 0 if it does not tell
	CommandCPU float64 `json:"command_us"`    // in commands as INFO commandstats tells, a decision; 0 if it does not
}

// Latency is how long decisions took.
type Latency struct {
	Mean   float64      `json:"mean_us"`
	Max    float64      `json:"max_us"`
	Points [][2]float64 `json:"points"` // percentile from 0 to 100, and microseconds
}

// Memory is what a key of a limiter takes on the server after so many admitted requests.
type Memory struct {
	Limiter string `json:"limiter"`
	Events  int    `json:"events"` // admitted, of one key
	Bytes   int64  `json:"bytes"`  // of all that the key has on the server, as MEMORY USAGE tells
	Keys    int    `json:"keys"`   // how many keys on the server that is
}

// Accuracy is how many requests a limiter admitted under concurrent load, beside what its own
// definition admits of the same requests at the same times.
type Accuracy struct {
	Limiter  string `json:"limiter"`
	Limit    string `json:"limit"`
	Calls    int    `json:"calls"`
	Failed   int    `json:"failed,omitempty"`
	Admitted int    `json:"admitted"`
	Low      int    `json:"low"`  // what its definition admits: at least
	High     int    `json:"high"` // and at most, as it is not known when within a call it was decided
	Most     int    `json:"most"` // admitted in any span of a period
}
