// Command quickstart is the program of the repository's README: a limit for each client address, in front of a handler.
package main
