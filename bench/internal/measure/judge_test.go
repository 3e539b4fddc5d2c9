package measure

import (
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/shared/round"
)

// every returns n moments at equal distances. The first is at a whole second.
func every(n int, apart time.Duration) (moments []int64) {
	start := time.Unix(1_800_000_000, 0).UnixNano()
	for i := range n {
		moments = append(moments, start+int64(i)*int64(apart))
	}
	return moments
}

// TestAdmits checks how many requests each definition admits if they come for two and a half seconds, ten times as fast as
// the limit of 10 a second.
func TestAdmits(t *testing.T) {
	for _, test := range []struct {
		definition round.Definition
		want       int
	}{
		{round.FixedWindow, 30},
		{round.AlignedWindow, 30},
		{round.SlidingLog, 30},
		{round.GCRA, 10 + 24},               // the burst, and one each tenth of a second
		{round.SlidingCounter, 10 + 10 + 5}, // ten, then one whenever another tenth of the previous window has passed
	} {
		got, err := admits(test.definition, algorithms.PerSecond(10), every(250, 10*time.Millisecond))
		if err != nil || got != test.want {
			t.Errorf("%s admits %d, %v, want %d", test.definition, got, err, test.want)
		}
	}
	if _, err := admits("whatever", algorithms.PerSecond(10), nil); err == nil {
		t.Error("an unknown definition is accepted")
	}
}

// TestJudge: a judgement has the number of admitted requests, and the promised range, which is 33 to 35.
func TestJudge(t *testing.T) {
	limit := algorithms.PerSecond(10)
	moments := every(250, 10*time.Millisecond)
	for _, test := range []struct {
		name     string
		admitted int // of the first requests
		failed   int // of the last
	}{{"right", 34, 0}, {"too many", 50, 0}, {"too few", 20, 0}, {"errors", 34, 10}} {
		events := make([]round.Event, len(moments))
		for i, at := range moments {
			events[i] = round.Event{Began: at, Ended: at + int64(time.Millisecond), Allowed: i < test.admitted, Failed: i >= len(moments)-test.failed}
		}
		got, err := judge(round.GCRA, limit, events)
		if want := (judgement{test.admitted, test.failed, 33, 35}); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", test.name, got, err, want)
		}
	}
}

func TestMostIn(t *testing.T) {
	second := int64(time.Second)
	for _, test := range []struct {
		moments []int64
		want    int
	}{
		{nil, 0},
		{[]int64{5}, 1},
		{[]int64{0, second}, 1}, // exactly a period apart
		{[]int64{1, second, 0}, 2},
		{[]int64{0, second - 1, second, 2*second - 2}, 3},
	} {
		if got := mostIn(test.moments, time.Second); got != test.want {
			t.Errorf("%v: %d, want %d", test.moments, got, test.want)
		}
	}
}
