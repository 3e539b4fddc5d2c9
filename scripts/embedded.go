package scripts

import "embed"

//go:embed *.lua
var sources embed.FS

// The scripts of Weir. Each file's header is its contract: keys, arguments with their units, reply,
// what is written, and for how long it lives. The README beside them is for callers in any language.
//
// The SHA1s are written down so that a change of a script, which servers then load anew beside
// the old one, is never made by accident; a test compares them with the files.
var (
	// GCRA decides for gcra and for the leaky bucket's meter.
	GCRA     = embedded("gcra", "14e32602bfe802a241063721cb55798847f8796b", gcraArgs, gcraReply).orOne().OneString()
	GCRAPeek = embedded("gcra_peek", "089c8523be989ea482f539a74e982cdd9add4d5d", gcraArgs, gcraReply).orOne().OneString()

	// Queue decides for the leaky bucket's queue.
	Queue = embedded("queue", "cfcfda4c9d957486886c5d06426d8ec7556b36d3",
		[]string{"interval_us", "longest_us", "patience_us", "now_us", "interval_part", "longest_part", "den"},
		[]string{"standing_us", "wait_part"}).orOne().OneString()

	// FixedWindow decides for fixedwindow.
	FixedWindow     = embedded("fixedwindow", "3b0d54b0ca5c7758c85e125f3ffcbc5942bb5963", fixedWindowArgs, fixedWindowReply).OneString()
	FixedWindowPeek = embedded("fixedwindow_peek", "df4851bc099dbb6d9d7e7865aaa45efae1125a4f", fixedWindowArgs, fixedWindowReply).OneString()

	// SlidingLog decides for slidinglog.
	SlidingLog     = embedded("slidinglog", "c3be0e8d2e91c17c10b41b20bbf3fe9eb7ea647f", slidingLogArgs, slidingLogReply).orOne()
	SlidingLogPeek = embedded("slidinglog_peek", "e27393061d68f14e50e16dc10daae72998802316", slidingLogArgs, slidingLogReply).orOne()

	// Reset forgets a key, whichever algorithm wrote it.
	Reset = embedded("reset", "e4f797b0af4d0dec57a8083b59b7248602bc74dd", nil, []string{"forgotten"})
)

var (
	gcraArgs  = []string{"cost_us", "burst_us", "now_us", "cost_part", "burst_part", "den"}
	gcraReply = []string{"standing_us", "ahead_part"}

	fixedWindowArgs  = []string{"cost", "rate", "period_us", "now_us", "aligned"}
	fixedWindowReply = []string{"standing", "left_us"}

	slidingLogArgs  = []string{"cost", "rate", "period_us", "now_us"}
	slidingLogReply = []string{"standing", "retry_us", "reset_us"}
)

// All returns every script of Weir, for who wants to load them ahead of the first decision.
func All() []*Script {
	return []*Script{
		GCRA, GCRAPeek, Queue, FixedWindow, FixedWindowPeek, SlidingLog, SlidingLogPeek, Reset,
	}
}

// embedded makes the script of a file beside this one.
func embedded(name, sha1 string, args, reply []string) *Script {
	source, err := sources.ReadFile(name + ".lua")
	if err != nil {
		panic("weir: " + err.Error()) // a name above that has no file: no build of this package passes its tests
	}
	return &Script{name: name, source: string(source), sha1: sha1, args: args, reply: reply, leastReply: len(reply)}
}

// orOne says that a reply may be its first integer alone.
func (s *Script) orOne() *Script {
	s.leastReply = 1
	return s
}
