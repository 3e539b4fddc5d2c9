package scripts

import "embed"

//go:generate go run ./internal/assemble/generate

//go:embed *.lua
var sources embed.FS

// The scripts of Weir. Each file's header is its contract: keys, arguments with their units, reply,
// what is written, and for how long it lives. The README beside them is for callers in any language.
// The files are generated from the fragments in src by go generate ./scripts.
//
// The SHA1s are written here so that a script isn't changed by accident: servers would load the changed script beside the old
// one. A test compares them with the files.
var (
	// GCRA decides for gcra and for the leaky bucket's meter.
	GCRA     = embedded("gcra", "8ce56d2bdb0f1e1e15e347c76c608fed0fdf1390", gcraArgs, gcraReply).or(1).withMany("4336653c3dfe79f544630d7e3941b89f5eea9663")
	GCRAPeek = embedded("gcra_peek", "a6290ea13a1e5e16f1109aa400d0d54877ca8874", gcraArgs, gcraReply).or(1)

	// GCRAMost admits as much of a request as fits. GCRAReserve decides on a request whose charge GCRASettle settles later.
	GCRAMost    = embedded("gcra_most", "86a4711150e7afa4da4fe2ef880d95e8003b90bf", gcraMostArgs, gcraMostReply)
	GCRAReserve = embedded("gcra_reserve", "ab3acc975de306ce1fba4aa27e9db46adc50e8d6", gcraReserveArgs, gcraReserveReply)
	GCRASettle  = embedded("gcra_settle", "2c722c1463d8d30c6e6918b85c7b5500451ff8a2", gcraSettleArgs, changed)

	// Queue decides for the leaky bucket's queue.
	Queue = embedded("queue", "bc478e62c0599b47d6e212a454f106abbab5b2f6",
		[]string{"interval_us", "longest_us", "patience_us", "now_us", "interval_part", "longest_part", "den", "told"},
		[]string{"standing_us", "wait_part", "free_us", "free_part"}).or(1, 2).withMany("978e645c185aabca413bee98c9eaa06354d68cfb")

	// QueueCancel gives back a place in the leaky bucket's queue.
	QueueCancel = embedded("queue_cancel", "1c8c4dd151fed01ae13cef000682fc0ad3a7e07a", []string{"taken", "before"}, []string{"given_back"})

	// FixedWindow decides for fixedwindow.
	FixedWindow     = embedded("fixedwindow", "7bf5100d92f8b7ced7cbab28a0e3028edd1f255e", fixedWindowArgs, fixedWindowReply).or(1).withMany("862af8d964ff75afd104f2a20f973d34012faf00")
	FixedWindowPeek = embedded("fixedwindow_peek", "187114d013aecf972695db70ac6d40d2757c1c12", fixedWindowArgs, fixedWindowReply).or(1)

	// FixedWindowMost admits as much of a request as fits. FixedWindowReserve decides on a request whose charge
	// FixedWindowSettle settles later.
	FixedWindowMost    = embedded("fixedwindow_most", "f00c726b42bfbd8ed124feb54264c24969d20d3f", fixedWindowMostArgs, fixedWindowMostReply)
	FixedWindowReserve = embedded("fixedwindow_reserve", "d88109bec84d80cdb3f37a53b0bfb02bcbdbf9d9", fixedWindowReserveArgs, fixedWindowReserveReply)
	FixedWindowSettle  = embedded("fixedwindow_settle", "7e3cc286e7b1782eae6bb254a808bb640cd68bd2", fixedWindowSettleArgs, changed)

	// SlidingLog decides for slidinglog.
	SlidingLog     = embedded("slidinglog", "fda79f8f5b9938261b8200bdeb55eafe4dbdaa3f", slidingLogArgs, slidingLogReply).or(1).withMany("92891d1ef1cee91df081de9850e53fbe75d575fe")
	SlidingLogPeek = embedded("slidinglog_peek", "87755023ad9dc17d7f507bd9f3d8c89e85041986", slidingLogArgs, slidingLogReply)

	// AllOf decides for allof: on several limits at once.
	AllOf      = embedded("allof", "31a69d1c9a1b370e9c9b09a3afed4e8808a521ea", nil, nil)
	AllOfPeek  = embedded("allof_peek", "054ac1acf93f29772e3d1726ef9e1d79af44a212", nil, nil)
	AllOfReset = embedded("allof_reset", "c32f70aea5af08b4b0dbf0cd413f7878d6872829", nil, []string{"forgotten"})

	// InflightAcquire, InflightRenew, InflightRelease and InflightPeek take, renew, give back and count leases of inflight.
	InflightAcquire = embedded("inflight_acquire", "d85d3fd1bea99475b52d40489a1d109fcc4cdb3f", []string{"id", "most", "ttl_us", "now_us"}, inflightReply)
	InflightRenew   = embedded("inflight_renew", "dcfa1d107e7b388684fe520b6f79bb9dc787120d", []string{"id", "ttl_us", "now_us"}, []string{"left_us"})
	InflightRelease = embedded("inflight_release", "93e1c4ea99cb539901a0d68c068b28a0da9204c9", []string{"id"}, []string{"released"})
	InflightPeek    = embedded("inflight_peek", "a0e7e10ddcb21f2888d57c98bd0d2c6b9e4e69f8", []string{"most", "now_us"}, inflightReply)

	// SlidingLogMost admits as much of a request as fits. SlidingLogReserve decides on a request whose charge SlidingLogSettle
	// settles later.
	SlidingLogMost    = embedded("slidinglog_most", "63f41b31475e6a4c2f4490785e2b0fa12f5eee47", slidingLogMostArgs, slidingLogMostReply)
	SlidingLogReserve = embedded("slidinglog_reserve", "e1c9ba037a28aa11e1ff78f094d605738a84792e", slidingLogReserveArgs, slidingLogReserveReply)
	SlidingLogSettle  = embedded("slidinglog_settle", "f955aca94a3e30642132035bb43e11d61a0a9a3b", slidingLogSettleArgs, changed)

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

	inflightReply = []string{"standing", "retry_us", "reset_us"}
)

