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
)

// masterName is what all Sentinels of this package call the master they watch.
const masterName = "weir"

// quorum is how many sentinels have to agree that the master is down.
const quorum = 2

// sentinelPace makes sentinels look more often than is their use: every 10, 2, 1 and 1 seconds. They
// try to connect as often as they ping, and while they do so less often than a master may be silent,
// they now and then take a new master for down before they have connected to it. And it makes them
// act again after one second, not 30, when they see that they stood still, as on a busy machine. One
// that was killed and revived has the usual pace, and so have those of Redis before 7.0, where it can't be set.
var sentinelPace = []string{
	"SENTINEL", "DEBUG", "info-period", "1000", "publish-period", "250", "ask-period", "250", "ping-period", "250",
	"tilt-period", "1000",
}

// Sentinel is a master with two replicas, and three sentinels that put a replica in the master's
// place when it is down.
type Sentinel struct {
	Nodes      []*Server // first the one that began as the master
	Sentinels  []*Server
	MasterName string // what clients ask the sentinels for

	stop func() error
}

// RunSentinel starts them and waits until all know of each other. A master that does not answer for
// one and a half seconds is replaced, which takes some three. args are further options of master and
// replicas. The caller closes it.
func RunSentinel(ctx context.Context, k Kind, args ...string) (*Sentinel, error) {
	const nodes, sentinels = 3, 3
	orders := make([]order, nodes+sentinels)
	for i := range orders {
		orders[i].options = []string{"--sentinel"}
		if i < nodes {
			// Else a replica gets its data only after 5 seconds.
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
	if err := s.form(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("form a sentinel group of %s: %w", k.Name, err), s.Close())
	}
	return s, nil
}

// StartSentinel starts them for one test, and stops them when the test ends. Where they can't be had
// the test fails.
func StartSentinel(tb testing.TB, k Kind, args ...string) *Sentinel {
	tb.Helper()
	s, err := RunSentinel(tb.Context(), k, args...)
	if err != nil {
		tb.Fatal(err)
	}
	s.Nodes[0].endWith(tb, s.Close)
	return s
}

// Close stops all of them and removes what they leave.
func (s *Sentinel) Close() error { return s.stop() }

// SentinelAddrs are the addresses that a client starts from.
func (s *Sentinel) SentinelAddrs() []string { return addrs(s.Sentinels) }

// form makes replicas of replicas, and then tells the sentinels of the master.
func (s *Sentinel) form(ctx context.Context) error {
	host, port, err := net.SplitHostPort(s.Nodes[0].Addr)
	if err != nil {
		return err
	}
	for _, replica := range s.Nodes[1:] {
		if _, err := call(ctx, replica.Addr, "REPLICAOF", host, port); err != nil {
			return err
		}
		// So that it still is one when it is revived. Later changes the sentinels write themselves.
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
			{"SENTINEL", "SET", s.MasterName, "down-after-milliseconds", "1500", "failover-timeout", "3000"},
		} {
			_, err := call(ctx, sentinel.Addr, command...)
			if err != nil && !strings.Contains(err.Error(), "Unknown sentinel subcommand") {
				return err
			}
		}
	}
	return s.AwaitHealthy(ctx)
}

// Master returns the master, as the sentinels say: if they differ, the one whose word is the latest.
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
		return nil, fmt.Errorf("the sentinels name a stranger, %s", addr)
	}
	return s.Nodes[i], nil
}

// AwaitHealthy returns once one node is the master that all sentinels name, the others follow it,
// and every sentinel sees both of them and the other sentinels. It waits two minutes at most.
func (s *Sentinel) AwaitHealthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	if err := poll(ctx, s.healthy); err != nil {
		return fmt.Errorf("the sentinels or their servers are not healthy: %w", err)
	}
	return nil
}

// healthy says what is wrong, if anything is.
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
			return fmt.Errorf("sentinel %d names a stranger, %s", i, view.master)
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

// replicated says which node follows no master, unless just one does not.
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
		return fmt.Errorf("%d masters", masters)
	}
	return nil
}

// sentinelView is what a sentinel knows of the master.
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
	// While replicas are told of a new master, the reply above still has the old one.
	reply, err = ask(ctx, sentinel.Addr, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", s.MasterName)
	if err != nil {
		return v, err
	}
	addr, _ := reply.([]any)
	if len(addr) != 2 {
		return v, fmt.Errorf("address of the master: %v", reply)
	}
	v.master = net.JoinHostPort(fmt.Sprint(addr[0]), fmt.Sprint(addr[1]))
	return v, nil
}
