package main

import (
	"runtime/debug"
	"sync"
)

// versions returns the versions of the modules that this program is built from, by path.
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

// versionOf returns the version of a module that the program is built from, or "" for a module of this repository.
func versionOf(module string) string {
	switch version := versions()[module]; version {
	case "v0.0.0", "(devel)": // a module of this repository, with a replace directive or in the workspace
		return ""
	default:
		return version
	}
}
