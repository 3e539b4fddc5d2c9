package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// masterName is the name of the master in the configuration of the sentinels.
const masterName = "weir"

// quorum is the number of sentinels that must agree that the master is down.
const quorum = 2

// sentinelPace shortens the periods of sentinels, which by default are 10, 2, 1 and 1 seconds. Sentinels try to connect as often
// as they ping. If that period is longer than the timeout of a master, they sometimes regard a new master as down before they
// have connected to it. sentinelPace also shortens the pause after a sentinel was suspended, as on a busy machine, from 30
// seconds to one. A sentinel has the default periods after it was killed and revived, and in Redis before 7.0, which can't
// change them.
var sentinelPace = []string{
	"SENTINEL", "DEBUG", "info-period", "1000", "publish-period", "250", "ask-period", "250", "ping-period", "250",
	"tilt-period", "1000",
}

// Sentinel is a master with two replicas and three sentinels. The sentinels promote a replica if the master is down.
type Sentinel struct {
	Nodes      []*Server // the initial master comes first
	Sentinels  []*Server
	MasterName string // the name with which clients ask the sentinels for the master

	stop func() error
}

// RunSentinel starts a master, replicas and sentinels, and waits until they are healthy. The timeout is [Watchful]. args are
// further options for the master and the replicas. The caller must close the Sentinel.
func RunSentinel(ctx context.Context, k Kind, args ...string) (*Sentinel, error) {
	return runSentinel(ctx, k, Watchful, args)
}

func runSentinel(ctx context.Context, k Kind, timeout time.Duration, args []string) (*Sentinel, error) {
	const nodes, sentinels = 3, 3
	orders := make([]order, nodes+sentinels)
	for i := range orders {
		orders[i].options = []string{"--sentinel"}
		if i < nodes {
			// By default a replica gets its data only after 5 seconds.
			orders[i].options = append([]string{"--repl-diskless-sync-delay", "0"}, args...)
		}
	}
	g, err := launch(ctx, k, orders...)
	if err != nil {
		return nil, err
	}
	s := &Sentinel{
		Nodes: g.servers[:nodes], Sentinels: g.servers[nodes:],
		MasterName: masterName, stop: g.stop,
	}
	if err := s.form(ctx, timeout); err != nil {
		return nil, errors.Join(fmt.Errorf("can't form a group of sentinels of %s: %w", k.Name, err), s.Close())
	}
	return s, nil
}

// StartSentinel is like RunSentinel, but for one test: it stops the servers when the test ends, and an error fails the test. The
// timeout is [Steady], so Nodes[0] is the master.
func StartSentinel(tb testing.TB, k Kind, args ...string) *Sentinel {
	tb.Helper()
	s, err := runSentinel(tb.Context(), k, Steady, args)
	if err != nil {
		tb.Fatal(err)
	}
	s.Nodes[0].endWith(tb, s.Close)
	return s
}

// Close stops all servers and removes their files.
func (s *Sentinel) Close() error { return s.stop() }

// SentinelAddrs returns the addresses of the sentinels, with which a client is configured.
func (s *Sentinel) SentinelAddrs() []string { return addrs(s.Sentinels) }

// form makes two nodes replicas of the master, and then has the sentinels monitor the master.
func (s *Sentinel) form(ctx context.Context, timeout time.Duration) error {
	host, port, err := net.SplitHostPort(s.Nodes[0].Addr)
	if err != nil {
		return err
	}
	for _, replica := range s.Nodes[1:] {
		if _, err := call(ctx, replica.Addr, "REPLICAOF", host, port); err != nil {
			return err
		}
		// With the rewritten configuration it is still a replica after it was revived. After a failover, the sentinels rewrite it.
		if _, err := call(ctx, replica.Addr, "CONFIG", "REWRITE"); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	if err := poll(ctx, s.replicated); err != nil {
		return err
	}
	for _, sentinel := range s.Sentinels {
		for _, command := range [][]string{
			sentinelPace,
			{"SENTINEL", "MONITOR", s.MasterName, host, port, strconv.Itoa(quorum)},
			{"SENTINEL", "SET", s.MasterName, "failover-timeout", "3000"},
		} {
			_, err := call(ctx, sentinel.Addr, command...)
			if err != nil && !strings.Contains(err.Error(), "Unknown sentinel subcommand") {
				return err
			}
		}
	}
	if err := s.SetTimeout(ctx, timeout); err != nil {
		return err
	}
	return s.AwaitHealthy(ctx)
}

// SetTimeout sets the timeout of all sentinels for the master, such as [Watchful] or [Steady].
func (s *Sentinel) SetTimeout(ctx context.Context, timeout time.Duration) error {
	for _, sentinel := range s.Sentinels {
		_, err := call(ctx, sentinel.Addr, "SENTINEL", "SET", s.MasterName, "down-after-milliseconds", strconv.FormatInt(timeout.Milliseconds(), 10))
		if err != nil {
			return err
		}
	}
	return nil
}

// Master returns the master that the sentinels name. If they disagree, it returns the one with the latest epoch.
func (s *Sentinel) Master(ctx context.Context) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, replyTimeout)
	defer cancel()
	var addr string
	var errs []error
	epoch := -1
	for _, sentinel := range s.Sentinels {
		view, err := s.viewOf(ctx, sentinel)
		errs = append(errs, err)
		if err == nil && view.epoch > epoch {
			epoch, addr = view.epoch, view.master
		}
	}
	if epoch < 0 {
		return nil, fmt.Errorf("no sentinel answers: %w", errors.Join(errs...))
	}
	i := slices.IndexFunc(s.Nodes, func(node *Server) bool { return node.Addr == addr })
	if i < 0 {
		return nil, fmt.Errorf("the sentinels name a master outside the group, %s", addr)
	}
	return s.Nodes[i], nil
}

