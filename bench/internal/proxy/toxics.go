package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// The names of the toxics. They are also the names of their types.
const (
	delayed  = "latency" // toxiproxy's own
	silenced = "weir_silence"
	cut      = "weir_cut"
)

func init() {
	toxics.Register(silenced, new(silence))
	toxics.Register(cut, new(limit))
}

// Delay delays each reply by latency, plus or minus up to jitter, in whole milliseconds. Commands reach the server without
// delay, and replies stay in order. A delay of zero ends it.
//
// Delay, LoseReplies and CutReplies each replace the previous fault, because toxiproxy panics if several toxics change while
// connections end.
func (p *Proxy) Delay(latency, jitter time.Duration) error {
	if latency < 0 || jitter < 0 {
		return fmt.Errorf("proxy: a delay of %v ± %v is not possible, want no negative time", latency, jitter)
	}
	if latency == 0 && jitter == 0 {
		return p.change(func() error { return p.remove(delayed) })
	}
	return p.only(delayed, &toxics.LatencyToxic{Latency: latency.Milliseconds(), Jitter: jitter.Milliseconds()})
}

// LoseReplies forwards commands to the server, but no replies to clients. Connections stay open until the fault ends. Then
// they are closed, because their clients still wait for lost replies. The replies to the handshake of a new connection are
// lost too.
func (p *Proxy) LoseReplies() error {
	return p.only(silenced, new(silence))
}

// CutReplies closes each connection after the given number of bytes of replies, counted from now. So it may close a connection
// in the middle of a reply, after the server has run the command. For a new connection, the replies to the handshake count too.
func (p *Proxy) CutReplies(after int64) error {
	l := new(limit)
	l.Bytes = after
	return p.only(cut, l)
}

// Heal ends Delay, LoseReplies and CutReplies. It doesn't end Down.
func (p *Proxy) Heal() error {
	return p.change(func() error {
		p.base.Toxics.ResetToxics(context.Background())
		return nil
	})
}

// change calls how, which changes the toxics, unless the proxy is closed.
func (p *Proxy) change(how func() error) error {
	p.trouble.Lock()
	defer p.trouble.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	return how()
}

// remove removes a toxic if it exists.
func (p *Proxy) remove(name string) error {
	err := p.base.Toxics.RemoveToxic(context.Background(), name)
	if errors.Is(err, toxiproxy.ErrToxicNotFound) {
		return nil
	}
	return err
}

// only replaces the current toxic for replies. It removes the old one first, because toxiproxy has a data race when it
// updates a toxic.
func (p *Proxy) only(name string, toxic toxics.Toxic) error {
	text, err := json.Marshal(toxics.ToxicWrapper{
		Toxic: toxic, Name: name, Type: name, Stream: "downstream", Toxicity: 1,
	})
	if err != nil {
		return err
	}
	return p.change(func() error {
		p.base.Toxics.ResetToxics(context.Background())
		_, err := p.base.Toxics.AddToxicJson(bytes.NewReader(text))
		return err
	})
}

// silence is toxiproxy's timeout toxic without an end: it drops all data.
type silence struct{ toxics.TimeoutToxic }

// Cleanup closes the connection when the silence ends.
func (s *silence) Cleanup(stub *toxics.ToxicStub) {
	stub.Close()
	go drain(stub)
}

// limit is toxiproxy's limit_data toxic.
type limit struct{ toxics.LimitDataToxic }

// Pipe forwards data until the limit is reached.
func (l *limit) Pipe(stub *toxics.ToxicStub) {
	l.LimitDataToxic.Pipe(stub)
	if stub.Closed() {
		drain(stub)
	}
}

// drain discards the remaining data, so that its sender doesn't block forever.
func drain(stub *toxics.ToxicStub) {
	for range stub.Input {
	}
}
