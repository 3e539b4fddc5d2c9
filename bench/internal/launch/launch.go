// Package launch connects to a server that the user names, or starts one: in a container, as a program of this machine, or
// inside this process.
package launch

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/bench/shared/target"
)

// DefaultImage is the image of the server that is started by default.
const DefaultImage = "redis:8.0"

// A Server is a server that [Reach] has connected to or [Start] has started.
type Server struct {
	How      string // "container redis:7.0", "at 10.0.0.1:6379"
	Shape    string // "single", "cluster", "sentinel", "embedded"
	Place    target.Place
	Own      bool // whether this program has started it, so that it has no other clients
	Warnings []string
	Close    func() error
}

// Reach returns the server at URLs.
func Reach(ctx context.Context, urls string) (*Server, error) {
	place, err := target.Parse(urls)
	if err != nil {
		return nil, err
	}
	if place, err = place.Discover(ctx); err != nil {
		return nil, err
	}
	return &Server{
		How: "at " + place.Address(), Shape: shape(place),
		Place: place, Close: func() error { return nil },
	}, nil
}

func shape(place target.Place) string {
	switch {
	case place.MasterName != "":
		return "sentinel"
	case place.Cluster:
		return "cluster"
	}
	return "single"
}

// Start starts a server of the image, as a container or as a program of the same version. If image is "" and DefaultImage
// isn't available, it starts the installed server. If there is none, it starts the embedded server, whose speed is not
// meaningful.
func Start(ctx context.Context, image string) (*Server, error) {
	named := image != ""
	if !named {
		image = DefaultImage
	}
	kind, err := servers.Image(image)
	if err != nil {
		return nil, err
	}
	s, err := startKind(ctx, kind)
	if err == nil || named || ctx.Err() != nil {
		return s, err
	}
	why := strings.ReplaceAll(err.Error(), "\n", "; ")
	if kind, ok := servers.Installed(); ok {
		if s, err = startKind(ctx, kind); err == nil {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s could not be had (%s), so this is the server that is installed", image, why))
			return s, nil
		}
	}
	return Embedded(fmt.Sprintf("no server could be started (%s)", why))
}

// startKind starts a server of a kind.
func startKind(ctx context.Context, kind servers.Kind) (*Server, error) {
	if kind.Image != "" {
		if _, err := servers.Get(ctx, kind); err != nil {
			return nil, err
		}
	}
	sweep := servers.NewRun()
	running, err := servers.Run(ctx, kind)
	if err != nil {
		return nil, errors.Join(err, sweep())
	}
	return &Server{
		How: running.How, Shape: "single",
		Place: target.Place{Network: "tcp", Addrs: []string{running.Addr}}, Own: true,
		Close: func() error { return errors.Join(running.Close(), sweep()) },
	}, nil
}

// Embedded starts a miniredis server in this process.
func Embedded(why string) (*Server, error) {
	mini := miniredis.NewMiniRedis()
	if err := mini.Start(); err != nil {
		return nil, err
	}
	return &Server{
		How: "inside the measuring process", Shape: "embedded",
		Place:    target.Place{Network: "tcp", Addrs: []string{mini.Addr()}},
		Own:      true,
		Warnings: []string{why + ": this is the embedded miniredis, and its speed says nothing about any Redis; name yours with -redis, or install redis-server"},
		Close:    func() error { mini.Close(); return nil },
	}, nil
}
