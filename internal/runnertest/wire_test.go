package runnertest

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// TestLateConnection: a connection that was accepted while the wire was being closed is closed too. Otherwise the wire would wait
// for its end, and the client might never close it.
func TestLateConnection(t *testing.T) {
	var w *Wire
	t.Run("a test with a wire", func(t *testing.T) { w = New(t) })
	client, accepted := net.Pipe()
	defer client.Close()
	w.keep(accepted)
	if err := accepted.SetDeadline(time.Time{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the connection is open (%v)", err)
	}
}
