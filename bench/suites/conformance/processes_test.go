package conformance_test

import (
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/load"
)

// TestProcesses: six processes call one key at the same time, half of them with each client, some coalescing and one with a
// denialcache. Together they are admitted exactly the limit, by every algorithm on every server.
func TestProcesses(t *testing.T) {
	daily := algorithms.PerDay(100) // nothing becomes available again while this runs
	want := map[string]int{"fixedwindow": 100, "slidinglog": 100, "gcra": 100, "leakybucket": 100, "queue": 101}
	var asked []load.Asked
	for kind := range want { // without the aligned window, because a day may end while this runs
		asked = append(asked, load.Asked{Kind: kind, Limit: daily})
	}
	eachRealServer(t, func(t *testing.T, addr string) {
		_, prefix := fresh(t, addr)
		jobs := make([]load.Job, 6)
		for i := range jobs {
			jobs[i] = load.Job{
				Place: load.Place{Addrs: []string{addr}, Patience: 2 * time.Minute}, Client: []string{load.GoRedis, load.Rueidis}[i%2], Coalesced: i/2%2 == 1, Cached: i == 5,
				Asked: asked, Prefix: prefix, Keys: []string{"one key"}, Goroutines: 40, Calls: 40, Worker: int64(i),
			}
		}
		admitted, calls := admittedOf(t, jobs)
		for kind, n := range want {
			if admitted[kind] != n {
				t.Errorf("%s: six processes were admitted %d of %d, want %d", kind, admitted[kind], calls/len(want), n)
			}
		}
	})
}

// TestProcessesWait: 258 goroutines of six processes wait for events of one key. The limit has a hundred events in the time
// that they would wait. Exactly a hundred goroutines are admitted, and the others get an error at once.
func TestProcessesWait(t *testing.T) {
	asked := []load.Asked{{Kind: "gcra", Limit: algorithms.PerDay(100)}}
	eachRealServer(t, func(t *testing.T, addr string) {
		_, prefix := fresh(t, addr)
		jobs := make([]load.Job, 6)
		for i := range jobs {
			jobs[i] = load.Job{
				Place: load.Place{Addrs: []string{addr}, Patience: 2 * time.Minute}, Client: []string{load.GoRedis, load.Rueidis}[i%2], Coalesced: i/2%2 == 1, Cached: i == 5,
				Asked: asked, Prefix: prefix, Keys: []string{"one key"}, Waits: true, Goroutines: 43, Calls: 1, Timeout: 2 * time.Minute, Worker: int64(i),
			}
		}
		if admitted, calls := admittedOf(t, jobs); admitted["gcra"] != 100 {
			t.Errorf("%d of %d were admitted, want 100", admitted["gcra"], calls)
		}
	})
}

// admittedOf runs jobs with the same limits in worker processes. It returns how many calls of each kind were admitted, and
// how many calls were made.
func admittedOf(t *testing.T, jobs []load.Job) (admitted map[string]int, calls int) {
	t.Helper()
	crew, err := load.Start(jobs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(crew.Dismiss)
	if err := crew.Begin(); err != nil {
		t.Fatal(err)
	}
	made, err := crew.Calls()
	if err != nil {
		t.Fatal(err)
	}
	admitted = map[string]int{}
	for _, call := range made {
		if call.Err != "" {
			t.Fatal(call.Err)
		}
		if call.Answer.Allowed() {
			admitted[jobs[0].Asked[call.Asked].Kind]++
		}
	}
	return admitted, len(made)
}
