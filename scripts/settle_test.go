package scripts_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// A settling is one call in a sequence of charges and settlements: the script, the time since now, the arguments and the
// reply. In the arguments, @ stands for now_us, and +N for N µs after now. stored and beside are what the key and the key
// beside it hold after the call. life and lifeOfBeside are the TTLs that they get, in ms without the grace; -1 if the
// call sets none, and -2 if the key is gone.
type settling struct {
	script       *scripts.Script
	at           string
	args         string
	reply        []int64
	stored       string
	life         int64
	beside       string
	lifeOfBeside int64
}

const none = "<nil>"

var settlings = map[string][]settling{
	"one a second, a part given back": {
		{scripts.GCRAReserve, "0s", "6000000 10000000 @ 0 0 1", []int64{6_000_000, 0, now, 0, 0, 0}, at(6_000_000), 6000, none, -1},
		{scripts.GCRAReserve, "1s", "4000000 10000000 @ 0 0 1", []int64{9_000_000, 0, now + 1_000_000, 0, 0, 0}, at(10_000_000), 9000, none, -1},
		{scripts.GCRASettle, "2s", "4000000 10000000 @ 0 +6000000 +6000000 0 0 0 0 0 0 0 1", []int64{1}, at(6_000_000), 4000, at(2_000_001) + " 4000000", 8000},
		{scripts.GCRAReserve, "2s", "1000000 10000000 @ 0 0 1", []int64{5_000_000, 0, now + 2_000_000, now + 2_000_001, 4_000_000, 0}, at(7_000_000), 5000, at(2_000_001) + " 4000000", -1},
		{scripts.GCRASettle, "3s", "4000000 10000000 @ 0 +10000000 +5000000 0 0 0 0 0 0 0 1", []int64{1}, at(4_000_000), 1000, at(2_000_001) + " 7000000", -1},
		{scripts.GCRASettle, "3s", "1000000 10000000 @ 0 +7000000 +3000000 +2000001 4000000 0 0 0 0 0 1", []int64{1}, at(3_000_000), 0, at(2_000_001) + " 8000000", -1},
		{scripts.GCRASettle, "9s", "1000000 10000000 @ 0 +7000000 +3000000 +2000001 4000000 0 0 0 0 0 1", []int64{0}, at(3_000_000), -1, at(2_000_001) + " 8000000", -1},
	},
	"seven a second, parts": {
		{scripts.GCRAReserve, "0s", "571428 1000000 @ 4 0 7", []int64{571_428, 4, now, 0, 0, 0}, at(571_428) + "+4", 572, none, -1},
		{scripts.GCRASettle, "1us", "428571 1000000 @ 0 +571428 +571428 0 0 3 0 4 4 0 7", []int64{1}, at(142_857) + "+1", 143, at(2) + " 428571+3", 572},
		{scripts.GCRAReserve, "1us", "142857 1000000 @ 1 0 7", []int64{285_713, 2, now + 1, now + 2, 428_571, 3}, at(285_714) + "+2", 286, at(2) + " 428571+3", -1},
		{scripts.GCRASettle, "2us", "142857 1000000 @ 0 +285714 +142858 +2 428571 1 0 2 1 3 7", []int64{1}, at(142_857) + "+1", 143, at(2) + " 571428+4", -1},
		{scripts.GCRASettle, "142856us", "142857 1000000 @ 0 +142857 +142857 0 0 1 0 1 1 0 7", []int64{1}, at(142_856), 0, at(2) + " 571429+5", -1},
		{scripts.GCRASettle, "142857us", "142857 1000000 @ 0 +142857 +142857 0 0 1 0 1 0 0 7", []int64{0}, at(142_856), -1, at(2) + " 571429+5", -1},
	},
	"an end that its own differs from by a part": {
		{scripts.GCRAReserve, "0s", "285714 1000000 @ 2 0 7", []int64{285_714, 2, now, 0, 0, 0}, at(285_714) + "+2", 286, none, -1},
		{scripts.GCRASettle, "0s", "285714 1000000 @ 0 +285714 +285714 0 0 2 0 2 1 0 7", []int64{1}, at(0), 0, at(1) + " 285714+2", 286},
	},
	"parts of sixteen digits": {
		{scripts.GCRAReserve, "0s", "1 5 @ 1000000000000000 0 2251799813685247", []int64{1, 1e15, now, 0, 0, 0}, at(1) + "+1000000000000000", 1, none, -1},
		{scripts.GCRASettle, "0s", "1 5 @ 0 +1 +1 0 0 1000000000000000 0 1000000000000000 1000000000000000 0 2251799813685247", []int64{1}, at(0), 0, at(1) + " 1+1000000000000000", 1},
		{scripts.GCRAReserve, "0s", "1 5 @ 1000000000000000 0 2251799813685247", []int64{1, 1e15, now, now + 1, 1, 1e15}, at(1) + "+1000000000000000", 1, at(1) + " 1+1000000000000000", -1},
		{scripts.GCRASettle, "0s", "1 5 @ 1 +1 +1 0 0 1000000000000000 0 1000000000000000 1000000000000000 0 2251799813685247", []int64{1}, at(2) + "+2000000000000000", 1, at(1) + " 1+1000000000000000", -1},
		{scripts.GCRASettle, "0s", "4 5 @ 1 +1 +1 0 0 0 0 0 0 0 2251799813685247", []int64{1}, at(6) + "+2000000000000000@" + at(0), 1, at(1) + " 1+1000000000000000", -1},
		{scripts.GCRA, "0s", "1 5 @ 0 0 2251799813685247", []int64{-1 - 6, 2e15}, at(6) + "+2000000000000000@" + at(0), -1, at(1) + " 1+1000000000000000", -1},
	},
	"a debt": {
		{scripts.GCRAReserve, "0s", "2000000 10000000 @ 0 0 1", []int64{2_000_000, 0, now, 0, 0, 0}, at(2_000_000), 2000, none, -1},
		{scripts.GCRASettle, "1s", "13000000 10000000 @ 1 +2000000 +2000000 0 0 0 0 0 0 0 1", []int64{1}, at(15_000_000) + "@" + at(1_000_000), 14_000, none, -1},
		{scripts.GCRA, "1s", "1000000 10000000 @", []int64{-1 - 14_000_000}, at(15_000_000) + "@" + at(1_000_000), -1, none, -1},
		{scripts.GCRAPeek, "2s", "1000000 10000000 @", []int64{-1 - 13_000_000}, at(15_000_000) + "@" + at(1_000_000), -1, none, -1},
		{scripts.GCRAMost, "2s", "9 10000000 @ 1000000 0 1 0", []int64{0, -1 - 13_000_000, 0}, at(15_000_000) + "@" + at(1_000_000), -1, none, -1},
		{scripts.GCRAReserve, "2s", "1000000 10000000 @ 0 0 1", []int64{-1 - 13_000_000, 0, now + 2_000_000, 0, 0, 0}, at(15_000_000) + "@" + at(1_000_000), -1, none, -1},
		{scripts.GCRAPeek, "7s", "1000000 10000000 @", []int64{8_000_000}, at(15_000_000) + "@" + at(1_000_000), -1, none, -1},
		{scripts.GCRA, "7s", "1000000 10000000 @", []int64{9_000_000}, at(16_000_000), 9000, none, -1},
	},
	"a debt with parts": {
		{scripts.GCRASettle, "0s", "1142857 1000000 @ 1 +0 +0 0 0 1 0 0 0 0 7", []int64{1}, at(1_142_857) + "+1@" + at(0), 1143, none, -1},
		{scripts.GCRA, "0s", "142857 1000000 @ 1 0 7", []int64{-1 - 1_142_857, 1}, at(1_142_857) + "+1@" + at(0), -1, none, -1},
		{scripts.GCRAPeek, "1us", "142857 1000000 @ 1 0 7", []int64{-1 - 1_142_856, 1}, at(1_142_857) + "+1@" + at(0), -1, none, -1},
		{scripts.GCRA, "285715us", "142857 1000000 @ 1 0 7", []int64{999_999, 2}, at(1_285_714) + "+2", 1000, none, -1},
	},
	"debts that have passed add up": {
		{scripts.GCRAReserve, "0s", "4000000 10000000 @ 0 0 1", []int64{4_000_000, 0, now, 0, 0, 0}, at(4_000_000), 4000, none, -1},
		{scripts.GCRASettle, "9s", "4000000 10000000 @ 1 +4000000 +4000000 0 0 0 0 0 0 0 1", []int64{1}, at(8_000_000), 0, none, -1},
		{scripts.GCRASettle, "9s", "4000000 10000000 @ 1 +4000000 +4000000 0 0 0 0 0 0 0 1", []int64{1}, at(12_000_000), 3000, none, -1},
	},
	"a debt, and the clock goes back": {
		{scripts.GCRASettle, "0s", "13000000 10000000 @ 1 +0 +0 0 0 0 0 0 0 0 1", []int64{1}, at(13_000_000) + "@" + at(0), 13_000, none, -1},
		{scripts.GCRAPeek, "-1us", "1000000 10000000 @", []int64{-1 - 10_000_000}, at(13_000_000) + "@" + at(0), -1, none, -1},
		{scripts.GCRA, "-1us", "1000000 10000000 @", []int64{-1 - 10_000_000}, at(9_999_999), 10_000, none, -1},
	},
	"a debt, and a settlement by a clock that went back": {
		{scripts.GCRASettle, "0s", "13000000 10000000 @ 1 +0 +0 0 0 0 0 0 0 0 1", []int64{1}, at(13_000_000) + "@" + at(0), 13_000, none, -1},
		{scripts.GCRASettle, "-1us", "1000000 10000000 @ 0 +6000000 +6000000 0 0 0 0 0 0 0 1", []int64{1}, at(8_999_999), 9000, at(0) + " 1000000", 10_000},
	},
	"a settlement after the clock went back": {
		{scripts.GCRAReserve, "0s", "6000000 10000000 @ 0 0 1", []int64{6_000_000, 0, now, 0, 0, 0}, at(6_000_000), 6000, none, -1},
		{scripts.GCRASettle, "-1h", "1000000 10000000 @ 0 +6000000 +6000000 0 0 0 0 0 0 0 1", []int64{1}, at(-3_600_000_000 + 9_000_000), 9000, at(-3_600_000_000+1) + " 1000000", 10_000},
	},
	"a debt as large as it can be": {
		{scripts.GCRASettle, "0s", "2251799813685248 10000000 @ 1 +0 +0 0 0 0 0 0 0 0 1", []int64{1}, at(1<<51) + "@" + at(0), 1<<51/1000 + 1, none, -1},
		{scripts.GCRASettle, "0s", "2251799813685248 10000000 @ 1 +0 +0 0 0 0 0 0 0 0 1", []int64{1}, at(1<<52) + "@" + at(0), 1<<52/1000 + 1, none, -1},
		{scripts.GCRASettle, "0s", "2251799813685248 10000000 @ 1 +0 +0 0 0 0 0 0 0 0 1", []int64{1}, at(1<<52) + "@" + at(0), 1<<52/1000 + 1, none, -1},
		{scripts.GCRA, "0s", "1000000 10000000 @", []int64{-1 - 1<<52}, at(1<<52) + "@" + at(0), -1, none, -1},
	},
	"a count that is begun anew": {
		{scripts.GCRAReserve, "0s", "2251799813685248 2251799813685248 @ 0 0 1", []int64{1 << 51, 0, now, 0, 0, 0}, at(1 << 51), 1<<51/1000 + 1, none, -1},
		{scripts.GCRASettle, "0s", "2251799813685248 2251799813685248 @ 0 +2251799813685248 +2251799813685248 0 0 0 0 0 0 0 1", []int64{1}, at(0), 0, at(1) + " 2251799813685248", 1<<51/1000 + 1},
		{scripts.GCRAReserve, "0s", "2251799813685248 2251799813685248 @ 0 0 1", []int64{1 << 51, 0, now, now + 1, 1 << 51, 0}, at(1 << 51), 1<<51/1000 + 1, at(1) + " 2251799813685248", -1},
		{scripts.GCRASettle, "0s", "2251799813685248 2251799813685248 @ 0 +2251799813685248 +2251799813685248 +1 2251799813685248 0 0 0 0 0 1", []int64{1}, at(0), 0, at(1) + " 4503599627370496", -1},
		{scripts.GCRAReserve, "0s", "2251799813685248 2251799813685248 @ 0 0 1", []int64{1 << 51, 0, now, now + 1, 1 << 52, 0}, at(1 << 51), 1<<51/1000 + 1, at(1) + " 4503599627370496", -1},
		{scripts.GCRASettle, "0s", "2251799813685248 2251799813685248 @ 0 +2251799813685248 +2251799813685248 +1 4503599627370496 0 0 0 0 0 1", []int64{1}, at(0), 0, at(2) + " 4503599627370496", -1},
	},

	"five a second in windows": {
		{scripts.FixedWindowReserve, "0s", "4 5 1000000 @", []int64{4, 1_000_000, now + 1_000_000}, at(1_000_000) + " 4", 1000, none, -1},
		{scripts.FixedWindowSettle, "1ms", "1 4 1000000 @ +1000000", []int64{1}, at(1_000_000) + " 1", -1, none, -1},
		{scripts.FixedWindowReserve, "1ms", "2 5 1000000 @", []int64{3, 999_000, now + 1_000_000}, at(1_000_000) + " 3", -1, none, -1},
		{scripts.FixedWindowSettle, "1ms", "9 2 1000000 @ +1000000", []int64{1}, at(1_000_000) + " 10", -1, none, -1},
		{scripts.FixedWindow, "2ms", "1 5 1000000 @", denied(packed(998_000, 5, 5)), at(1_000_000) + " 10", -1, none, -1},
		{scripts.FixedWindowMost, "2ms", "9 12 1000000 @", []int64{2, 12, 998_000}, at(1_000_000) + " 12", -1, none, -1},
		{scripts.FixedWindowMost, "2ms", "9 12 1000000 @", []int64{0, -1 - 12, 998_000}, at(1_000_000) + " 12", -1, none, -1},
		{scripts.FixedWindowSettle, "2ms", "0 90 1000000 @ +1000000", []int64{1}, at(1_000_000) + " 0", -1, none, -1},
		{scripts.FixedWindowSettle, "2ms", "2251799813685250 2 1000000 @ +1000000", []int64{1}, at(1_000_000) + " 2251799813685248", -1, none, -1},
		{scripts.FixedWindowSettle, "2ms", "2251799813685250 2 1000000 @ +1000000", []int64{1}, at(1_000_000) + " 4503599627370496", -1, none, -1},
		{scripts.FixedWindowSettle, "2ms", "2251799813685250 2 1000000 @ +1000000", []int64{1}, at(1_000_000) + " 4503599627370496", -1, none, -1},
		{scripts.FixedWindowSettle, "1s", "0 4 1000000 @ +1000000", []int64{0}, at(1_000_000) + " 4503599627370496", -1, none, -1},
		{scripts.FixedWindowReserve, "1s", "4 5 1000000 @", []int64{4, 1_000_000, now + 2_000_000}, at(2_000_000) + " 4", 1000, none, -1},
		{scripts.FixedWindowSettle, "1s", "0 4 1000000 @ +1000000", []int64{0}, at(2_000_000) + " 4", -1, none, -1},
		{scripts.FixedWindowSettle, "1s", "1 4 1000000 @ +2000000", []int64{1}, at(2_000_000) + " 1", -1, none, -1},
		{scripts.FixedWindowSettle, "1s", "0 1 1000000 @ +2000000", []int64{1}, none, -2, none, -1},
		{scripts.FixedWindowSettle, "1s", "0 1 1000000 @ +2000000", []int64{0}, none, -2, none, -1},
	},

	"a log: the entry itself": {
		{scripts.SlidingLogReserve, "0s", "5 10 1000000 @", []int64{5, 0, 1_000_000, now}, log(0, 0, entry(0, 5)), 1000, none, -1},
		{scripts.SlidingLogSettle, "1ms", "2 5 1000000 @ +0", []int64{1}, log(0, 0, entry(0, 2)), -1, none, -1},
		{scripts.SlidingLogReserve, "2ms", "5 10 1000000 @", []int64{7, 0, 1_000_000, now + 2000}, log(0, 0, entry(0, 2), entry(2000, 7)), -1, none, -1},
		{scripts.SlidingLogSettle, "3ms", "0 5 1000000 @ +2000", []int64{1}, log(0, 0, entry(0, 2)), -1, none, -1},
		{scripts.SlidingLogSettle, "3ms", "11 2 1000000 @ +0", []int64{1}, log(0, 0, entry(0, 11, 6)), -1, none, -1},
		{scripts.SlidingLog, "3ms", "1 10 1000000 @", []int64{-1 - 11, 997_000, 997_000}, log(0, 0, entry(0, 11, 6)), -1, none, -1},
		{scripts.SlidingLogSettle, "3ms", "9 11 1000000 @ +0", []int64{1}, log(0, 0, entry(0, 9, 6)), -1, none, -1},
		{scripts.SlidingLogMost, "3ms", "5 10 1000000 @", []int64{1, 10, 0, 1_000_000}, log(0, 0, entry(0, 9, 6), entry(3000, 10)), -1, none, -1},
		{scripts.SlidingLogMost, "3ms", "5 10 1000000 @", []int64{0, -1 - 10, 997_000, 1_000_000}, log(0, 0, entry(0, 9, 6), entry(3000, 10)), -1, none, -1},
		{scripts.SlidingLogSettle, "4ms", "0 1 1000000 @ +3000", []int64{1}, log(0, 0, entry(0, 9, 6)), -1, none, -1},
		{scripts.SlidingLogSettle, "1s", "0 9 1000000 @ +0", []int64{0}, log(0, 0, entry(0, 9, 6)), -1, none, -1},
		{scripts.SlidingLogReserve, "1s", "5 10 1000000 @", []int64{5, 0, 1_000_000, now + 1_000_000}, log(1_000_000, 0, entry(1_000_000, 5)), 1000, none, -1},
		{scripts.SlidingLogSettle, "1s", "0 5 1000000 @ +1000000", []int64{1}, none, -2, none, -1},
		{scripts.SlidingLogSettle, "1s", "0 5 1000000 @ +1000000", []int64{0}, none, -2, none, -1},
	},
	"a log: entries of one instant": {
		{scripts.SlidingLogReserve, "0s", "5 10 1000000 @", []int64{5, 0, 1_000_000, now}, log(0, 0, entry(0, 5)), 1000, none, -1},
		{scripts.SlidingLog, "0s", "1 10 1000000 @", []int64{6}, log(0, 0, entry(0, 5), entry(0, 6)), -1, none, -1},
		{scripts.SlidingLog, "0s", "1 10 1000000 @", []int64{7}, log(0, 0, entry(0, 5), entry(0, 6), entry(0, 7)), -1, none, -1},
		{scripts.SlidingLogSettle, "1ms", "2 5 1000000 @ +0", []int64{1}, log(0, 0, entry(0, 4)), -1, none, -1},
	},
	"a log: an entry of one instant, behind one that has gone": {
		{scripts.SlidingLog, "0s", "3 10 1000000 @", []int64{3}, log(0, 0, entry(0, 3)), 1000, none, -1},
		{scripts.SlidingLogReserve, "500ms", "2 10 1000000 @", []int64{5, 0, 1_000_000, now + 500_000}, log(0, 0, entry(0, 3), entry(500_000, 5)), -1, none, -1},
		{scripts.SlidingLogSettle, "1s", "0 2 1000000 @ +500000", []int64{1}, log(0, 0, entry(0, 3)), -1, none, -1},
		{scripts.SlidingLog, "1s", "3 10 1000000 @", []int64{3}, log(1_000_000, 0, entry(1_000_000, 3)), 1000, none, -1},
	},
	"a log: the entry has gone, and a later one has not": {
		{scripts.SlidingLogReserve, "0s", "5 10 1000000 @", []int64{5, 0, 1_000_000, now}, log(0, 0, entry(0, 5)), 1000, none, -1},
		{scripts.SlidingLog, "500ms", "3 10 1000000 @", []int64{8}, log(0, 0, entry(0, 5), entry(500_000, 8)), -1, none, -1},
		{scripts.SlidingLogSettle, "1s", "0 5 1000000 @ +0", []int64{0}, log(0, 0, entry(0, 5), entry(500_000, 8)), -1, none, -1},
		{scripts.SlidingLogSettle, "1s", "9 5 1000000 @ +0", []int64{0}, log(0, 0, entry(0, 5), entry(500_000, 8)), -1, none, -1},
	},
	"a log: the oldest": {
		{scripts.SlidingLog, "0s", "2 10 1000000 @", []int64{2}, log(0, 0, entry(0, 2)), 1000, none, -1},
		{scripts.SlidingLogReserve, "100ms", "5 10 1000000 @", []int64{7, 0, 1_000_000, now + 100_000}, log(0, 0, entry(0, 2), entry(100_000, 7)), -1, none, -1},
		{scripts.SlidingLog, "200ms", "3 10 1000000 @", []int64{10}, log(0, 0, entry(0, 2), entry(100_000, 7), entry(200_000, 10)), -1, none, -1},
		{scripts.SlidingLogSettle, "300ms", "4 5 1000000 @ +100000", []int64{1}, log(0, 1, entry(0, 2), entry(100_000, 7), entry(200_000, 10)), -1, none, -1},
		{scripts.SlidingLogSettle, "300ms", "4 5 1000000 @ +100000", []int64{1}, log(100_000, 2, entry(100_000, 7), entry(200_000, 10)), -1, none, -1},
		{scripts.SlidingLogSettle, "300ms", "6 5 1000000 @ +100000", []int64{1}, log(100_000, 2, entry(100_000, 7), entry(200_000, 11, 6)), -1, none, -1},
		{scripts.SlidingLogSettle, "1100ms", "0 5 1000000 @ +150000", []int64{1}, none, -2, none, -1},
	},
	"a log: the oldest behind entries that have gone": {
		{scripts.SlidingLog, "0s", "2 10 1000000 @", []int64{2}, log(0, 0, entry(0, 2)), 1000, none, -1},
		{scripts.SlidingLogReserve, "500ms", "5 10 1000000 @", []int64{7, 0, 1_000_000, now + 500_000}, log(0, 0, entry(0, 2), entry(500_000, 7)), -1, none, -1},
		{scripts.SlidingLog, "600ms", "1 10 1000000 @", []int64{8}, log(0, 0, entry(0, 2), entry(500_000, 7), entry(600_000, 8)), -1, none, -1},
		{scripts.SlidingLog, "700ms", "1 10 1000000 @", []int64{9}, log(0, 0, entry(0, 2), entry(500_000, 7), entry(600_000, 8), entry(700_000, 9)), -1, none, -1},
		{scripts.SlidingLogSettle, "1s", "0 5 1000000 @ +500000", []int64{1}, log(600_000, 7, entry(600_000, 8), entry(700_000, 9)), -1, none, -1},
	},
	"a log: the oldest, of which some are covered exactly": {
		{scripts.SlidingLog, "0s", "2 20 1000000 @", []int64{2}, log(0, 0, entry(0, 2)), 1000, none, -1},
		{scripts.SlidingLog, "50ms", "3 20 1000000 @", []int64{5}, log(0, 0, entry(0, 2), entry(50_000, 5)), -1, none, -1},
		{scripts.SlidingLogReserve, "100ms", "7 20 1000000 @", []int64{12, 0, 1_000_000, now + 100_000}, log(0, 0, entry(0, 2), entry(50_000, 5), entry(100_000, 12)), -1, none, -1},
		{scripts.SlidingLog, "200ms", "1 20 1000000 @", []int64{13}, log(0, 0, entry(0, 2), entry(50_000, 5), entry(100_000, 12), entry(200_000, 13)), -1, none, -1},
		{scripts.SlidingLogSettle, "300ms", "2 7 1000000 @ +100000", []int64{1}, log(100_000, 5, entry(100_000, 12), entry(200_000, 13)), -1, none, -1},
	},
	"a log: a debt, and the clock went back": {
		{scripts.SlidingLogReserve, "0s", "2 10 1000000 @", []int64{2, 0, 1_000_000, now}, log(0, 0, entry(0, 2)), 1000, none, -1},
		{scripts.SlidingLog, "500ms", "3 10 1000000 @", []int64{5}, log(0, 0, entry(0, 2), entry(500_000, 5)), -1, none, -1},
		{scripts.SlidingLogSettle, "100ms", "4 2 1000000 @ +0", []int64{1}, log(0, 0, entry(0, 2), entry(500_000, 7, 6)), -1, none, -1},
	},
	"a log: large debts": {
		{scripts.SlidingLogReserve, "0s", "1 10 1000000 @", []int64{1, 0, 1_000_000, now}, log(0, 0, entry(0, 1)), 1000, none, -1},
		{scripts.SlidingLogSettle, "1ms", "70368744177665 1 1000000 @ +0", []int64{1}, log(0, 0, entry(0, 1<<46+1, 6)), -1, none, -1},
		{scripts.SlidingLogSettle, "1ms", "70368744177665 1 1000000 @ +0", []int64{1}, log(0, 0, entry(0, 1<<47, 6)), -1, none, -1},
		{scripts.SlidingLog, "1ms", "1 10 1000000 @", []int64{-1 - 1<<47, 999_000, 999_000}, log(0, 0, entry(0, 1<<47, 6)), -1, none, -1},
	},
}

