package servers

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports of the loopback interface. All are below the range for outgoing connections, so that the port of a killed server is
// still free when it is revived.
const (
	firstPort = 10000
	portCount = 4000
	toHolder  = portCount // the distance from a server's port to that of the listener that holds it
	toBus     = 10000     // the distance from a node's port to that of its cluster bus
)

// ports are port numbers that no other process with this package uses until they are released.
type ports struct {
	numbers []int
	holders []io.Closer
}

// hold finds n free ports and holds them, even while their servers are killed. To hold a port, this process listens on another
// port that corresponds to it. So ports are released when the process ends, for whatever reason.
func hold(n int) (*ports, error) {
	var p ports
	var err error
	for tries := 50 * n; len(p.numbers) < n; tries-- {
		if tries == 0 {
			return nil, errors.Join(err, p.release())
		}
		port := firstPort + rand.IntN(portCount) //nolint:gosec // not a secret
		var holder net.Listener
		if holder, err = listen(port + toHolder); err != nil {
			continue
		}
		if err = errors.Join(try(port), try(port+toBus)); err != nil {
			err = errors.Join(err, holder.Close())
			continue
		}
		p.numbers, p.holders = append(p.numbers, port), append(p.holders, holder)
	}
	return &p, nil
}

// release releases the ports.
func (p *ports) release() error {
	var errs []error
	for _, holder := range p.holders {
		errs = append(errs, holder.Close())
	}
	return errors.Join(errs...)
}

func try(port int) error {
	l, err := listen(port)
	if err != nil {
		return err
	}
	return l.Close()
}

func listen(port int) (net.Listener, error) { return net.Listen("tcp", loopback(port)) }

// loopback returns the address of a port on the loopback interface.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
