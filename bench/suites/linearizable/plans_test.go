package linearizable_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// A call is a client's call of a method on a key.
type call struct {
	method method
	cost   int64 // of AllowN
	at     int   // the simulated time, in steps
}

type method string

const (
	allow    method = "Allow"
	allowN   method = "AllowN"
	peek     method = "Peek"
	reset    method = "Reset"
	schedule method = "Schedule"
)

func (c call) String() string {
	cost := ""
	if c.method == allowN {
		cost = fmt.Sprint(c.cost)
	}
	return fmt.Sprintf("%s(%s) at %v", c.method, cost, time.Duration(c.at)*step)
}

// Simulated time consists of a few steps. So calls often have the same time, or times that are exactly a period apart, and a
// key has few different states.
const (
	step         = 15 * time.Second
	steps        = 12
	stepsAPeriod = 4
	period       = stepsAPeriod * step
)

// start is the beginning of a minute, so that aligned windows end exactly at a step.
var start = time.Unix(1_795_363_680, 0)

// The number of clients that call each key, and of the calls of each client. The product must stay below remembered.
const (
	clients      = 6
	callsAClient = 10
)

// A trial is a subject under a limit.
type trial struct {
	subject
	limit     algorithms.Limit
	simulated bool // each call has its own time; otherwise the server has a clock
}

// plans returns the calls of each client on each key. They are the same in every run.
func (try trial) plans(t *testing.T) [][clients][]call {
	t.Helper()
	plans := make([][clients][]call, *histories)
	for key := range plans {
		random := rand.New(rand.NewPCG(1, uint64(key)))
		for client := range plans[key] {
			for i := range callsAClient {
				c := try.pick(random, try.capacity(t))
				if try.simulated {
					c.at = pickTime(random, i)
				}
				plans[key][client] = append(plans[key][client], c)
			}
		}
	}
	return plans
}

// pick returns a random call.
func (try trial) pick(random *rand.Rand, capacity int64) call {
	switch n := random.IntN(20); {
	case n == 0:
		return call{method: reset}
	case try.probe == schedule:
		return call{method: schedule}
	case n <= 4:
		return call{method: peek}
	case n <= 8:
		return call{method: allowN, cost: 1 + random.Int64N(capacity)}
	}
	return call{method: allow}
}

// pickTime returns the time of a client's i-th call: about the i-th step, and sometimes any step.
func pickTime(random *rand.Rand, i int) int {
	if random.IntN(20) == 0 {
		return random.IntN(steps)
	}
	return min(max(i+random.IntN(4)-2, 0), steps-1)
}

// capacity returns the largest cost.
func (try trial) capacity(t *testing.T) int64 {
	t.Helper()
	ask, err := try.local.onClock()(try.limit)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := ask(context.Background(), "k", call{method: try.probe})
	if err != nil {
		t.Fatal(err)
	}
	if r, ok := answer.(algorithms.Result); ok {
		return r.Limit
	}
	return 0 // a queue takes no cost
}
