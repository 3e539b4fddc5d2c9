package main

import (
	"context"
	"embed"

	"github.com/go-weir/weir/bench/shared/round"
	"github.com/go-weir/weir/scripts"
)

// floorSources are the floors' scripts: for each of Weir's one with its calls for a request that it admits
// and one, NAME_full, for a request that it denies. A test holds the calls to those of the real one.
//
//go:embed floors/*.lua
var floorSources embed.FS

// floors are Weir's algorithms with all of their Go code, the same keys and arguments, and scripts that
// make the same calls but compute nothing: what is between a limiter and its floor is what its Lua costs.
// floor-return is below them all, a script that calls nothing.
//
// floor-slidinglog calls what a log does of which nothing has left yet.
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
		args := []string{"3600000", "3600000000"} // as many as scripts/gcra.lua has, and alike
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
		panic(err) // a name above that has no file: no build of this program passes its tests
	}
	return scripts.New(name, string(source))
}

// instead runs one script in place of any, with the same keys and arguments.
type instead struct {
	scripts.Runner
	script *scripts.Script
}

// Run implements scripts.Runner.
func (r instead) Run(ctx context.Context, _ *scripts.Script, keys []string, args []string) ([]int64, error) {
	return r.Runner.Run(ctx, r.script, keys, args)
}
