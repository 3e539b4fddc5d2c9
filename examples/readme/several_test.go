package readme_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/allof"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/slidinglog"
)

// connected returns a server of its own, whose clock stands still, and a client of it. The client has a connection, and the server
// has the scripts, so that a decision takes much less than its timeout.
func connected() (*miniredis.Miniredis, *redis.Client) {
	server, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	server.SetTime(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), DialTimeout: time.Hour, ReadTimeout: time.Hour})
	for _, script := range scripts.All() {
		if err := client.ScriptLoad(context.Background(), script.Source()).Err(); err != nil {
			panic(err)
		}
	}
	return server, client
}

// embedded returns a runner over a server of its own, and what ends both.
func embedded() (run scripts.Runner, end func()) {
	server, client := connected()
	runner, err := goredisrunner.New(client)
	if err != nil {
		panic(err)
	}
	return unhurried{runner}, func() {
		client.Close()
		server.Close()
	}
}

// unhurried is a Runner whose calls don't end with their contexts: a late answer may still be in time.
type unhurried struct{ *goredisrunner.Runner }

func (u unhurried) Run(ctx context.Context, script *scripts.Script, keys, args []string) ([]int64, error) {
	return u.Runner.Run(context.WithoutCancel(ctx), script, keys, args)
}

func Example_severalLimits() {
	run, end := embedded()
	defer end()
	ctx := context.Background()
	// docs/choosing.md
	perUser, err := gcra.New(run, algorithms.PerHour(2), algorithms.WithName("user"))
	if err != nil {
		panic(err)
	}
	perTenant, err := slidinglog.New(run, algorithms.PerDay(1000), algorithms.WithName("tenant"))
	if err != nil {
		panic(err)
	}
	both, err := allof.New(perUser, perTenant) // over one Runner
	if err != nil {
		panic(err)
	}
	decision, err := both.AllowEach(ctx,
		allof.Request{Key: "{acme}:alice", Cost: 1}, // equal text in braces: one slot of a cluster
		allof.Request{Key: "{acme}", Cost: 1},
	)
	if err != nil {
		panic(err)
	}
	fmt.Println(decision.Result.Allowed, decision.Each[0].Remaining, decision.Each[1].Remaining)
	// end of docs/choosing.md

	for range 2 {
		decision, err := both.AllowEach(ctx, allof.Request{Key: "{acme}:alice", Cost: 1}, allof.Request{Key: "{acme}", Cost: 1})
		if err != nil {
			panic(err)
		}
		fmt.Println(decision.Result.Allowed, decision.Each[0].Remaining, decision.Each[1].Remaining)
	}
	// Output:
	// true 1 999
	// true 0 998
	// false 0 998
}

func Example_also() {
	run, end := embedded()
	defer end()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(http.ResponseWriter, *http.Request) {})

	// docs/using.md
	perHour, err := gcra.New(run, algorithms.PerHour(2))
	if err != nil {
		panic(err)
	}
	perDay, err := slidinglog.New(run, algorithms.PerDay(1000))
	if err != nil {
		panic(err)
	}
	user := httplimit.Key(httplimit.ContextValue(userKey{}))
	both, err := httplimit.New(perHour, user, httplimit.Name("hour"), httplimit.Also(perDay, user, httplimit.Name("day")))
	if err != nil {
		panic(err)
	}
	handler := authenticate(both(mux)) // one script decides on both
	// end of docs/using.md

	for range 3 {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-Api-Key", "7d3f")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	left, err := perDay.Peek(context.Background(), "alice")
	fmt.Println(left.Remaining, err)
	// Output:
	// 200
	// 200
	// 429
	// 998 <nil>
}
