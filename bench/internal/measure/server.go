package measure

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/bench/internal/target"
)

// defaultImage is the server that is started where none is named.
const defaultImage = "redis:8.0"

// A server is what is measured on.
type server struct {
	results.Server
	place    target.Place
	own      bool // started for this, so that nobody else uses it
	warnings []string
	close    func() error
}

// reach returns the server at URLs.
func reach(ctx context.Context, urls string) (*server, error) {
	place, err := target.Parse(urls)
	if err != nil {
		return nil, err
	}
	if place, err = place.Discover(ctx); err != nil {
		return nil, err
	}
	return &server{
		Server: results.Server{How: "at " + place.Address(), Shape: shape(place)},
		place:  place, close: func() error { return nil },
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

// launch starts a server: a container of the image, or a program of that version. Where none is named,
// and that one can't be had, it is whatever server is installed, or else the embedded one, whose speed
// says nothing.
func launch(ctx context.Context, image string) (*server, error) {
	named := image != ""
	if !named {
		image = defaultImage
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
			s.warnings = append(s.warnings, fmt.Sprintf("%s could not be had (%s), so this is the server that is installed", image, why))
			return s, nil
		}
	}
	return embedded(fmt.Sprintf("no server could be started (%s)", why))
}

// startKind starts a server of a kind.
func startKind(ctx context.Context, kind servers.Kind) (*server, error) {
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
	return &server{
		Server: results.Server{How: running.How, Shape: "single"},
		place:  target.Place{Network: "tcp", Addrs: []string{running.Addr}}, own: true,
		close: func() error { return errors.Join(running.Close(), sweep()) },
	}, nil
}

// embedded starts a miniredis in this process.
func embedded(why string) (*server, error) {
	mini := miniredis.NewMiniRedis()
	if err := mini.Start(); err != nil {
		return nil, err
	}
	return &server{
		Server:   results.Server{How: "inside the measuring process", Shape: "embedded"},
		place:    target.Place{Network: "tcp", Addrs: []string{mini.Addr()}},
		own:      true,
		warnings: []string{why + ": this is the embedded miniredis, and its speed says nothing about any Redis; name yours with -redis, or install redis-server"},
		close:    func() error { mini.Close(); return nil },
	}, nil
}
