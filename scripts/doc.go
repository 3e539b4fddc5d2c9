// Package scripts has the Lua scripts that make Weir's decisions, and [Runner], the interface by which limiters send them
// to a server.
//
// A program that limits something needs an algorithm's package and a Runner for its Redis client. The packages goredisrunner
// and rueidisrunner, below this one, have one each. For another client, implement Runner, which takes a dozen lines. Package
// coalesce has a Runner that wraps another one and sends the calls of many goroutines together.
//
// The scripts can be called from any language. The README beside this file is the contract: keys, arguments, replies, and
// what is stored. go generate ./scripts generates the Lua files from the fragments in src. Each of them is a complete script.
package scripts
