package measure

import (
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
	"github.com/go-weir/weir/bench/shared/target"
	"github.com/go-weir/weir/internal/errtest"
)

func TestUsage(t *testing.T) {
	before := usage{cpu: time.Second, commands: map[string]commandUsage{"get": {100, 1000}, "evalsha": {10, 500}}}
	after := usage{cpu: 3 * time.Second, commands: map[string]commandUsage{"get": {160, 1600}, "evalsha": {40, 2000}, "set": {30, 300}}}
	used := after.since(before)
	if used.cpu != 2*time.Second || used.calls() != 60+30+30 {
		t.Errorf("the usage is %+v, %v calls", used, used.calls())
	}
	// The client sent 15 of the 60 GETs. Scripts ran the other GETs and all SETs.
	if got := used.took(map[string]float64{"evalsha": 30, "get": 15}); got != 1500+600/4 {
		t.Errorf("the commands took %v µs, want %v", got, 1500+600/4)
	}
}

func TestField(t *testing.T) {
	const line = "calls=3,usec=12,usec_per_call=4.00,rejected_calls=0"
	if calls, took := field(line, "calls"), field(line, "usec"); calls != 3 || took != 12 {
		t.Errorf("%v calls in %v µs", calls, took)
	}
	main, process := cpuOf(map[string]string{"used_cpu_sys": "9", "used_cpu_sys_main_thread": "1.5", "used_cpu_user_main_thread": "0.25"})
	if main != 1750*time.Millisecond || process != 9*time.Second {
		t.Errorf("the main thread used %v, and the process %v", main, process)
	}
	if main, process = cpuOf(map[string]string{"used_cpu_sys": "1", "used_cpu_user": "2"}); main != 3*time.Second || process != main {
		t.Errorf("the main thread used %v, and the process %v", main, process)
	}
}

func TestLoads(t *testing.T) {
	all := loads(4, []int{1, 8}, nil, []float64{0, 99}, []round.Keys{{Count: 1}, {Count: 10, Zipf: 1.1}})
	if len(all) != 8 {
		t.Fatalf("%d loads, want 8", len(all))
	}
	for i, want := range map[int]string{
		0: "1 goroutine, 1 key, 0% denied",
		3: "8 goroutines in 4 processes, 1 key, 99% denied",
		5: "8 goroutines in 4 processes, 10 keys by Zipf's law, 0% denied",
	} {
		if got := all[i].asked().String(); got != want {
			t.Errorf("load %d is %q, want %q", i, got, want)
		}
	}
	if got := (ask{1, 2, 0.5, 12345, round.Keys{Count: 7}}).asked().String(); got != "2 goroutines, 12,345 requests/s, 7 keys, 0.5% denied" {
		t.Errorf("the load is %q", got)
	}
}

// TestEnough: the default limits of all keys together admit a million requests a second.
func TestEnough(t *testing.T) {
	for keys, want := range map[int]string{1: "60000000/minute", 100: "600000/minute", 100_000: "600/minute", 1_000_000: "60/minute"} {
		if got := (plan{}).limitOf(ask{keys: round.Keys{Count: keys}}).String(); got != want {
			t.Errorf("%d keys: %s, want %s", keys, got, want)
		}
	}
}

// TestNamesOf: limiters are compared with the one that -beside names, or else with redis_rate, or else with the last one.
func TestNamesOf(t *testing.T) {
	for _, test := range []struct{ names, beside, all, with string }{
		{defaultLimiters, "", defaultLimiters, "redis_rate"},
		{"weir-gcra, ulule", "", "weir-gcra,ulule", "ulule"},
		{"weir-gcra", "mine", "weir-gcra,mine", "mine"},
		{"weir-gcra,redis_rate,ulule", "", "weir-gcra,redis_rate,ulule", "redis_rate"},
		{"all", "", "all", "redis_rate"},
		{"results", "", inResults, "redis_rate"},
	} {
		if all, with := namesOf(test.names, test.beside); all != test.all || with != test.with {
			t.Errorf("-limiters %s -beside %q: %s beside %s", test.names, test.beside, all, with)
		}
	}
}

