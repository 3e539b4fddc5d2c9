package runnertest

import (
	"bufio"
	"io"
	"net"
	"strings"
)

// Silent is a connection to a server that reads every command and never answers. Like [Friendly] it is
// within this process, so that tests on synctest's clock can use it.
func Silent() net.Conn {
	client, server := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, server) }()
	return client
}

// Friendly is a connection to a server that answers only the handshake.
func Friendly() net.Conn {
	client, server := net.Pipe()
	go func() {
		for r := bufio.NewReader(server); ; {
			line, err := r.ReadString('\n')
			switch line = strings.ToLower(line); {
			case err != nil:
				return
			case strings.HasPrefix(line, "hello"):
				_, _ = io.WriteString(server, "%1\r\n+version\r\n+7.0.0\r\n")
			case strings.HasPrefix(line, "client"):
				_, _ = io.WriteString(server, "+OK\r\n")
			}
		}
	}()
	return client
}