var (
	gcraMostArgs     = []string{"count", "burst_us", "now_us", "interval_us", "burst_part", "den", "interval_part"}
	gcraMostReply    = []string{"admitted", "standing_us", "ahead_part"}
	gcraReserveArgs  = gcraArgs
	gcraReserveReply = []string{"standing_us", "ahead_part", "at_us", "began_us", "given_us", "given_part"}
	gcraSettleArgs   = []string{
		"charge_us", "burst_us", "now_us", "more", "end_us", "own_us", "began_us", "given_us",
		"charge_part", "burst_part", "end_part", "own_part", "given_part", "den",
	}

	fixedWindowMostArgs     = []string{"count", "rate", "period_us", "now_us", "aligned"}
	fixedWindowMostReply    = []string{"admitted", "standing", "left_us"}
	fixedWindowReserveArgs  = fixedWindowArgs
	fixedWindowReserveReply = []string{"standing", "left_us", "end_us"}
	fixedWindowSettleArgs   = []string{"used", "reserved", "period_us", "now_us", "end_us"}

	slidingLogMostArgs     = []string{"count", "rate", "period_us", "now_us"}
	slidingLogMostReply    = []string{"admitted", "standing", "retry_us", "reset_us"}
	slidingLogReserveArgs  = slidingLogArgs
	slidingLogReserveReply = []string{"standing", "retry_us", "reset_us", "at_us"}
	slidingLogSettleArgs   = []string{"used", "reserved", "period_us", "now_us", "at_us"}

	changed = []string{"changed"} // the reply of each script that settles
)

// All returns every script of Weir, for programs that load the scripts before the first decision.
func All() []*Script {
	return []*Script{
		GCRA, GCRAPeek, GCRA.many, GCRAMost, GCRAReserve, GCRASettle,
		Queue, Queue.many, QueueCancel,
		FixedWindow, FixedWindowPeek, FixedWindow.many, FixedWindowMost, FixedWindowReserve, FixedWindowSettle,
		SlidingLog, SlidingLogPeek, SlidingLog.many, SlidingLogMost, SlidingLogReserve, SlidingLogSettle,
		AllOf, AllOfPeek, AllOfReset,
		InflightAcquire, InflightRenew, InflightRelease, InflightPeek,
		Reset,
	}
}

// embedded returns the script of a file beside this one.
func embedded(name, sha1 string, args, reply []string) *Script {
	source, err := sources.ReadFile(name + ".lua")
	if err != nil {
		panic("weir: " + err.Error()) // a name above has no file, which every test of this package would find
	}
	return &Script{name: name, source: string(source), sha1: sha1, args: args, reply: reply, lengths: []int{len(reply)}}
}

// or adds lengths that a reply may have.
func (s *Script) or(lengths ...int) *Script {
	s.lengths = append(lengths, s.lengths...)
	return s
}

// withMany adds the script for many requests.
func (s *Script) withMany(sha1 string) *Script {
	return s.WithMany(embedded(s.name+"_many", sha1, nil, nil))
}
