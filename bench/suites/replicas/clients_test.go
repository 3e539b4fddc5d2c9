package replicas_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// service is the replicas as clients see them.
type service struct {
	addr string

	mu     sync.Mutex
	served map[string]int // requests by the replica that has answered them
}

// newClient returns a client with a connection of its own.
func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{MaxConnsPerHost: 1}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// get sends a request and returns the answer, without its body.
func (s *service) get(ctx context.Context, client *http.Client, path string, fields map[string]string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+path, nil)
	if err != nil {
		return nil, err
	}
	for name, value := range fields {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.served[response.Header.Get("X-Served-By")]++
	s.mu.Unlock()
	return response, response.Body.Close()
}

// testSteady sends 100 requests, one each tenth of a second. The first ten are admitted, and each response has the number of
// requests that are left, whichever replica sends it. The other ninety are refused until the first ones leave the log, almost a
// day later. (GCRA would admit one more after 2.4 hours.)
func testSteady(t *testing.T, s *service) {
	client := newClient(t)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	admitted, refused := 0, 0
	for i := range 100 {
		response, err := s.get(t.Context(), client, "/", map[string]string{"X-API-Key": "steady"})
		if err != nil {
			t.Fatal(err)
		}
		remaining, retry := response.Header.Get("X-RateLimit-Remaining"), response.Header.Get("Retry-After")
		wait, _ := strconv.Atoi(retry)
		switch {
		case i < limit && response.StatusCode == http.StatusOK && remaining == strconv.Itoa(limit-1-i):
			admitted++
		case i >= limit && response.StatusCode == http.StatusTooManyRequests && remaining == "0" && wait > 12*60*60 && wait <= 24*60*60:
			refused++
		default:
			t.Errorf("request %d: %s, %s left, wait %q", i+1, response.Status, remaining, retry)
		}
		<-tick.C
	}
	t.Logf("%d admitted, %d refused", admitted, refused)
}

// testTogether sends requests over many connections at the same time. Exactly the limit is admitted.
func testTogether(t *testing.T, s *service, fields func(connection int) map[string]string) {
	const connections, each = 64, 4
	var connecting, sending sync.WaitGroup
	connecting.Add(connections)
	begin := make(chan struct{})
	byStatus := make([]map[int]int, connections)
	for i := range connections {
		client := newClient(t)
		byStatus[i] = map[int]int{}
		sending.Go(func() {
			if _, err := s.get(t.Context(), client, "/healthz", nil); err != nil {
				t.Error(err)
			}
			connecting.Done()
			<-begin
			for range each {
				response, err := s.get(t.Context(), client, "/", fields(i))
				if err != nil {
					t.Error(err)
					return
				}
				byStatus[i][response.StatusCode]++
			}
		})
	}
	connecting.Wait()
	close(begin)
	sending.Wait()

	total := map[int]int{}
	for _, counts := range byStatus {
		for status, n := range counts {
			total[status] += n
		}
	}
	if total[http.StatusOK] != limit || total[http.StatusTooManyRequests] != connections*each-limit {
		t.Errorf("answers by status: %v, want %d admitted and all others of %d refused", total, limit, connections*each)
	}
	t.Logf("answers by status: %v", total)
}
