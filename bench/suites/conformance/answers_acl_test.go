package conformance_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/scripts"
)

// permissionRefusals are the refusals for a user who lacks rights.
var permissionRefusals = []refusal{
	{name: "NOPERM script", codes: []string{"NOPERM "}, begin: mayNot("-evalsha")},
	{name: "NOPERM eval", codes: []string{"NOPERM "}, begin: flushed(mayNot("-eval"))},
	{name: "NOPERM key", codes: []string{"NOPERM "}, begin: mayNot("resetkeys", "~other:*")},
	{name: "NOPERM in the script", codes: noPermInside, reads: true, begin: mayNot("-set", "-incrby", "-setrange", "-rpush")},
}

// noPermInside are the beginnings of a script's error if the user lacks the right for a command: first that of Redis 7.0,
// then that of later versions and Valkey. Each has two forms, because go-redis keeps ERR and rueidis removes it.
var noPermInside = []string{
	"ERR The user executing the script can't run this command", "The user executing the script can't run this command",
	"ERR ACL failure in script", "ACL failure in script",
}

// noPerm is a refusal of a script, or of a command in it, for lack of a right.
var noPerm = refusal{codes: append([]string{"NOPERM "}, noPermInside...)}

// mayNot takes rights from the user of the limiters.
func mayNot(rules ...string) func(*testing.T, ownServer) func() {
	return func(t *testing.T, own ownServer) func() {
		own.do(t, append([]string{"ACL", "SETUSER", "default"}, rules...)...)
		return func() { own.do(t, "ACL", "SETUSER", "default", "reset", "on", "nopass", "~*", "+@all") }
	}
}

// flushed makes the server forget all scripts first, so that clients must send EVAL.
func flushed(begin func(*testing.T, ownServer) func()) func(*testing.T, ownServer) func() {
	return func(t *testing.T, own ownServer) func() {
		own.do(t, "SCRIPT", "FLUSH")
		return begin(t, own)
	}
}

// testRights: the rights in the runners' package comments are sufficient, and each of them is necessary.
func testRights(t *testing.T, own ownServer) {
	for _, runner := range []string{"goredisrunner", "rueidisrunner"} {
		source, err := os.ReadFile("../../../scripts/" + runner + "/runner.go")
		if err != nil {
			t.Fatal(err)
		}
		named := regexp.MustCompile(`(?:\+[a-z]+ )+\+[a-z]+`).FindString(string(source))
		rights := strings.Fields(named)
		if len(rights) < 5 {
			t.Fatalf("%s names the rights %q", runner, named)
		}
		user := append([]string{"ACL", "SETUSER", "default", "reset", "on", "nopass", "~answers-*", "-@all"}, rights...)
		if own.Kind.OlderThan(7) {
			user = append(user, "+hello") // rueidis sends it first; later servers need no right for it
		}
		own.do(t, user...)
		defer own.do(t, "ACL", "SETUSER", "default", "reset", "on", "nopass", "~*", "+@all")

		if runner == "rueidisrunner" {
			testRightToConnect(t, own, user, source)
		}
		eachClient(t, own.addr, func(t *testing.T, run scripts.Runner) {
			if errs := useAll(t, own, run); len(errs) > 0 {
				t.Errorf("with %s: %v", rights, errs)
			}
			for _, right := range rights {
				t.Run("without "+right[1:], func(t *testing.T) {
					own.do(t, "ACL", "SETUSER", "default", "-"+right[1:])
					errs := useAll(t, own, run)
					own.do(t, user...)
					if len(errs) == 0 {
						t.Errorf("%s can be spared", right)
					}
					for _, err := range errs {
						// A log that was left half written gives WEIRSTATE.
						if !noPerm.is(err) && !serverError(err, "WEIRSTATE ") {
							t.Errorf("without %s: %v", right, err)
						}
					}
				})
			}
		})
	}
}

// testRightToConnect: with the cache of rueidis, NewClient needs one more right. The documentation in source names it.
func testRightToConnect(t *testing.T, own ownServer, user []string, source []byte) {
	const right = "+client|tracking"
	options := rueidisOptions(own.addr)
	options.DisableCache = false
	client, err := rueidis.NewClient(options)
	if err == nil || !strings.HasPrefix(err.Error(), "NOPERM ") {
		t.Errorf("connected with the cache and without %s: %v, want NOPERM", right, err)
	}
	if client != nil {
		client.Close()
	}
	own.do(t, append(user, right)...)
	defer own.do(t, user...)
	if client, err = rueidis.NewClient(options); err != nil || !strings.Contains(string(source), right) {
		t.Errorf("connected with %s: %v, and the package comment names it: %v", right, err, strings.Contains(string(source), right))
	}
	if client != nil {
		client.Close()
	}
}

// useAll makes every kind of call on new keys, and returns the errors.
func useAll(t *testing.T, own ownServer, run scripts.Runner) (errs []error) {
	t.Helper()
	own.do(t, "SCRIPT", "FLUSH")
	prefix := "answers-" + strings.ReplaceAll(t.Name(), " ", "-")
	for _, a := range all {
		l, err := a.Over(run)(answerLimit, algorithms.WithPrefix(prefix))
		if err != nil {
			t.Fatal(err)
		}
		_, first := l.Allow(soon(t), "k")
		_, second := l.Allow(soon(t), "k")
		_, peek := l.Peek(soon(t), "k")
		errs = append(errs, first, second, peek, l.Reset(soon(t), "k"))
		errs = append(errs, settleAll(t, l.(*algorithms.Remote))...)
	}
	log := newLogs(t, run, algorithms.PerMinute(3))
	for _, s := range []step{{0, 1}, {30 * time.Second, 1}, {40 * time.Second, 1}, {-20 * time.Second, 1}, {time.Hour, 1}} {
		log.clock.Advance(s.after)
		_, err := log.remote.AllowN(soon(t), "k", s.cost)
		errs = append(errs, err)
	}
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// settleAll reserves and settles in every way: the latest request and an earlier one, with less and with more than was
// reserved.
func settleAll(t *testing.T, l *algorithms.Remote) (errs []error) {
	t.Helper()
	_, _, err := l.AllowAtMost(soon(t), "settled", 2)
	errs = append(errs, err, l.Reset(soon(t), "settled"))
	for _, used := range [][2]int64{{0, 1}, {1, 0}, {0, 0}, {3, 0}, {0, 3}} {
		var open []*algorithms.Reservation
		for range used {
			r, err := l.Reserve(soon(t), "settled", 1)
			if errs = append(errs, err); err == nil {
				open = append(open, r)
			}
		}
		for i, r := range open {
			errs = append(errs, r.Commit(soon(t), used[i]))
		}
		errs = append(errs, l.Reset(soon(t), "settled"))
	}
	return errs
}
