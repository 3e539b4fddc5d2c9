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

// The names of the toxics, which are their types' too.
const (
	delayed  = "latency" // toxiproxy's own
	silenced = "weir_silence"
	cut      = "weir_cut"
)

func init() {
	toxics.Register(silenced, new(silence))
	toxics.Register(cut, new(limit))
}

// Delay makes each reply arrive later by latency, give or take up to jitter, in whole milliseconds.
// The server runs what it is sent on time, and replies stay in order. Zero ends it.
//
// Of Delay, LoseReplies and CutReplies one lasts until the next begins: toxiproxy panics if several
// toxics are changed while connections end.
func (p *Proxy) Delay(latency, jitter time.Duration) error {
	if latency < 0 || jitter < 0 {
		return fmt.Errorf("delay by %v ± %v", latency, jitter)
	}
	if latency == 0 && jitter == 0 {
		return p.change(func() error { return p.remove(delayed) })
	}
	return p.only(delayed, &toxics.LatencyToxic{Latency: latency.Milliseconds(), Jitter: jitter.Milliseconds()})
}

// LoseReplies lets everything through to the server, which runs it, and nothing back: connections
// stay open and silent, until it ends: then they are closed, because no request would ever be answered there.
// The first replies to a new connection are lost too.
func (p *Proxy) LoseReplies() error {
	return p.only(silenced, new(silence))
}

// CutReplies closes each connection once that many bytes of replies have come through it, counted
// from now, and so perhaps in the middle of one; the server has run the command by then. A new
// connection counts its handshake's replies too.
func (p *Proxy) CutReplies(after int64) error {
	l := new(limit)
	l.Bytes = after
	return p.only(cut, l)
}

// Heal ends Delay, LoseReplies and CutReplies. Down is ended by Up alone.
func (p *Proxy) Heal() error {
	return p.change(func() error {
		p.base.Toxics.ResetToxics(context.Background())
		return nil
	})
}

// change changes the toxics, unless the proxy is closed.
func (p *Proxy) change(how func() error) error {
	p.trouble.Lock()
	defer p.trouble.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	return how()
}

// remove removes a toxic, if it is there.
func (p *Proxy) remove(name string) error {
	err := p.base.Toxics.RemoveToxic(context.Background(), name)
	if errors.Is(err, toxiproxy.ErrToxicNotFound) {
		return nil
	}
	return err
}

// only puts a toxic into the way of all replies, instead of the one that is there. (Changing one
// where it is, which toxiproxy offers as well, is a data race there.)
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

// silence is toxiproxy's timeout that never comes.
type silence struct{ toxics.TimeoutToxic }

// Cleanup closes the connection when the silence ends.
func (s *silence) Cleanup(stub *toxics.ToxicStub) {
	stub.Close()
	go drain(stub)
}

// limit is toxiproxy's limit_data.
type limit struct{ toxics.LimitDataToxic }

// Pipe passes data on until the limit is reached.
func (l *limit) Pipe(stub *toxics.ToxicStub) {
	l.LimitDataToxic.Pipe(stub)
	if stub.Closed() {
		drain(stub)
	}
}

// drain takes what still comes, so that who sends it does not wait for ever.
func drain(stub *toxics.ToxicStub) {
	for range stub.Input { // nothing is done with it
	}
}
