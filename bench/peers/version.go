package main

import (
	"runtime/debug"
	"sync"
)

// versions are those of the modules that this program is built from.
var versions = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return all
	}
	for _, module := range info.Deps {
		all[module.Path] = module.Version
	}
	return all
})

// versionOf returns the version of a module that the program is built from, or "" if it is one of this
// repository, which has none but the commit's.
func versionOf(module string) string {
	switch version := versions()[module]; version {
	case "v0.0.0", "(devel)": // a nested module: by its replace directive, and in the workspace
		return ""
	default:
		return version
	}
}
