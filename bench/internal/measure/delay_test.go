package measure

import (
	"strings"
	"testing"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/bench/shared/target"
)

// TestDelay: no reply reaches a limiter sooner than the delay, and keys are removed from the server behind the proxy.
func TestDelay(t *testing.T) {
	addr := servers.Shared(t, servers.All()[0]).Addr
	check := bystander(t, target.Place{Network: "tcp", Addrs: []string{addr}})
	_, run := succeed(t, "-redis", "redis://"+addr, "-limiters", "weir-gcra,weir-gcra-rueidis", "-goroutines", "2", "-denials", "0",
		"-keys", "hot", "-parts", "speed", "-delay", "5ms")
	check()
	for _, series := range run.Loads()[0].Series {
		for _, round := range series.Rounds {
			if p50, _ := round.Value(results.P50.Unit); p50 < 0.005 {
				t.Errorf("%s: p50 is %v s", series.Limiter, p50)
			}
		}
	}
}

// TestDelayOfWhat: -delay is refused for TLS, Unix sockets, several servers and sentinels, which a proxy can't replace.
func TestDelayOfWhat(t *testing.T) {
	for _, url := range []string{
		"rediss://127.0.0.1:1", "unix:///none", "redis://127.0.0.1:1,redis://127.0.0.1:2", "redis://127.0.0.1:1?master_name=m",
	} {
		place, err := target.Parse(url)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := delayed(t.Context(), place, 1); err == nil || !strings.Contains(err.Error(), "-delay needs one server") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