// TestSettlings makes each sequence of calls, first with given times and then on the server's own clock. The replies, what
// is stored and how long that lives must be as the contracts of the scripts say.
func TestSettlings(t *testing.T) {
	for name, story := range settlings {
		for _, clock := range []string{"simulated", "server's"} {
			t.Run(name+"/"+clock, func(t *testing.T) {
				server, conn := resptest.Miniredis(t)
				for i, c := range story {
					since, err := time.ParseDuration(c.at)
					if err != nil {
						t.Fatal(err)
					}
					moment := time.UnixMicro(now).Add(since)
					last, more := fmt.Sprint(moment.UnixMicro()), int64(hour)
					if clock != "simulated" {
						server.SetTime(moment)
						last, more = "", grace
					}
					args := strings.Split(c.args, " ")
					for i, arg := range args {
						if us, ok := strings.CutPrefix(arg, "+"); ok {
							var n int64
							if _, err := fmt.Sscan(us, &n); err != nil {
								t.Fatal(err)
							}
							args[i] = at(n)
						} else if arg == "@" {
							args[i] = last
						}
					}
					keys := []string{"k", "beside"}
					if !slices.Contains([]*scripts.Script{scripts.GCRAReserve, scripts.GCRASettle}, c.script) {
						keys = keys[:1]
					}
					const ttl = 1 << 42 // longer than any that a script sets
					reply, err := conn.Run(context.Background(), c.script, keys, args)
					if err != nil || !slices.Equal(reply, c.reply) {
						t.Errorf("call %d: %v, %v, want %v", i+1, reply, err, c.reply)
					}
					if got := stored(t, conn); got != c.stored {
						t.Errorf("call %d: stores %s, want %s", i+1, got, c.stored)
					}
					if got, err := conn.Do("GET", "beside"); err != nil || fmt.Sprint(got) != c.beside {
						t.Errorf("call %d: stores beside %v, want %s", i+1, got, c.beside)
					}
					for key, want := range map[string]int64{"k": c.life, "beside": c.lifeOfBeside} {
						got, err := conn.Do("PTTL", key)
						switch {
						case want >= 0:
							want += more
						case want == -1 && got == int64(-2): // there is no such key, as was compared above
							want = -2
						case want == -1:
							want = ttl
						}
						if err != nil || got != want {
							t.Errorf("call %d: %s lives %v ms, %v, want %d", i+1, key, got, err, want)
						}
						if _, err := conn.Do("PEXPIRE", key, fmt.Sprint(ttl)); err != nil && want >= 0 {
							t.Fatal(err)
						}
					}
				}
			})
		}
	}
}

