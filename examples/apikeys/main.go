// Apikeys is a small service whose users own API keys. It admits 5 reads a minute for each key, in all processes together, and
// answers the sixth with 429 and the exact Retry-After. README.md shows its requests and responses.
//
//	go run ./examples/apikeys                 # with an embedded server and a temporary database
//	go run ./examples/apikeys -redis redis://localhost:6379 -db books.db
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/redis/go-redis/v9/logging"
)

func main() {
	// The first signal shuts the service down gracefully. A second one ends it at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)

	logging.Disable() // go-redis also returns the failures that it would log

	c, err := parse(os.Args[1:], os.Getenv, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2) // parse has said why
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	slog.SetDefault(log) // which the middlewares log to
	if err := run(ctx, c, log); err != nil {
		log.Error("ends", "err", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, c config, log *slog.Logger) (err error) {
	s, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.addr)
	if err != nil {
		return err
	}
	log.Info("serving", "url", "http://"+listener.Addr().String(), "rate", c.rate, "account-rate", c.accountRate)
	return serve(ctx, listener, newServer(s.handler, log), log)
}

// help is what -h shows above the flags.
const help = `A service whose users own API keys, each good for a number of reads a minute.

  apikeys                                          try it: an embedded server, a database that is gone afterwards
  apikeys -rate 60/minute                          another limit
  apikeys -redis redis://10.0.0.5:6379 -db b.db    on a server of yours, with a database that stays
  JWT_SECRET=$(openssl rand -hex 32) apikeys ...   logins that outlive the process, and hold for others of it
  apikeys -proxies 1                               behind one reverse proxy, which tells the clients' addresses

Then:

  curl localhost:8080/users -d '{"username": "alice", "password": "correct horse"}'
  curl -i 'localhost:8080/books?api_key=KEY'

Flags:

`