// TestExpected: the first line of the output says how long the run takes.
func TestExpected(t *testing.T) {
	r := run{plan: plan{rounds: 10, length: 500 * time.Millisecond, speed: true, memory: true, loads: make([]ask, 4)}, limiters: make([]round.Limiter, 5)}
	if got, want := r.expected(), "Measuring 5 limiters, 4 loads, 10 rounds of 500ms each: about 2m30s."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	r.rounds = 100
	if got, want := r.expected(), "Measuring 5 limiters, 4 loads, 100 rounds of 500ms each: about 25m."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestOthers: others returns the share of the processor time that other programs used.
func TestOthers(t *testing.T) {
	before := spent{true, 100, 1000, 10}
	for _, test := range []struct {
		after spent
		want  float64
		known bool
	}{
		{spent{true, 101, 1002, 11}, 0, true},
		{spent{true, 101.5, 1002, 10.5}, 50, true},
		{spent{true, 101, 1002, 12}, 0, true}, // the time of a process has a coarse resolution
		{spent{}, 0, false},
		{before, 0, false},
	} {
		if got, known := others(before, test.after); got != test.want || known != test.known {
			t.Errorf("%+v: %v, %v, want %v", test.after, got, known, test.want)
		}
	}
}

func TestOnThisMachine(t *testing.T) {
	for addr, want := range map[string]bool{"127.0.0.1:6379": true, "localhost:6379": true, "[::1]:6379": true, "203.0.113.7:6379": false, "redis.example:6379": false} {
		if got := onThisMachine(target.Place{Network: "tcp", Addrs: []string{addr}}); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	if !onThisMachine(target.Place{Network: "unix", Addrs: []string{"/tmp/redis.sock"}}) {
		t.Error("a socket's file is on this machine")
	}
}

func TestShare(t *testing.T) {
	for n := 1; n < 8; n++ {
		sum := 0
		for i := range n {
			sum += share(100, i, n)
		}
		if sum != 100 || share(n, 0, n) != 1 {
			t.Errorf("the sum of the %d parts of 100 is %d", n, sum)
		}
	}
}

// TestSlices: a round of the default length has ten slices, and a short round is not longer than its given length.
func TestSlices(t *testing.T) {
	for length, want := range map[time.Duration]time.Duration{
		500 * time.Millisecond: 50 * time.Millisecond,
		time.Second:            50 * time.Millisecond,
		120 * time.Millisecond: 60 * time.Millisecond,
		30 * time.Millisecond:  30 * time.Millisecond,
		time.Millisecond:       time.Millisecond,
	} {
		p := plan{length: length}
		if got := p.sliceLength(); got != want || got*time.Duration(p.slices()) != length {
			t.Errorf("a round of %v has %d slices of %v, want %v", length, p.slices(), got, want)
		}
	}
}

// TestSum: the figures of a round cover all of its slices.
func TestSum(t *testing.T) {
	latency := func(d time.Duration) []byte {
		h := newHistogram()
		if err := h.RecordValue(int64(d)); err != nil {
			t.Fatal(err)
		}
		return errtest.Must(h.Encode(hdrhistogram.V2CompressedEncodingCookieBase))
	}
	var s sum
	for _, slice := range []struct {
		tallies []round.Tally
		used    usage
	}{
		// Two workers make 200 calls a second together, for a second.
		{[]round.Tally{
			{Calls: 100, Denied: 50, Took: time.Second, Latency: latency(time.Millisecond), Sent: 1000, FirstFailure: "the first"},
			{Calls: 50, Denied: 10, Took: time.Second / 2, Latency: latency(time.Millisecond), WronglyDenied: 10, FirstFailure: "the second"},
		}, usage{cpu: time.Second, commands: map[string]commandUsage{"evalsha": {150, 3000}}}},
		// One worker makes 50 calls a second, for a second. The other one makes none.
		{[]round.Tally{
			{Calls: 50, Took: time.Second, Latency: latency(time.Second), Sent: 1000}, {},
		}, usage{cpu: time.Second, commands: map[string]commandUsage{"evalsha": {50, 1000}, "get": {200, 1000}}}},
	} {
		if err := s.add(slice.tallies, slice.used); err != nil {
			t.Fatal(err)
		}
	}
	values, err := s.figures(map[string]float64{"evalsha": 1}, true)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, v := range values {
		got[v.Unit] = v.Value
	}
	for unit, want := range map[string]float64{
		"decisions/s":          fourDigits(200 / 1.75),
		results.ServerCPU.Unit: 0.01, results.CommandCPU: 20e-6, results.Sent: 10, results.Commands: 1, results.ServerCommands: 2,
		results.Denied: 0.3, results.Wrong: 0.05,
	} {
		if got[unit] != want {
			t.Errorf("%s is %v, want %v", unit, got[unit], want)
		}
	}
	if got[results.P50.Unit] > 0.002 || got[results.P99.Unit] < 0.9 || s.FirstFailure != "the first" {
		t.Errorf("p50 %v, p99 %v, first failure %q", got[results.P50.Unit], got[results.P99.Unit], s.FirstFailure)
	}
	if _, err := (&sum{}).figures(nil, true); err == nil {
		t.Error("a round without calls has figures")
	}
}