// TestForeignCount: if the key for what was given back has other contents, there is an error that says so, before anything
// is charged or settled. If that key is a string without a TTL, it gets one.
func TestForeignCount(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	do := func(command ...string) any {
		reply, err := conn.Do(command...)
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	makes := append(foreign(), []string{"SET", "k", "7 " + strings.Repeat("9", 17)}, []string{"SET", "k", strings.Repeat("9", 17) + " 7"}, []string{"SET", "k", "7 8+7"})
	for _, c := range []struct {
		script *scripts.Script
		args   string
	}{
		{scripts.GCRAReserve, "142857 1000000  1 0 7"},
		{scripts.GCRASettle, "142857 1000000  0 " + at(0) + " " + at(0) + " 0 0 0 0 0 0 0 7"},
		{scripts.GCRASettle, "142857 1000000  1 " + at(0) + " " + at(0) + " 0 0 0 0 0 0 0 7"},
	} {
		for _, make := range makes {
			do("FLUSHALL")
			do(make...)
			before := dumpOf(t, conn)
			reply, err := conn.Run(context.Background(), c.script, []string{"own", "k"}, strings.Split(c.args, " "))
			if err == nil || !strings.HasPrefix(err.Error(), "WEIRSTATE ") && !strings.Contains(err.Error(), "WRONGTYPE") {
				t.Errorf("%s beside the key of %q: %v, %v", c.script.Name(), make, reply, err)
			}
			if after := dumpOf(t, conn); after != before {
				t.Errorf("%s beside the key of %q has changed it from %s to %s", c.script.Name(), make, before, after)
			}
			if do("EXISTS", "own") != int64(0) {
				t.Errorf("%s beside the key of %q has written", c.script.Name(), make)
			}
			if ttl := do("PTTL", "k"); make[0] == "SET" && ttl != int64(1000) {
				t.Errorf("%s beside the key of %q: that lives %v ms, want 1000", c.script.Name(), make, ttl)
			}
		}
	}
}
