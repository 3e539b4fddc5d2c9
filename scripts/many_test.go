package scripts_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// TestMany: the answers to many requests in one call, and the stored keys after it, are as if each had been sent alone, even if
// a key has other contents or another type.
func TestMany(t *testing.T) {
	requests := map[*scripts.Script][][]string{
		scripts.GCRA:        {{"1000000", "5000000", "@"}, {"2000000", "5000000", "@"}},
		scripts.Queue:       {{"333333", "999999", "", "@", "1", "2", "3"}, {"333333", "999999", "500000", "@", "1", "2", "3"}},
		scripts.FixedWindow: {{"1", "9", "60000000", "@"}, {"3", "9", "60000000", "@"}, {"1", "5", "60000000", "@"}},
		scripts.SlidingLog:  {{"1", "9", "60000000", "@"}, {"3", "9", "60000000", "@"}},
	}
	random := rand.New(rand.NewPCG(1, 2))
	for script, choices := range requests {
		_, conn := resptest.Miniredis(t)
		for _, prefix := range []string{"alone:", "together:"} {
			for _, command := range [][]string{{"RPUSH", prefix + "list", "nothing of ours"}, {"SET", prefix + "text", "nothing of ours"}} {
				if _, err := conn.Do(command...); err != nil {
					t.Fatal(err)
				}
			}
		}
		at := int64(now)
		for round := range 30 {
			at += random.Int64N(2_000_000)
			var alone [][]int64
			var keys, args []string
			whole := true
			for range 1 + random.IntN(6) {
				request := append([]string(nil), choices[random.IntN(len(choices))]...)
				for i, arg := range request {
					if arg == "@" {
						request[i] = strconv.FormatInt(at, 10)
					}
				}
				times := 1 + random.IntN(3)
				group := []string{"a", "b", "list", "text"}[random.IntN(2):][:1+random.IntN(3)]
				args = append(append(args, strconv.Itoa(len(group)), strconv.Itoa(times), "1", strconv.Itoa(len(request))), request...)
				for _, key := range group {
					keys = append(keys, "together:"+key)
					for range times {
						reply, err := conn.Run(context.Background(), script, []string{"alone:" + key}, request)
						if err != nil {
							reply = nil
						}
						alone, whole = append(alone, reply), whole && len(reply) == 1
					}
				}
			}
			want := []int64{1}
			if !whole {
				want[0] = -1
			}
			for _, reply := range alone {
				switch {
				case reply == nil:
					want = append(want, -1)
				case !whole:
					want = append(want, int64(len(reply)))
				}
				want = append(want, reply...)
			}
			got, err := conn.Run(context.Background(), script.Many(), keys, args)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%s, round %d, %q %q: %v, %v, one by one %v", script.Name(), round, keys, args, got, err, want)
			}
			stored, err := conn.Dump(context.Background(), "alone:")
			if err != nil {
				t.Fatal(err)
			}
			if len(stored) < 2 {
				t.Fatalf("%s, round %d: stored is %q", script.Name(), round, stored)
			}
			for key, value := range maps.All(stored) {
				key = "together:" + key[len("alone:"):]
				all, err := conn.Dump(context.Background(), key)
				if err != nil || all[key] != value {
					t.Fatalf("%s, round %d: %s is %q, %v, one by one %q", script.Name(), round, key, all[key], err, value)
				}
				lives, err := conn.Do("PTTL", key)
				if err != nil || lives.(int64) < 3_600_000-1 && !strings.HasSuffix(key, "list") && !strings.HasSuffix(key, "text") {
					t.Fatalf("%s, round %d: %s lives %v ms, %v, want at least an hour", script.Name(), round, key, lives, err)
				}
			}
		}
	}
}
