package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/scripts/goredisrunner"
)

// An app is the service with its open resources.
type app struct {
	handler http.Handler
	undo    []func() error // called in reverse order
}

// open makes the service that the config describes.
func open(ctx context.Context, c config, log *slog.Logger) (a *app, err error) {
	a = &app{}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	client, err := a.openRedis(ctx, c, log)
	if err != nil {
		return a, err
	}
	users, err := a.openStore(ctx, c)
	if err != nil {
		return a, err
	}
	run, err := goredisrunner.New(client)
	if err != nil {
		return a, err
	}
	a.handler, err = newHandler(c, users, run, log)
	return a, err
}

// openRedis returns a client of the server in the config, or of an embedded server. The embedded server runs in this process
// and is only for a trial: its keys don't expire.
func (a *app) openRedis(ctx context.Context, c config, log *slog.Logger) (*redis.Client, error) {
	url := c.redisURL
	if url == "" {
		server, err := miniredis.Run()
		if err != nil {
			return nil, err
		}
		a.undo = append(a.undo, func() error { server.Close(); return nil })
		url = "redis://" + server.Addr()
	}
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("-redis: %w", err)
	}
	options.ContextTimeoutEnabled = true // httplimit's Timeout ends the wait in the client too
	options.DialerRetries = 1            // don't retry if the server refuses connections
	options.ReadTimeout, options.WriteTimeout = c.timeout, c.timeout
	client := redis.NewClient(options)
	a.undo = append(a.undo, client.Close)
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if err := client.Ping(ctx).Err(); err != nil {
		log.Warn("Redis does not answer: until it does, this process limits by itself", "err", err)
	}
	return client, nil
}

// openStore opens the database in the config, or a temporary one.
func (a *app) openStore(ctx context.Context, c config) (*store, error) {
	file := c.database
	if file == "" {
		dir, err := os.MkdirTemp("", "apikeys-")
		if err != nil {
			return nil, err
		}
		a.undo = append(a.undo, func() error { return os.RemoveAll(dir) })
		file = filepath.Join(dir, "apikeys.db")
	}
	s, err := openStore(ctx, file, c.busy)
	if err != nil {
		return nil, err
	}
	a.undo = append(a.undo, s.close)
	return s, nil
}

func (a *app) close() error {
	var errs []error
	for i := len(a.undo) - 1; i >= 0; i-- {
		errs = append(errs, a.undo[i]())
	}
	return errors.Join(errs...)
}

// newServer returns a server that a slow client can't keep busy.
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      20 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// serve serves until ctx ends. Then it finishes the requests that have begun, for at most ten seconds.
func serve(ctx context.Context, listener net.Listener, server *http.Server, log *slog.Logger) error {
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	log.Info("ending")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}
