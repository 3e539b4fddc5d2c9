package httplimit_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
)

func serverOf(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(limitOf(must(gcra.NewLocal(algorithms.PerHour(1))))(handler))
	t.Cleanup(server.Close)
	return server
}

// fetch sends a GET request, and returns the answer's status and whole body.
func fetch(t *testing.T, url string) (status int, body string) {
	t.Helper()
	status, _, body = do(t, must(http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)))
	return status, body
}

// do sends a request, and returns the answer's status, header and whole body.
func do(t *testing.T, request *http.Request) (status int, header http.Header, body string) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(read)
}

// TestServerSentEvents: flushed data reaches the client while the handler goes on.
func TestServerSentEvents(t *testing.T) {
	received := make(chan struct{})
	server := serverOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: one\n\n")
		w.(http.Flusher).Flush()
		<-received
		control := http.NewResponseController(w)
		if err := control.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, "data: two\n\n")
		if err := control.Flush(); err != nil {
			t.Error(err)
		}
	})
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	events := bufio.NewReader(response.Body)
	if first, err := events.ReadString('\n'); err != nil || first != "data: one\n" {
		t.Errorf("first event %q, %v", first, err)
	}
	close(received)
	if rest, err := io.ReadAll(events); err != nil || !strings.Contains(string(rest), "data: two") {
		t.Errorf("then %q, %v", rest, err)
	}
	if response.Header.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("header %v", response.Header)
	}
}

// TestHijack: a connection can be taken over, as for WebSockets.
func TestHijack(t *testing.T) {
	server := serverOf(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, stream, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(stream, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = stream.Flush()
		line, _ := stream.ReadString('\n')
		fmt.Fprint(stream, line)
		_ = stream.Flush()
	})
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello\n")
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 101 ") || !strings.HasSuffix(string(answer), "\r\n\r\nhello\n") {
		t.Errorf("answer %q, %v", answer, err)
	}
}

// TestRefusedByServer: a client of a real server gets the status and the body of a refusal, and the fields for HEAD.
func TestRefusedByServer(t *testing.T) {
	server := serverOf(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "served") })
	if status, body := fetch(t, server.URL); status != http.StatusOK || body != "served" {
		t.Errorf("status %d, body %q", status, body)
	}
	if status, body := fetch(t, server.URL); status != http.StatusTooManyRequests || !strings.HasPrefix(body, `{"detail":"Request was throttled. Expected`) {
		t.Errorf("status %d, body %q", status, body)
	}
	response, err := http.Head(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" {
		t.Errorf("HEAD: status %d, header %v", response.StatusCode, response.Header)
	}
}

// TestPanicInServer: if a limiter panics, net/http closes the connection of that request, and the server goes on.
func TestPanicInServer(t *testing.T) {
	server := httptest.NewUnstartedServer(limitOf(panics{}, letPass)(served))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	defer server.Close()
	for range 2 {
		if response, err := http.Get(server.URL); err == nil {
			response.Body.Close()
			t.Errorf("status %d, want the connection closed", response.StatusCode)
		}
	}
}

// panics is a limiter whose methods panic, as it embeds a nil Limiter.
type panics struct{ algorithms.Limiter }
