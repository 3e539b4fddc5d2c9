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
	GCRA     = embedded("gcra", "15ea3fab0a56843799562f78181d930a3d849a2d", gcraArgs, gcraReply)
	GCRAPeek = embedded("gcra_peek", "a29b91f3daa9c635d4f676c255c46e0bd66e3a0c", gcraArgs, gcraReply)

	// Queue decides for the leaky bucket's queue.
	Queue = embedded("queue", "4e5cd9116b32acedb47ad1a1ca4d42b474db519a",
		[]string{"interval_us", "interval_part", "longest_us", "longest_part", "den", "patience_us", "now_us"},
		[]string{"accepted", "wait_us", "wait_part"})

	// FixedWindow decides for fixedwindow.
	FixedWindow     = embedded("fixedwindow", "9cd30b0618ce922728c0f4d8209eda8545881145", fixedWindowArgs, fixedWindowReply)
	FixedWindowPeek = embedded("fixedwindow_peek", "e4c67b3938a79d5e7afba66a5d12d49bcb2f9be4", fixedWindowArgs, fixedWindowReply)

	// SlidingLog decides for slidinglog.
	SlidingLog     = embedded("slidinglog", "d96cc8fa394748e850b92f8f70c3f517e49b8ac7", slidingLogArgs, slidingLogReply)
	SlidingLogPeek = embedded("slidinglog_peek", "ba53a9ca13fd36e5115b8a5151156ba461127206", slidingLogArgs, slidingLogReply)

	// Reset forgets a key, whichever algorithm wrote it.
	Reset = embedded("reset", "e4f797b0af4d0dec57a8083b59b7248602bc74dd", nil, []string{"forgotten"})
)

var (
	gcraArgs  = []string{"cost_us", "cost_part", "burst_us", "burst_part", "den", "now_us"}
	gcraReply = []string{"allowed", "ahead_us", "ahead_part"}

	fixedWindowArgs  = []string{"cost", "rate", "period_us", "aligned", "now_us"}
	fixedWindowReply = []string{"allowed", "count", "left_us"}

	slidingLogArgs  = []string{"cost", "rate", "period_us", "now_us"}
	slidingLogReply = []string{"allowed", "used", "retry_us", "reset_us"}
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
	return &Script{name: name, source: string(source), sha1: sha1, args: args, reply: reply}
}
