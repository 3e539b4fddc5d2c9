// Package scripts holds the Lua that makes Weir's decisions, one file a decision, and [Runner], the
// seam between the decisions and a Redis client.
//
// Who only wants to limit needs a Runner (see the packages goredisrunner and rueidisrunner below
// this one) and an algorithm. Who calls the scripts from another language finds the contract in
// the README beside this file; who brings another Redis client implements Runner, a dozen lines.
package scripts
