package main

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// TestRun: run returns an error for wrong arguments, for invalid settings, and for an address that is in use.
func TestRun(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		args []string
		env  []string
		want string
	}{
		{[]string{"blance"}, nil, `no "blance"`},
		{[]string{"balance", "check"}, nil, "one at most"},
		{nil, []string{"RATE", "0/s"}, "RATE"},
		{nil, []string{"LISTEN", taken.Addr().String()}, "in use"},
		{[]string{"balance"}, nil, "UPSTREAMS: none"},
		{[]string{"balance"}, []string{"UPSTREAMS", "one:80,two"}, "two"},
		{[]string{"check"}, []string{"LISTEN", "8080"}, "LISTEN"},
	} {
		err := run(t.Context(), c.args, environment("localhost:6379", c.env...))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q, %q: %v, want an error about %s", c.args, c.env, err, c.want)
		}
	}
}

// TestServe: a request that has begun is still answered when the service shuts down.
func TestServe(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		end()
		// The shutdown begins by closing the listener. Wait until no connection can be opened.
		for {
			conn, err := new(net.Dialer).DialContext(r.Context(), "tcp", listener.Addr().String())
			if err != nil {
				break
			}
			_ = conn.Close()
		}
		_, _ = io.WriteString(w, "all of it")
	})
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, &http.Server{Handler: handler}) }()
	response, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); string(body) != "all of it" || err != nil {
		t.Errorf("answer %q, %v", body, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	h, redis := startService(t)
	server := httptest.NewServer(h)
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	env := environment(redis.Addr(), "LISTEN", ":"+port)
	if err := check(t.Context(), env); err != nil {
		t.Error(err)
	}
	redis.Close()
	if err := check(t.Context(), env); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("without Redis: %v, want an error", err)
	}
	server.Close()
	if err := check(t.Context(), env); err == nil {
		t.Error("without the service: no error")
	}
}

// TestBalancer: the balancer passes requests to the upstreams in turn, with the client's address in X-Forwarded-For.
func TestBalancer(t *testing.T) {
	var upstreams []*url.URL
	var asked []string
	for _, name := range []string{"a", "b", "c"} {
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			asked = append(asked, name+" "+r.Host+" "+strings.Join(r.Header["X-Forwarded-For"], ", "))
		}))
		defer server.Close()
		upstreams = append(upstreams, &url.URL{Scheme: "http", Host: server.Listener.Addr().String()})
	}
	h := newBalancer(upstreams)
	for range 4 {
		get(h, "/", "192.0.2.1")
	}
	get(h, "/", "192.0.2.1", "X-Forwarded-For", "198.51.100.7")
	want := []string{
		"a example.com 192.0.2.1", "b example.com 192.0.2.1", "c example.com 192.0.2.1", "a example.com 192.0.2.1",
		"b example.com 198.51.100.7, 192.0.2.1",
	}
	if !slices.Equal(asked, want) {
		t.Errorf("asked: %q\nwant %q", asked, want)
	}
}
