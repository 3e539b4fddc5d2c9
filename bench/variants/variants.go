// Package variants holds what was tried of the scripts beside what is shipped, so that the figures in
// docs/performance.md can be had again, on servers to come too:
//
//	go test -run '^$' -bench . ./bench/variants
//
// A variant is a script of Weir's with some of its text replaced.
package variants

import (
	"fmt"
	"strings"

	"github.com/go-weir/weir/scripts"
)

// A Variant is a script in which something is done in another way.
type Variant struct {
	Name, About string

	Script *scripts.Script
	Edits  [][2]string // text of the script, and what takes its place
	Args   []string    // where they are not those of the script's other variants
}

// All are the variants by the script that is shipped.
var All = []Variant{
	{
		Name: "gcra/four-integers", About: "the reply is what the client tells its caller: allowed, ahead, retry, reset",
		Script: scripts.GCRA,
		Edits:  [][2]string{{"return standing", "return {allowed and 1 or 0, ahead, allowed and 0 or after - burst, ahead}"}},
	},
	{
		Name: "gcra/all-arguments", About: "the arguments that are not needed are sent all the same",
		Script: scripts.GCRA, Args: []string{"60000000", "{burst}", "", "0", "0", "1"},
	},
	{
		Name: "gcra/formatted-in-Lua", About: "numbers are made text by string.format, not by redis.call",
		Script: scripts.GCRA,
		Edits: [][2]string{{
			"redis.call('SET', KEYS[1], tat, 'PX', math.ceil(ahead / 1000) + grace)",
			"redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', string.format('%.0f', math.ceil(ahead / 1000) + grace))",
		}},
	},
	{
		Name: "fixedwindow/TTL-each-time", About: "SET has PX in an open window too, not KEEPTTL",
		Script: scripts.FixedWindow,
		Edits:  [][2]string{{"if allowed and open and open > 0 and not clamped then", "if false then"}},
	},
	{
		Name: "fixedwindow/find-and-sub", About: "the state is taken apart by string.find and string.sub, not by string.match",
		Script: scripts.FixedWindow,
		Edits: [][2]string{{
			"admitted, finish = string.match(stored, '^(%d+) (%d+)$')",
			"local space = string.find(stored, ' ', 1, true)\n  admitted, finish = tonumber(string.sub(stored, 1, space - 1)), string.sub(stored, space + 1)",
		}},
	},
	{
		Name: "fixedwindow/concatenated", About: "the count is made text by .., which is right below 10^14 only",
		Script: scripts.FixedWindow,
		Edits:  [][2]string{{"string.format('%.0f ', count) .. finish", "count .. ' ' .. finish"}},
	},
	{
		Name: "slidinglog/four-integers", About: "the reply is what the client tells its caller, also when admitted",
		Script: scripts.SlidingLog,
		Edits:  [][2]string{{"return used\n", "return {1, used, 0, period}\n"}},
	},
	{
		Name: "slidinglog/number-indexes", About: "the indexes for redis.call are numbers, not text",
		Script: scripts.SlidingLog,
		Edits: [][2]string{
			{"redis.call('LINDEX', KEYS[1], '0')", "redis.call('LINDEX', KEYS[1], 0)"},
			{"redis.call('LINDEX', KEYS[1], '-1')", "redis.call('LINDEX', KEYS[1], -1)"},
			{"redis.call('LINDEX', KEYS[1], '1')", "redis.call('LINDEX', KEYS[1], 1)"},
		},
	},
	{
		Name: "slidinglog/LRANGE", About: "base and first entry come in one call",
		Script: scripts.SlidingLog,
		Edits: [][2]string{
			{"local head = redis.call('LINDEX', KEYS[1], '0')", "local ends = redis.call('LRANGE', KEYS[1], '0', '1')\nlocal head = ends[1]"},
			{"oldest, first = redis.call('LINDEX', KEYS[1], '1'), 1", "oldest, first = ends[2], 1"},
		},
	},
}

// Source returns the variant's text.
func (v Variant) Source() (string, error) {
	text := v.Script.Source()
	for _, edit := range v.Edits {
		if strings.Count(text, edit[0]) != 1 {
			return "", fmt.Errorf("variants: %s: the script has not once the text %q", v.Name, edit[0])
		}
		text = strings.Replace(text, edit[0], edit[1], 1)
	}
	return text, nil
}
