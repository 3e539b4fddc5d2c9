package conformance_test

import (
	"strconv"
	"testing"
)

// writeRefusals are the refusals of a server that can't write.
var writeRefusals = []refusal{{
	// Another client's data takes all the memory that the server may use.
	name: "OOM", codes: []string{"OOM "}, reads: true,
	begin: func(t *testing.T, own ownServer) func() {
		fillMemory(t, own)
		return func() { freeMemory(t, own) }
	},
}, {
	// The server could not save its data.
	name: "MISCONF", codes: []string{"MISCONF "}, reads: true,
	begin: func(t *testing.T, own ownServer) func() {
		dir := own.do(t, "CONFIG", "GET", "dir").([]any)[1].(string)
		own.do(t, "CONFIG", "SET", "save", "3600 1")
		own.do(t, "CONFIG", "SET", "dir", "/proc") // in which files can't be created
		saveUntil(t, own, "err")
		return func() {
			own.do(t, "CONFIG", "SET", "dir", dir)
			saveUntil(t, own, "ok")
			own.do(t, "CONFIG", "SET", "save", "")
		}
	},
}, {
	// No replica would get what is written. (Redis before 7.0 lets scripts write nevertheless.)
	name: "NOREPLICAS", codes: []string{"NOREPLICAS "}, reads: true, since: 7,
	begin: func(t *testing.T, own ownServer) func() {
		own.do(t, "CONFIG", "SET", "min-replicas-to-write", "1")
		return func() { own.do(t, "CONFIG", "SET", "min-replicas-to-write", "0") }
	},
}}

// fillMemory allows the server 1 MB more than it uses, and fills this memory.
func fillMemory(t *testing.T, own ownServer) {
	t.Helper()
	limitMemory(t, own, "noeviction", 1<<20)
	own.do(t, "EVAL", `redis.call('SET', KEYS[1], string.rep('x', 4 * 2 ^ 20))`, "1", "neighbour")
}

// limitMemory allows the server to use so many more bytes than it uses now.
func limitMemory(t *testing.T, own ownServer, policy string, more int) {
	t.Helper()
	used, err := strconv.Atoi(own.info(t, "memory", "used_memory"))
	if err != nil {
		t.Fatal(err)
	}
	own.do(t, "CONFIG", "SET", "maxmemory-policy", policy)
	own.do(t, "CONFIG", "SET", "maxmemory", strconv.Itoa(used+more))
}

func freeMemory(t *testing.T, own ownServer) {
	t.Helper()
	own.do(t, "DEL", "neighbour")
	own.do(t, "CONFIG", "SET", "maxmemory", "0")
}

// saveUntil makes the server save its data until a save has that status.
func saveUntil(t *testing.T, own ownServer, status string) {
	t.Helper()
	until(t, "the last save ended with "+status, func() bool {
		if own.info(t, "persistence", "rdb_bgsave_in_progress") != "0" {
			return false
		}
		if own.info(t, "persistence", "rdb_last_bgsave_status") == status {
			return true
		}
		_, _ = own.Do("BGSAVE") // an error if the server can't even start the process
		return false
	})
}
