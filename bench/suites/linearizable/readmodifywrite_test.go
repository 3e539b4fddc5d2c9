package linearizable_test

import (
	"context"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/internal/resptest"
)

// TestReadModifyWrite: a limiter that reads the count, decides, and writes it back may give one place to two requests, if
// both read before either has written. The checker finds and draws that. With a lock around each decision, the same limiter
// is linearizable.
func TestReadModifyWrite(t *testing.T) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			addr := servers.Shared(t, kind).Addr
			try := trial{subjects[0], daily, false}

			var readers atomic.Int64
			var both sync.WaitGroup
			both.Add(2)
			meet := func() {
				if readers.Add(1) <= 2 {
					both.Done()
					both.Wait()
				}
			}
			// A read lock excludes no other client.
			history := readModifyWrite(t, addr, meet, new(sync.RWMutex).RLocker())
			allAnswered(t, history)
			found := check(newModel(try).porcupine(), history, patience)
			if found == nil || found.result != porcupine.Illegal {
				t.Fatalf("%v, want it found", found)
			}
			file, err := found.draw(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if picture, err := os.Stat(file); err != nil || picture.Size() == 0 {
				t.Errorf("the picture is %v, %v", picture, err)
			}

			history = readModifyWrite(t, addr, func() {}, new(sync.Mutex))
			allAnswered(t, history)
			linearizes(t, newModel(try), history)
		})
	}
}

// readModifyWrite records calls of a limiter of 20 that has no script. The limiter calls between after reading and before
// writing, and holds the lock meanwhile.
func readModifyWrite(t *testing.T, addr string, between func(), lock sync.Locker) []porcupine.Operation {
	t.Helper()
	var askers [clients]asker
	var plan [clients][]call
	prefix := "readmodifywrite-" + strconv.FormatInt(trials.Add(1), 10)
	for client := range askers {
		conn := resptest.Dial(t, addr)
		askers[client] = func(_ context.Context, key string, _ call) (any, error) {
			lock.Lock()
			defer lock.Unlock()
			stored, err := conn.Do("GET", prefix+key)
			between()
			if err != nil {
				return nil, err
			}
			text, _ := stored.(string)
			count, _ := strconv.ParseInt(text, 10, 64) // 0 if nothing is stored
			allowed := count < daily.Rate
			if allowed {
				count++
				_, err = conn.Do("SET", prefix+key, strconv.FormatInt(count, 10))
			}
			return algorithms.Result{Allowed: allowed, Limit: daily.Rate, Remaining: daily.Rate - count}, err
		}
		for range callsAClient {
			plan[client] = append(plan[client], call{method: allow})
		}
	}
	return record(askers, [][clients][]call{plan})
}
