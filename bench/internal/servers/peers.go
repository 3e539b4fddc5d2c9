package servers

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// peer is a node of a cluster as one of its nodes sees it.
type peer struct {
	id, master string // master is the id of a replica's master, or ""
	lost       bool
	epoch      int    // of the claim to its slots
	ranges     string // of its slots: "0-5460 5462"
}

// String formats the fields that are the same on all nodes of a healthy cluster.
func (p peer) String() string { return fmt.Sprint(p.id, " ", p.master, " ", p.lost, " ", p.ranges) }

// peersOf returns all nodes that a node knows, in the order of their ids.
func peersOf(ctx context.Context, node *Server) ([]peer, error) {
	text, err := call(ctx, node.Addr, "CLUSTER", "NODES")
	if err != nil {
		return nil, err
	}
	peers, _, err := parsePeers(text)
	return peers, err
}

// parsePeers parses a reply to CLUSTER NODES. self is the node that sent the reply.
//
//	<id> <ip:port@cport> <flags> <master> <ping-sent> <pong-recv> <config-epoch> <link-state> <slot> <slot> ...
func parsePeers(text string) (all []peer, self peer, err error) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 8 {
			return nil, peer{}, fmt.Errorf("unexpected line in the reply to CLUSTER NODES: %q", line)
		}
		flags := strings.Split(words[2], ",")
		p := peer{id: words[0], master: strings.Trim(words[3], "-")}
		if p.epoch, err = strconv.Atoi(words[6]); err != nil {
			return nil, peer{}, err
		}
		p.lost = slices.ContainsFunc(flags, func(flag string) bool {
			return flag == "fail?" || flag == "fail" || flag == "handshake" || flag == "noaddr"
		})
		var ranges []string
		for _, r := range words[8:] {
			if !strings.HasPrefix(r, "[") { // "[" begins a slot that is being moved, which is also among the ranges
				ranges = append(ranges, r)
			}
		}
		p.ranges = strings.Join(ranges, " ")
		if slices.Contains(flags, "myself") {
			self = p
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b peer) int { return strings.Compare(a.id, b.id) })
	return all, self, nil
}

// owns reports whether a node has a slot.
func (p peer) owns(slot int) bool {
	for r := range strings.FieldsSeq(p.ranges) {
		first, last, several := strings.Cut(r, "-")
		if !several {
			last = first
		}
		from, errFrom := strconv.Atoi(first)
		to, errTo := strconv.Atoi(last)
		if errFrom == nil && errTo == nil && from <= slot && slot <= to {
			return true
		}
	}
	return false
}

// claimant returns the index of the peer with the latest claim to a slot, or -1.
func claimant(peers []peer, slot int) int {
	latest := -1
	for i, p := range peers {
		if p.owns(slot) && (latest < 0 || p.epoch > peers[latest].epoch) {
			latest = i
		}
	}
	return latest
}

// selves asks each node how it sees itself. A node that doesn't answer in time has a zero peer.
func (c *Cluster) selves(ctx context.Context) []peer {
	ctx, cancel := context.WithTimeout(ctx, replyTimeout)
	defer cancel()
	all := make([]peer, len(c.Nodes))
	var wg sync.WaitGroup
	for i, node := range c.Nodes {
		wg.Go(func() {
			if text, err := call(ctx, node.Addr, "CLUSTER", "NODES"); err == nil {
				_, all[i], _ = parsePeers(text)
			}
		})
	}
	wg.Wait()
	return all
}

// meet introduces two nodes to each other.
func meet(ctx context.Context, node, other *Server) error {
	host, port, err := net.SplitHostPort(other.Addr)
	if err != nil {
		return err
	}
	_, err = call(ctx, node.Addr, "CLUSTER", "MEET", host, port)
	return err
}
