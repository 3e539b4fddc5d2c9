package rueidisrunner_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// TestClusterRouting: the first key chooses the node, without a redirect. If keys are in several slots, Run returns the
// server's CROSSSLOT. rueidis' builder would panic if the runner gave it all of the keys.
func TestClusterRouting(t *testing.T) {
	low, high := runnertest.New(t), runnertest.New(t)
	low.Always("cluster", shards(t, low, high))
	high.Always("cluster", shards(t, low, high))
	run := errtest.Must(rueidisrunner.New(connect(t, 0, rueidis.ClientOption{InitAddress: []string{low.Addr}})))
	for key, node := range map[string]*runnertest.Wire{"bar": low, "{bar}foo": low, "foo": high, "{foo}bar": high} {
		if _, err := run.Run(context.Background(), runnertest.Count, []string{key}, []string{"arg"}); err != nil || !node.Server.Exists(key) {
			t.Errorf("%s is not on its node; Run's error is %v", key, err)
		}
	}

	high.Once("evalsha", runnertest.Fate{Answer: "-CROSSSLOT Keys in request don't hash to the same slot\r\n"})
	_, err := run.Run(context.Background(), runnertest.Count, []string{"foo", "bar"}, nil)
	var answer *rueidis.RedisError
	if !errors.As(err, &answer) || !strings.HasPrefix(answer.Error(), "CROSSSLOT") {
		t.Errorf("Run = %v, want CROSSSLOT", err)
	}
}

// TestProtocols tests the replies of a real script over both protocols.
func TestProtocols(t *testing.T) {
	for name, resp2 := range map[string]bool{"RESP2": true, "RESP3": false} {
		o := single(runnertest.New(t))
		o.AlwaysRESP2 = resp2
		run := errtest.Must(rueidisrunner.New(connect(t, 0, o)))
		got, err := run.Run(context.Background(), runnertest.Echo, []string{"key"}, []string{"-5", "300"})
		if err != nil || !slices.Equal(got, []int64{-5, 300, 1}) {
			t.Errorf("%s: Run = %v, %v", name, got, err)
		}
		if _, err := run.Run(context.Background(), scripts.New("none", "return false"), nil, nil); !errors.Is(err, rueidis.Nil) {
			t.Errorf("%s: a nil reply gave %v", name, err)
		}
	}
}

func TestNilClient(t *testing.T) {
	type client struct{ rueidis.Client }
	for _, client := range []rueidis.Client{nil, (*client)(nil)} {
		if run, err := rueidisrunner.New(client); run != nil || !errors.Is(err, rueidisrunner.ErrNilClient) {
			t.Errorf("New of a nil %T = %v, %v, want ErrNilClient", client, run, err)
		}
	}
	for _, run := range []*rueidisrunner.Runner{nil, {}} {
		if _, err := run.Run(context.Background(), runnertest.Count, []string{"key"}, nil); !errors.Is(err, rueidisrunner.ErrNilClient) {
			t.Errorf("Run of a Runner that New has not made = %v, want ErrNilClient", err)
		}
	}
}
