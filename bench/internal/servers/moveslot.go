package servers

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// keysPerStep is the number of keys that are moved in one step.
const keysPerStep = 10

// migrateTimeout is the timeout of MIGRATE in milliseconds. Only a severely overloaded target doesn't answer for that long.
const migrateTimeout = "120000"

// MoveSlot moves a slot to another master while clients use it, as an operator does. First it marks the slot as moving on both
// masters, then it moves the keys, and then it assigns the slot to the new master. It calls each after every step, unless each
// is nil. If each returns an error, MoveSlot stops there and returns the error.
func (c *Cluster) MoveSlot(ctx context.Context, slot int, to *Server, each func() error) error {
	from, err := c.Master(ctx, slot)
	if err != nil || from == to {
		return err
	}
	m := &move{slot: strconv.Itoa(slot), from: from, to: to, each: each}
	if each == nil {
		m.each = func() error { return nil }
	}
	source, target := slices.Index(c.Nodes, from), slices.Index(c.Nodes, to)
	if target < 0 {
		return fmt.Errorf("%s is no node of this cluster", to)
	}
	if err := m.set(ctx, to, "IMPORTING", c.ids[source]); err != nil {
		return err
	}
	if err := m.set(ctx, from, "MIGRATING", c.ids[target]); err != nil {
		return err
	}
	for more := true; more; {
		if more, err = m.keys(ctx); err != nil {
			return err
		}
	}
	// The new master gets the slot first, so that one of the masters always has it.
	if err := m.set(ctx, to, "NODE", c.ids[target]); err != nil {
		return err
	}
	if err := m.set(ctx, from, "NODE", c.ids[target]); err != nil {
		return err
	}
	for i, p := range c.selves(ctx) {
		if p.id != "" && p.master == "" && i != source && i != target {
			if err := m.set(ctx, c.Nodes[i], "NODE", c.ids[target]); err != nil {
				return err
			}
		}
	}
	return nil
}

// move is a slot that is being moved.
type move struct {
	slot     string
	from, to *Server
	each     func() error
}

// set sets the slot's state on a node.
func (m *move) set(ctx context.Context, node *Server, state, id string) error {
	for {
		_, err := call(ctx, node.Addr, "CLUSTER", "SETSLOT", m.slot, state, id)
		switch {
		case err == nil:
			return m.each()
		case !strings.HasPrefix(err.Error(), "NOREPLICAS"): // Valkey's error if its replicas don't answer within two seconds
			return fmt.Errorf("SETSLOT %s %s: %w", m.slot, state, err)
		}
	}
}

// keys moves some of the slot's keys, and reports whether there were any.
func (m *move) keys(ctx context.Context) (more bool, err error) {
	reply, err := ask(ctx, m.from.Addr, "CLUSTER", "GETKEYSINSLOT", m.slot, strconv.Itoa(keysPerStep))
	if err != nil {
		return false, err
	}
	keys, ok := reply.([]any)
	if !ok || len(keys) == 0 {
		return false, nil
	}
	host, port, err := net.SplitHostPort(m.to.Addr)
	if err != nil {
		return false, err
	}
	migrate := []string{"MIGRATE", host, port, "", "0", migrateTimeout, "KEYS"}
	for _, key := range keys {
		migrate = append(migrate, fmt.Sprint(key))
	}
	if _, err := call(ctx, m.from.Addr, migrate...); err != nil {
		return false, fmt.Errorf("MIGRATE keys of slot %s: %w", m.slot, err)
	}
	return true, m.each()
}
