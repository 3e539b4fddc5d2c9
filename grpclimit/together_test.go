package grpclimit_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/grpclimit"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/scripts"
)

// scripted is a runner that admits all requests under the limit of 10 an hour, and the first few under the limit of 1 an
// hour. It records its calls.
type scripted struct {
	mu   sync.Mutex
	room int
	got  []string
}

func (*scripted) Place(context.Context, string) (scripts.Place, bool) { return scripts.Place{}, true }

func (s *scripted) Run(_ context.Context, script *scripts.Script, keys, _ []string) ([]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, fmt.Sprintf("%s of %d", script.Name(), len(keys)))
	if script != scripts.AllOf {
		return nil, fmt.Errorf("script %s was run, want %s", script.Name(), scripts.AllOf.Name())
	}
	if s.room--; s.room < 0 {
		return []int64{0, -1 - 3_600_000_000}, nil // the TAT of the second is an hour ahead
	}
	return []int64{360_000_000, 3_600_000_000}, nil
}

// TestTogether: limiters over one runner decide on a call, and on a message, in one script.
func TestTogether(t *testing.T) {
	for _, c := range []struct {
		name string
		room int
		opts []grpclimit.Option
		ask  func(client) error
		got  string // until the first denial
	}{
		{"unary", 1, nil, func(c client) error { return c.call(context.Background()) }, "allof of 2, allof of 2"},
		{"stream", 1, nil, func(c client) error { return c.talk(context.Background(), 3) }, "allof of 2, allof of 2"},
		{"messages", 2, []grpclimit.Option{grpclimit.PerMessage()}, func(c client) error { return c.talk(context.Background(), 2) }, "allof of 2, allof of 2, allof of 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := &scripted{room: c.room}
			user, tenant := must(gcra.New(server, algorithms.PerHour(10))), must(gcra.New(server, algorithms.PerHour(1)))
			client := serve(t, limitOf(user, append(c.opts, httplimit.Name("user"), grpclimit.Also(tenant, httplimit.Name("tenant"), patient))...), nil)
			if err := c.ask(client); err != nil {
				t.Fatal(err)
			}
			err := c.ask(client)
			_, quota := detailsOf(err)
			if v := quota.GetViolations(); status.Code(err) != codes.ResourceExhausted || len(v) != 1 || v[0].GetQuotaId() != "tenant" {
				t.Errorf("the second: %v, want it denied by the tenant's limit", err)
			}
			server.mu.Lock()
			defer server.mu.Unlock()
			if got := strings.Join(server.got, ", "); got != c.got {
				t.Errorf("the server got %q, want %q", got, c.got)
			}
		})
	}
}
