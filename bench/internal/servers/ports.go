package servers

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports of the loopback interface. All are below those that the system gives to outgoing connections, so
// that a killed server finds its port free when it is revived.
const (
	firstPort = 10000
	portCount = 4000
	toHolder  = portCount // from a server's port to the one that says that it is held
	toBus     = 10000     // from a node's port to the one where it talks to the others of its cluster
)

// ports are ports that no other process of this package uses until they are released.
type ports struct {
	numbers []int
	holders []io.Closer
}

// hold finds so many ports that are free. A port stays held while its server is killed: this process
// listens on another port in its place, and so no longer than it lives, however it ends.
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

// release gives them back.
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

// loopback is a port's address.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
