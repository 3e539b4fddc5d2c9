// Replicas is a small service that can run as any number of replicas over one Redis. Together they admit exactly the limit. The
// program also has a load balancer, for systems that have none.
//
//	replicas             the service; environment variables configure it, see settings.go
//	replicas balance     the balancer: passes requests to each of UPSTREAMS in turn
//	replicas check       succeeds if the service on this machine is ready: a container's health check
//
// README.md has three ways to run six of them.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv); err != nil {
		log.Fatal(err)
	}
}

// run runs the command that the arguments name until ctx ends.
func run(ctx context.Context, args []string, getenv func(string) string) error {
	mode := ""
	if len(args) > 0 {
		mode = args[0]
	}
	switch {
	case len(args) > 1:
		return fmt.Errorf("arguments %q, want one at most: balance or check", args)
	case mode == "balance":
		return runBalancer(ctx, getenv)
	case mode == "check":
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		return check(ctx, getenv)
	case mode != "":
		return fmt.Errorf("there is no %q, want balance, check, or nothing for the service", mode)
	}
	return runService(ctx, getenv)
}

// listenAndServe answers requests to addr until ctx ends. It logs its name and address.
func listenAndServe(ctx context.Context, addr string, handler http.Handler, what string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	log.Printf("%s on %s", what, listener.Addr())
	return serve(ctx, listener, &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second})
}

// serve answers requests until ctx ends. Then it finishes the requests that have begun.
func serve(ctx context.Context, listener net.Listener, server *http.Server) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(ending)
}
