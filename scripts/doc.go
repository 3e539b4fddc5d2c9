// Package scripts has the Lua scripts that make Weir's decisions, and [Runner], the interface by which limiters send them
// to a server.
//
// A program that limits something needs an algorithm's package and a Runner for its Redis client. The packages
// goredisrunner and rueidisrunner, below this one, have one each; for another client implement Runner, which is a dozen
// lines. Package coalesce has a Runner that goes around another one and sends the calls of many goroutines together.
//
// The scripts can be called from any language. The README beside this file is the contract: keys, arguments, replies, and
// what is stored. The Lua files are generated from the fragments in src by go generate ./scripts, and are complete as they
// are.
package scripts