// AwaitHealthy returns once all sentinels name the same node as the master, the other nodes follow it, and every sentinel sees
// both replicas and the other sentinels. It returns an error if that takes more than two minutes.
func (s *Sentinel) AwaitHealthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	if err := poll(ctx, s.healthy); err != nil {
		return fmt.Errorf("the sentinels or their servers are not healthy: %w", err)
	}
	return nil
}

// healthy returns an error if the group is not healthy.
func (s *Sentinel) healthy(ctx context.Context) error {
	if err := s.replicated(ctx); err != nil {
		return err
	}
	for i, sentinel := range s.Sentinels {
		view, err := s.viewOf(ctx, sentinel)
		if err != nil {
			return fmt.Errorf("sentinel %d: %w", i, err)
		}
		if view.flags != "master" || view.replicas != len(s.Nodes)-1 || view.sentinels != len(s.Sentinels)-1 {
			return fmt.Errorf("sentinel %d sees %+v", i, view)
		}
		master := slices.IndexFunc(s.Nodes, func(node *Server) bool { return node.Addr == view.master })
		if master < 0 {
			return fmt.Errorf("sentinel %d names a master outside the group, %s", i, view.master)
		}
		repl, err := info(ctx, s.Nodes[master].Addr, "replication")
		if err != nil {
			return err
		}
		if repl["role"] != "master" || repl["connected_slaves"] != strconv.Itoa(len(s.Nodes)-1) {
			return fmt.Errorf("sentinel %d names node %d, which is a %s with %s replicas", i, master, repl["role"], repl["connected_slaves"])
		}
	}
	return nil
}

// replicated returns an error unless exactly one node is a master and the others follow their master.
func (s *Sentinel) replicated(ctx context.Context) error {
	masters := 0
	for i, node := range s.Nodes {
		follows, err := following(ctx, node)
		if err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
		if !follows {
			masters++
		}
	}
	if masters != 1 {
		return fmt.Errorf("there are %d masters, want 1", masters)
	}
	return nil
}

// sentinelView is the state of the master as a sentinel sees it.
type sentinelView struct {
	master, flags              string
	epoch, replicas, sentinels int
}

func (s *Sentinel) viewOf(ctx context.Context, sentinel *Server) (v sentinelView, err error) {
	reply, err := ask(ctx, sentinel.Addr, "SENTINEL", "MASTER", s.MasterName)
	if err != nil {
		return v, err
	}
	pairs, _ := reply.([]any)
	known := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		known[fmt.Sprint(pair[0])] = fmt.Sprint(pair[len(pair)-1])
	}
	v.flags = known["flags"]
	for field, n := range map[string]*int{
		"config-epoch": &v.epoch, "num-slaves": &v.replicas, "num-other-sentinels": &v.sentinels,
	} {
		if *n, err = strconv.Atoi(known[field]); err != nil {
			return v, err
		}
	}
	// During a failover, the reply above still has the old master.
	reply, err = ask(ctx, sentinel.Addr, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", s.MasterName)
	if err != nil {
		return v, err
	}
	addr, _ := reply.([]any)
	if len(addr) != 2 {
		return v, fmt.Errorf("unexpected reply with the address of the master: %v", reply)
	}
	v.master = net.JoinHostPort(fmt.Sprint(addr[0]), fmt.Sprint(addr[1]))
	return v, nil
}
