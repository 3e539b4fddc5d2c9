package conformance_test

import "testing"

// busyRefusals are the refusals of a server that is busy with a script or loading.
var busyRefusals = []refusal{{
	name: "BUSY", codes: []string{"BUSY "},
	begin: func(t *testing.T, own ownServer) func() {
		own.do(t, "CONFIG", "SET", "lua-time-limit", "10")
		ended := endless(t, own)
		until(t, "the server is busy", func() bool { return own.refuses("BUSY ") })
		return func() {
			own.do(t, "SCRIPT", "KILL")
			if err := <-ended; err == nil {
				t.Error("an endless script ended by itself")
			}
		}
	},
}, {
	name: "LOADING", codes: []string{"LOADING "},
	begin: func(t *testing.T, own ownServer) func() {
		// With this delay the whole load would take at least 80 s. Meanwhile the server serves clients after each of
		// the keys. Redis before 7.0 serves them after every 2 MB, and can't be told to end the delay, so there the load
		// takes 24 s.
		own.do(t, "CONFIG", "SET", "rdbcompression", "no")
		delay := "30000"
		if !own.Kind.OlderThan(7) {
			own.do(t, "CONFIG", "SET", "loading-process-events-interval-bytes", "100000")
			delay = "100000"
		}
		own.do(t, "CONFIG", "SET", "key-load-delay", delay)
		own.do(t, "EVAL", `for i = 1, 800 do redis.call('SET', 'neighbour' .. i, string.rep('x', 100000)) end`, "0")
		ended := own.inBackground(t, "DEBUG", "RELOAD")
		until(t, "the server is loading", func() bool { return own.refuses("LOADING ") })
		return func() {
			_, _ = own.Do("CONFIG", "SET", "key-load-delay", "0") // refused by Redis before 7.0
			if err := <-ended; err != nil {
				t.Error(err)
			}
			own.do(t, "CONFIG", "SET", "key-load-delay", "0")
			own.do(t, "EVAL", `for i = 1, 800 do redis.call('DEL', 'neighbour' .. i) end`, "0")
		}
	},
}}

// endless starts a script that runs until SCRIPT KILL.
func endless(t *testing.T, own ownServer) (ended <-chan error) {
	t.Helper()
	return own.inBackground(t, "EVAL", `while true do end`, "0")
}
