package algorithmtest

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// Numbers is a fuzzer's input read as whole numbers. Each is a varint: any bytes are some numbers, small numbers are as
// likely as large ones, and a changed byte mostly changes one number. The fuzzer itself changes an int64 only by up to 100
// at a time, so it would never get from the smallest numbers to the largest.
type Numbers []byte

// Next takes the next number, or returns 0 if none is left.
func (n *Numbers) Next() int64 {
	v, size := binary.Varint(*n)
	if size == 0 { // the last number is incomplete
		size = len(*n)
	}
	*n = (*n)[max(size, -size):] // below 0: the length of a number that is too large
	return v
}

// Limit takes three numbers as a limit's rate, period in microseconds and burst.
func (n *Numbers) Limit() algorithms.Limit {
	rate, period, burst := n.Next(), n.Next(), n.Next()
	return algorithms.Limit{Rate: rate, Period: time.Duration(period) * time.Microsecond, Burst: burst}
}

// SeedOf returns the input from which the limit and the numbers are read.
func SeedOf(limit algorithms.Limit, numbers ...int64) []byte {
	var input []byte
	for _, v := range slices.Concat([]int64{limit.Rate, limit.Period.Microseconds(), limit.Burst}, numbers) {
		input = binary.AppendVarint(input, v)
	}
	return input
}
