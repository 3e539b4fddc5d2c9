package main

import (
	"context"
	"embed"

	"github.com/go-weir/weir/bench/shared/round"
	"github.com/go-weir/weir/scripts"
)

// floorSources are the floors' scripts. For each of Weir's scripts, NAME makes the calls of an admitted request, and NAME_full
// those of a denied one. A test checks that the calls are the same as those of Weir's script.
//
//go:embed floors/*.lua
var floorSources embed.FS

// floors are Weir's algorithms with scripts that make the same calls but compute nothing. The Go code, the keys and the
// arguments are the same. So the difference between a limiter and its floor is the cost of its Lua logic. The script of
// floor-return makes no calls at all.
//
// floor-slidinglog makes the calls for a log in which no entry has expired yet.
var floors = append(floorsOf(weirAlgorithms, floored...), floorReturn)

// floored are the algorithms that have a floor.
var floored = []string{"gcra", "fixedwindow", "slidinglog", "queue"}

var floorReturn = Peer{
	Limiter: round.Limiter{
		Name: "floor-return", About: "a script that only returns", Client: "go-redis", Module: ownModule,
	},
	Open: func(clients *Clients, s Setting) (Allow, error) {
		run, err := overGoRedis.run(clients)
		if err != nil {
			return nil, err
		}
		script := floorScript("return", s.Full)
		args := []string{"3600000", "3600000000"} // as many as scripts/gcra.lua takes, and of similar length
		return func(ctx context.Context, key string) (bool, error) {
			reply, err := run.Run(ctx, script, []string{key}, args)
			return err == nil && reply[0] == 1, err
		}, nil
	},
}

// floorsOf returns the floors of the algorithms of those names.
func floorsOf(algorithms []weirAlgorithm, names ...string) (all []Peer) {
	for _, name := range names {
		for _, a := range algorithms {
			if a.name != name {
				continue
			}
			all = append(all, Peer{
				Limiter: round.Limiter{
					Name: "floor-" + name, About: "the calls of weir-" + name + "'s script, without its logic", Client: "go-redis",
					Module: ownModule,
				},
				Open: func(clients *Clients, s Setting) (Allow, error) {
					run, err := overGoRedis.run(clients)
					if err != nil {
						return nil, err
					}
					return a.open(instead{run, floorScript(name, s.Full)}, s)
				},
			})
		}
	}
	return all
}

// floorScript returns the script of a floor.
func floorScript(name string, full bool) *scripts.Script {
	if full {
		name += "_full"
	}
	source, err := floorSources.ReadFile("floors/" + name + ".lua")
	if err != nil {
		panic(err) // a test checks that each name above has a file
	}
	return scripts.New(name, string(source))
}

// instead is a scripts.Runner that runs the same script for all calls, with the keys and arguments of the call.
type instead struct {
	scripts.Runner
	script *scripts.Script
}

// Run implements scripts.Runner.
func (r instead) Run(ctx context.Context, _ *scripts.Script, keys []string, args []string) ([]int64, error) {
	return r.Runner.Run(ctx, r.script, keys, args)
}
