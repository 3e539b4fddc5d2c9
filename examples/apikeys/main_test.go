package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-weir/weir/algorithms"
)

func TestParse(t *testing.T) {
	long := strings.Repeat("s", minSecret)
	env := func(string) string { return long }
	for _, c := range []struct {
		flags []string
		wrong string // what the error says; "" for none
	}{
		{nil, ""},
		{[]string{"-rate", "60/minute", "-db", "x.db", "-processes", "3", "-proxies", "1"}, ""},
		{[]string{"-rate", "many"}, `invalid value "many" for flag -rate: "many": weir: invalid limit`},
		{[]string{"-account-rate", "0/s"}, "weir: invalid limit"},
		{[]string{"-jwt-secret", "short"}, "the JWT secret has 5 bytes, want at least 32"},
		{[]string{"-db", ":memory:"}, "-db :memory: would be a database for each connection"},
		{[]string{"-processes", "0"}, "-processes is 0, want at least 1"},
		{[]string{"-proxies", "-1"}, "-proxies is -1, want 0 or more"},
		{[]string{"-token-life", "1ms"}, "-token-life is 1ms, want at least 1s"},
		{[]string{"-redis-timeout", "0"}, "-redis-timeout is 0s, want more than 0"},
		{[]string{"-nonsense"}, "flag provided but not defined: -nonsense"},
		{[]string{"60/minute"}, `"60/minute" is no flag`},
	} {
		var said bytes.Buffer
		_, err := parse(c.flags, env, &said)
		if (err == nil) != (c.wrong == "") || !strings.Contains(said.String(), c.wrong) {
			t.Errorf("%q: %v, want an error that says %q; said\n%s", c.flags, err, c.wrong, &said)
		}
	}
	c := must(parse(nil, env, io.Discard))
	if c.rate != algorithms.PerMinute(5) || c.passwordCost != bcrypt.DefaultCost || string(c.secret) != long {
		t.Errorf("defaults: %+v", c)
	}
	noEnv := func(string) string { return "" }
	one, other := must(parse(nil, noEnv, io.Discard)), must(parse(nil, noEnv, io.Discard))
	if len(one.secret) < minSecret || bytes.Equal(one.secret, other.secret) {
		t.Errorf("random secrets: %q, %q", one.secret, other.secret)
	}
}

// TestHelp: -h shows examples and every flag, but no secret.
func TestHelp(t *testing.T) {
	var said bytes.Buffer
	env := func(string) string { return "the secret of the environment" }
	if _, err := parse([]string{"-h"}, env, &said); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("error %v, want flag.ErrHelp", err)
	}
	for _, part := range []string{"apikeys -rate 60/minute", "curl", "-addr", "-rate", "(default 5/minute)", "-redis"} {
		if !strings.Contains(said.String(), part) {
			t.Errorf("-h does not show %q:\n%s", part, &said)
		}
	}
	if strings.Contains(said.String(), env("")) {
		t.Errorf("-h shows the secret:\n%s", &said)
	}
}

// TestServeEndsInOrder: when serve ends, requests that have begun are answered, and no new connection is accepted.
func TestServeEndsInOrder(t *testing.T) {
	begun, ending := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-ending
		_, _ = io.WriteString(w, "done")
	})
	ctx, end := context.WithCancel(t.Context())
	defer end()
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	url := "http://" + listener.Addr().String()
	served, answered := make(chan error, 1), make(chan reply, 1)
	log := logTo("ending", func() { close(ending) })
	server := newServer(handler, log)
	server.ReadHeaderTimeout, server.ReadTimeout = time.Hour, time.Hour // the test may be slower than a client should be
	go func() { served <- serve(ctx, listener, server, log) }()
	go func() { answered <- ask(t, "GET "+url, "", "") }()
	<-begun
	end()
	if got := <-answered; got.body != "done" {
		t.Errorf("answered %+v", got)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("it still listens")
	}
}

// TestRunLeavesNothing: the temporary database is removed when run returns, even if run fails.
func TestRunLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	for flags, wrong := range map[string]string{
		"-addr 127.0.0.1:0": "",
		"-addr nonsense":    "listen tcp: address nonsense: missing port",
		"-redis nonsense":   "-redis: redis: invalid URL scheme",
		"-db " + filepath.Join(dir, "no", "books.db"): "unable to open database file",
	} {
		c := must(parse(strings.Fields(flags), os.Getenv, t.Output()))
		c.passwordCost = bcrypt.MinCost
		ctx, end := context.WithCancel(t.Context())
		err := run(ctx, c, logTo("serving", end))
		end()
		if (err == nil) != (wrong == "") || (err != nil && !strings.Contains(err.Error(), wrong)) {
			t.Errorf("%s: %v, want an error that says %q", flags, err, wrong)
		}
	}
	if left := must(os.ReadDir(dir)); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// logTo returns a logger that calls do when the message is logged.
func logTo(message string, do func()) *slog.Logger {
	return slog.New(hook{slog.DiscardHandler, message, do})
}

type hook struct {
	slog.Handler
	message string
	do      func()
}

func (hook) Enabled(context.Context, slog.Level) bool { return true }

func (h hook) Handle(_ context.Context, r slog.Record) error {
	if r.Message == h.message {
		h.do()
	}
	return nil
}
