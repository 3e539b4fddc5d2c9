package demo

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/net/netutil"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/reexec"
	"github.com/go-weir/weir/bench/shared/target"
	"github.com/go-weir/weir/httplimit"
)

const workerEnv = reexec.Env("WEIR_DEMO_WORKER")

// A service is the configuration of a worker.
type service struct {
	Place     target.Place
	Prefix    string // of all keys
	AtOnce    int    // the number of connections that each worker serves at a time
	Endpoints []endpoint
}

// An endpoint is a path that is limited.
type endpoint struct {
	Path  string
	Kind  int // its index in kinds
	Limit algorithms.Limit
}

// listenerFile is the file descriptor of the listening socket in a worker. It is the first one after the standard ones.
const listenerFile = 3

// lineReady is the line that a worker writes when it serves.
const lineReady = "ready\n"

// patience is how long to wait for a limiter. No call here should take that long.
const patience = 30 * time.Second

// Main serves as a worker and ends the process, if the process is a worker. Otherwise it returns.
func Main() { workerEnv.Main(work) }

// work reads a service from in, and serves it until in ends.
func work(in io.Reader, out io.Writer) error {
	buffered := bufio.NewReader(in)
	var s service
	if err := gob.NewDecoder(buffered).Decode(&s); err != nil {
		return err
	}
	// All workers have been started by now. FileListener makes the socket non-blocking for all processes that share it, and
	// the start of a process makes it blocking.
	listener, err := net.FileListener(os.NewFile(listenerFile, "listener"))
	if err != nil {
		return err
	}
	handler, closeClient, err := s.handler()
	if err != nil {
		return err
	}
	defer closeClient()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: patience}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(netutil.LimitListener(listener, s.AtOnce)) }()
	if _, err := io.WriteString(out, lineReady); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, buffered)
		_ = server.Close()
	}()
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// handler connects to Redis and returns a handler for the endpoints.
func (s service) handler() (handler http.Handler, closeClient func(), err error) {
	client := s.Place.GoRedis(nil)
	defer func() {
		if err != nil {
			_ = client.Close()
		}
	}()
	if err := client.Ping(context.Background()).Err(); err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	err = s.each(client, func(e endpoint, limiter algorithms.Limiter) error {
		limited, err := httplimit.New(limiter, httplimit.Key(httplimit.Path()), httplimit.OnFailure(httplimit.Refuse), httplimit.Timeout(patience))
		if err != nil {
			return err
		}
		mux.Handle(e.Path, limited(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "pong\n")
		})))
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return mux, func() { _ = client.Close() }, nil
}
