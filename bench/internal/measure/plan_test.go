package measure

import (
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

func TestUsage(t *testing.T) {
	before := usage{cpu: time.Second, commands: map[string]commandUsage{"get": {100, 1000}, "evalsha": {10, 500}}}
	after := usage{cpu: 3 * time.Second, commands: map[string]commandUsage{"get": {160, 1600}, "evalsha": {40, 2000}, "set": {30, 300}}}
	used := after.since(before)
	if used.cpu != 2*time.Second || used.calls() != 60+30+30 {
		t.Errorf("used was %+v, %v calls", used, used.calls())
	}
	// Of the 60 GETs 15 came from the client, the others and all SETs from the scripts.
	if got := used.took(map[string]float64{"evalsha": 30, "get": 15}); got != 1500+600/4 {
		t.Errorf("the commands took %v µs, want %v", got, 1500+600/4)
	}
}

func TestField(t *testing.T) {
	const line = "calls=3,usec=12,usec_per_call=4.00,rejected_calls=0"
	if calls, took := field(line, "calls"), field(line, "usec"); calls != 3 || took != 12 {
		t.Errorf("%v calls in %v µs", calls, took)
	}
	if cpu := cpuOf(map[string]string{"used_cpu_sys": "9", "used_cpu_sys_main_thread": "1.5", "used_cpu_user_main_thread": "0.25"}); cpu != 1750*time.Millisecond {
		t.Errorf("the main thread used %v", cpu)
	}
	if cpu := cpuOf(map[string]string{"used_cpu_sys": "1", "used_cpu_user": "2"}); cpu != 3*time.Second {
		t.Errorf("the process used %v", cpu)
	}
}

func TestCells(t *testing.T) {
	all := cells(4, []int{1, 8}, nil, []float64{0, 99}, []round.Keys{{Count: 1}, {Count: 10, Zipf: 1.1}})
	if len(all) != 8 {
		t.Fatalf("%d loads, want 8", len(all))
	}
	for i, want := range map[int]string{
		0: "1 goroutine, 0% denials, one key",
		3: "8 goroutines, in 4 processes, 99% denials, one key",
		5: "8 goroutines, in 4 processes, 0% denials, 10 keys by Zipf's law, exponent 1.1",
	} {
		if got := name(all[i]); got != want {
			t.Errorf("load %d is %q, want %q", i, got, want)
		}
	}
	if got := name(results.Cell{Processes: 1, Goroutines: 2, Rate: 12345, Denials: 0.5, Keys: 7}); got != "2 goroutines, 12,345 requests/s, 0.5% denials, 7 keys" {
		t.Errorf("the load is %q", got)
	}
}

// TestEnough holds the limits of keys that are not full to let a million requests a second through in all.
func TestEnough(t *testing.T) {
	for keys, want := range map[int]string{1: "60000000/minute", 100: "600000/minute", 100_000: "600/minute", 1_000_000: "60/minute"} {
		if got := (plan{}).limitOf(results.Cell{Keys: keys}).String(); got != want {
			t.Errorf("%d keys: %s, want %s", keys, got, want)
		}
	}
}

func TestShare(t *testing.T) {
	for n := 1; n < 8; n++ {
		sum := 0
		for i := range n {
			sum += share(100, i, n)
		}
		if sum != 100 || share(n, 0, n) != 1 {
			t.Errorf("the %d parts of 100 are %d together", n, sum)
		}
	}
}

func TestHidePassword(t *testing.T) {
	for word, want := range map[string]string{
		"redis://me:secret@host:1/2,redis://me:sec@ret@host:2": "redis://…@host:1/2,redis://…@host:2",
		"redis://host:1": "redis://host:1",
		"-limiters":      "-limiters",
	} {
		if got := hidePassword(word); got != want {
			t.Errorf("%q becomes %q, want %q", word, got, want)
		}
	}
}

// TestMemoryTable keeps each size in its column, also where others are not told.
func TestMemoryTable(t *testing.T) {
	table := memoryTable([]results.Memory{
		{Limiter: "late", Events: 100, Bytes: 7}, {Limiter: "late", Events: 1000, Bytes: 8}, {Limiter: "early", Events: 1, Bytes: 9},
	})
	for _, want := range []string{"\nlate     -   -    7      8       -\n", "\nearly    9   -    -      -       -\n"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table is\n%s\nwant %q in it", table, want)
		}
	}
}
