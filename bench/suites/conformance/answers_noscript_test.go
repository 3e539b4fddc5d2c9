package conformance_test

import (
	"sync"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/scripts"
)

// testScriptsForgotten flushes the server's scripts repeatedly during concurrent calls: no call fails, and each is charged once.
func testScriptsForgotten(t *testing.T, own ownServer) {
	const callers, calls = 8, 60
	limit := algorithms.Per(callers*calls+1, 10_000*time.Hour) // nothing becomes available again meanwhile
	eachClient(t, own.addr, func(t *testing.T, run scripts.Runner) {
		for _, a := range all {
			if a.name == "fixedwindow-aligned" {
				continue // a window may end meanwhile
			}
			l, err := a.Over(run)(limit, algorithms.WithPrefix("answers-"+t.Name()))
			if err != nil {
				t.Fatal(err)
			}
			var asking sync.WaitGroup
			var seen sync.Map // what was left after each call
			for caller := range callers {
				asking.Go(func() {
					for range calls {
						if caller == 0 {
							if _, err := own.Do("SCRIPT", "FLUSH"); err != nil {
								t.Errorf("SCRIPT FLUSH: %v", err)
							}
						}
						r, err := l.Allow(soon(t), "k")
						if err != nil || !r.Allowed {
							t.Errorf("%s: %+v, %v", a.name, r, err)
							return
						}
						if _, twice := seen.LoadOrStore(r.Remaining, true); twice {
							t.Errorf("%s: %d were left twice", a.name, r.Remaining)
						}
					}
				})
			}
			asking.Wait()
			if r := ask(t, l, "k", 1); r.Remaining != 0 {
				t.Errorf("%s: %d are left of %d after %d calls", a.name, r.Remaining, limit.Rate, limit.Rate)
			}
		}
	})
}
