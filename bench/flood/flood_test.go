package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-weir/weir/bench/internal/servers"
)

func TestMain(m *testing.M) {
	if job := os.Getenv(jobEnv); job != "" {
		end(serve(job))
		return
	}
	servers.Main(m)
}

// TestFlood: whether or not Redis answers, one address gets at least the limit, and at most that and one limit more for each
// process. No goroutine is left when the web servers have stopped.
func TestFlood(t *testing.T) {
	for _, pause := range []bool{false, true} {
		for _, coalesce := range []bool{false, true} {
			t.Run(fmt.Sprintf("pause=%v,coalesce=%v", pause, coalesce), func(t *testing.T) {
				f := flood{
					connections: 300, processes: 2, lasts: time.Second, limit: 5, kind: servers.All()[0].Image, pause: pause, coalesce: coalesce,
				}
				if err := f.run(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestVerdict: verdict returns an error if too many or too few requests were admitted.
func TestVerdict(t *testing.T) {
	f := flood{processes: 2, limit: 5}
	for admitted, right := range map[int64]bool{4: false, 5: true, 15: true, 16: false} {
		if err := f.verdict(admitted); (err == nil) != right {
			t.Errorf("%d admitted: %v", admitted, err)
		}
	}
}
