// Package variants has variants of the shipped scripts that were tried. Its benchmark measures the figures in
// docs/performance.md again, also on future servers:
//
//	go test -run '^$' -bench . ./bench/instructions/variants
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
	Edits  [][2]string // text of the script, and its replacement
	Args   []string    // if the variant takes more than the script; the caller's arguments replace the first of them
}

// All are the variants, grouped by the shipped script.
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
		Name: "gcra/SET-each-time", About: "the time is written anew while it lies ahead, too, and not added to",
		Script: scripts.GCRA,
		Edits:  [][2]string{{"if was > 0 and not den and not clamped and not owed then", "if false then"}},
	},
	{
		Name: "gcra/PEXPIRE-each-time", About: "the TTL is renewed while the time lies ahead, and not looked at",
		Script: scripts.GCRA,
		Edits:  [][2]string{{"if redis.call('PTTL', KEYS[1]) < ahead / 1000 + grace / 2 then", "do"}},
	},
	{
		Name: "gcra/PX-as-a-number", About: "the TTL is made text by redis.call, not by string.format",
		Script: scripts.GCRA,
		Edits: [][2]string{
			{"'PX', string.format('%d', (ahead + 999) / 1000 + grace))", "'PX', math.ceil(ahead / 1000) + grace)"},
		},
	},
	{
		Name: "gcra/any-number", About: "the state is not seen to be digits: inf, nan and 0x10 are taken, and any other text is an error of Lua",
		Script: scripts.GCRA,
		Edits:  [][2]string{{"foreign = #stored > 16 or not string.find(stored, '^%d+$')", "foreign = false"}},
	},
	{
		Name: "fixedwindow/KEEPTTL", About: "an open window's count is written by SET with KEEPTTL, not by SETRANGE",
		Script: scripts.FixedWindow,
		Edits: [][2]string{{
			"redis.call('SETRANGE', KEYS[1], '17', text)", "redis.call('SET', KEYS[1], finish .. ' ' .. text, 'KEEPTTL')",
		}},
	},
	{
		Name: "fixedwindow/TTL-each-time", About: "SET has PX in an open window too",
		Script: scripts.FixedWindow,
		Edits:  [][2]string{{"if finish and not clamped and #finish == 16 and #text >= #admitted then", "if false then"}},
	},
	{
		Name: "fixedwindow/TTL-looked-at", About: "an open window that has no TTL gets one, which takes a PTTL",
		Script: scripts.FixedWindow,
		Edits: [][2]string{{
			"redis.call('SETRANGE', KEYS[1], '17', text)",
			"redis.call('SETRANGE', KEYS[1], '17', text)\n    if redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], left / 1000 + grace) end",
		}},
	},
	{
		Name: "fixedwindow/two-integers", About: "the reply is not packed into one integer",
		Script: scripts.FixedWindow,
		Edits:  [][2]string{{"if (rate + 1) * (period + 1) <= 9007199254740992 then", "if false then"}},
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
		},
	},
	{
		Name: "slidinglog/first-entry-read", About: "the first entry is read each time, as if the base didn't tell its time",
		Script: scripts.SlidingLog,
		Edits:  [][2]string{{"if now - since >= period then", "do"}},
	},
	{
		Name: "slidinglog/PEXPIRE-each-time", About: "the TTL is renewed with each request, and not looked at",
		Script: scripts.SlidingLog,
		Edits: [][2]string{{
			"if live and (allowed or clamped) and redis.call('PTTL', KEYS[1]) < period / 1000 + grace / 2 then",
			"if live and (allowed or clamped) then",
		}},
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
