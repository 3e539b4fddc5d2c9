package httpconformance_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestWebSocket: a connection can be upgraded and used through the middleware. A client over its limit is refused before the
// upgrade.
func TestWebSocket(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(strict(newLimiter(t, sharedRedis(t), yearly(1)))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.CloseNow()
		for range 3 {
			kind, message, err := conn.Read(r.Context())
			if err := errors.Join(err, conn.Write(r.Context(), kind, message)); err != nil {
				t.Error(err)
				return
			}
		}
	})))
	defer server.Close()
	conn, response, err := websocket.Dial(t.Context(), server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if left := response.Header.Get("X-RateLimit-Remaining"); left != "0" {
		t.Errorf("the answer to the upgrade has %v", response.Header)
	}
	echoes := func(message string) {
		t.Helper()
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		if _, echo, err := conn.Read(t.Context()); err != nil || string(echo) != message {
			t.Fatalf("%d bytes, %v, came back of %d", len(echo), err, len(message))
		}
	}
	echoes("one")
	echoes(strings.Repeat("two", 10_000))
	_, response, err = websocket.Dial(t.Context(), server.URL, nil)
	if err == nil || response == nil || response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" {
		t.Errorf("the second upgrade: %v, %v, want it refused", response, err)
	}
	echoes("the first is still good")
}

// newServer starts a server with that version of HTTP, whose client uses the same version.
func newServer(t *testing.T, version int, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	if version == 2 {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server
}

// TestServerSentEvents: each event that the handler flushes reaches the client while the handler goes on. Meanwhile another
// request is refused, in HTTP/2 over the same connection.
func TestServerSentEvents(t *testing.T) {
	t.Parallel()
	for _, version := range []int{1, 2} {
		t.Run(fmt.Sprintf("HTTP/%d", version), func(t *testing.T) {
			received := make(chan struct{}, 3) // a token for each event
			server := newServer(t, version, strict(newLimiter(t, sharedRedis(t), yearly(1)))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				control := http.NewResponseController(w)
				if err := control.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
					t.Error(err)
				}
				for i := range 3 {
					fmt.Fprintf(w, "data: %d\n\n", i)
					if err := control.Flush(); err != nil {
						t.Error(err)
						return
					}
					<-received
				}
			})))
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.ProtoMajor != version || response.Header.Get("X-RateLimit-Remaining") != "0" {
				t.Errorf("%s, fields %v", response.Proto, response.Header)
			}
			events := bufio.NewReader(response.Body)
			for i := range 3 {
				line, err := events.ReadString('\n')
				if err != nil || line != fmt.Sprintf("data: %d\n", i) {
					t.Errorf("event %d is %q, %v", i, line, err)
				}
				if blank, err := events.ReadString('\n'); err != nil || blank != "\n" {
					t.Errorf("event %d ends with %q, %v", i, blank, err)
				}
				other, err := fetch(t.Context(), server.Client(), server.URL)
				if err != nil || other.StatusCode != http.StatusTooManyRequests || other.ProtoMajor != version {
					t.Errorf("meanwhile another request is answered %v, %v", other, err)
				}
				received <- struct{}{}
			}
			if rest, err := io.ReadAll(events); err != nil || len(rest) > 0 {
				t.Errorf("the stream ends with %q, %v", rest, err)
			}
		})
	}
}

// TestStreamsOfOneConnection: concurrent requests over a single connection of HTTP/2 are counted exactly.
func TestStreamsOfOneConnection(t *testing.T) {
	t.Parallel()
	server := newServer(t, 2, strict(newLimiter(t, sharedRedis(t), yearly(10)))(served))
	if warm, err := fetch(t.Context(), server.Client(), server.URL); err != nil || warm.ProtoMajor != 2 {
		t.Fatalf("%v, %v", warm, err) // after this there is a connection, and one admission less
	}
	statuses := make(chan int, 64)
	var all sync.WaitGroup
	for range cap(statuses) {
		all.Go(func() {
			response, err := fetch(t.Context(), server.Client(), server.URL)
			if err != nil {
				t.Error(err)
				return
			}
			statuses <- response.StatusCode
		})
	}
	all.Wait()
	close(statuses)
	counted := map[int]int{}
	for status := range statuses {
		counted[status]++
	}
	if counted[http.StatusOK] != 9 || counted[http.StatusTooManyRequests] != 55 {
		t.Errorf("statuses %v, want 9 served and 55 refused", counted)
	}
}
