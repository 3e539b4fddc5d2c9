package rueidisrunner_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// A reply is lost after the script has run. Whatever the client, and however the reply is lost, the
// caller gets an error and the server has counted one.
func TestLostReplyIsNotResent(t *testing.T) {
	for topology, connect := range topologies {
		for _, command := range []string{"evalsha", "eval"} {
			for _, how := range []string{"lose", "cut", "hang"} {
				if how == "hang" && command == "eval" && topology != "single" {
					continue // takes its time, and tells no more than evalsha
				}
				t.Run(topology+"/"+command+"/"+how, func(t *testing.T) {
					t.Parallel()
					w := newWire(t)
					var timeout time.Duration
					if how == "hang" {
						timeout = 500 * time.Millisecond
					}
					run := rueidisrunner.New(connect(t, w, timeout))
					if _, err := run.Run(t.Context(), count, []string{"warm"}, nil); err != nil {
						t.Fatal(err)
					}
					want := []string{"evalsha"}
					if command == "eval" {
						flush(t, w)
						want = []string{"evalsha", "eval"}
					}
					w.forget()

					w.once(command, fate{then: how})
					got, err := run.Run(t.Context(), count, []string{"key"}, nil)
					if err == nil {
						t.Errorf("Run = %v, want an error", got)
					}
					if how == "hang" && (!errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)) {
						t.Errorf("Run = %v, want a timeout that is not the context's", err)
					}
					if sent := w.scripts(); !slices.Equal(sent, want) {
						t.Errorf("sent %v, want %v", sent, want)
					}
					if n, _ := w.Get("key"); n != "1" {
						t.Errorf("the script has run %s times, want once", n)
					}

					// And the client works on.
					again, err := run.Run(t.Context(), count, []string{"key"}, nil)
					if err != nil || !slices.Equal(again, []int64{2}) {
						t.Errorf("the next Run = %v, %v; want [2]", again, err)
					}
				})
			}
		}
	}
}

// What the test above would see if the commands were marked otherwise: rueidis resends one that is
// marked as retryable, and says nothing.
func TestRetryableIsResent(t *testing.T) {
	for topology, connect := range topologies {
		t.Run(topology, func(t *testing.T) {
			t.Parallel()
			w := newWire(t)
			client := connect(t, w, 0)
			if _, err := rueidisrunner.New(client).Run(t.Context(), count, []string{"warm"}, nil); err != nil {
				t.Fatal(err)
			}
			w.once("evalsha", fate{then: "lose"})
			cmd := client.B().Evalsha().Sha1(count.SHA1()).Numkeys(1).Key("key").Build().ToRetryable()
			if err := client.Do(t.Context(), cmd).Error(); err != nil {
				t.Error(err)
			}
			if n, _ := w.Get("key"); n != "2" {
				t.Errorf("the script has run %s times; rueidis is expected to resend it", n)
			}
		})
	}
}

// The exception that the package comment names, as rueidis has it, and the way around it. If the
// first half fails, rueidis has mended it, and the comment can go.
func TestConnLifetime(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(*rueidis.ClientOption)
		runs string
	}{
		{"pipelining", func(o *rueidis.ClientOption) { o.AlwaysPipelining = true }, "2"},
		{"never pipelining", func(o *rueidis.ClientOption) { o.DisableAutoPipelining = true }, "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWire(t)
			o := single(w)
			o.ConnLifetime = 200 * time.Millisecond
			test.set(&o)
			run := rueidisrunner.New(connect(t, time.Second, o))
			if _, err := run.Run(t.Context(), count, []string{"warm"}, nil); err != nil {
				t.Fatal(err)
			}
			w.once("evalsha", fate{then: "hang"})
			_, err := run.Run(context.Background(), count, []string{"key"}, nil)
			if n, _ := w.Get("key"); n != test.runs || (err == nil) != (n == "2") {
				t.Errorf("the script has run %s times and Run's error is %v", n, err)
			}
		})
	}
}

// The node a client was sent on to has run the script when its reply is lost.
func TestLostReplyAfterRedirect(t *testing.T) {
	for _, test := range redirects {
		t.Run(test.topology+"/"+test.word(), func(t *testing.T) {
			t.Parallel()
			w := newWire(t)
			elsewhere := newWireTo(t, w.Miniredis) // another way to the same data
			run := rueidisrunner.New(topologies[test.topology](t, w, 0))
			if _, err := run.Run(t.Context(), count, []string{"warm"}, nil); err != nil {
				t.Fatal(err)
			}
			w.once("evalsha", fate{answer: test.answer(elsewhere)})
			elsewhere.always("asking", "+OK\r\n")
			elsewhere.always("client", "+OK\r\n")
			elsewhere.once("evalsha", fate{then: "lose"})
			if got, err := run.Run(t.Context(), count, []string{"key"}, nil); err == nil {
				t.Errorf("Run = %v, want an error", got)
			}
			if n := elsewhere.count("evalsha"); n != 1 {
				t.Errorf("EVALSHA was redirected %d times, want once", n)
			}
			if n, _ := w.Get("key"); n != "1" {
				t.Errorf("the script has run %s times, want once", n)
			}
		})
	}
}

type refusal struct{ topology, text string }

func (r refusal) word() string {
	word, _, _ := strings.Cut(r.text, " ")
	return word
}

func (r refusal) answer(elsewhere *wire) string {
	return "-" + strings.Replace(r.text, "ELSEWHERE", elsewhere.addr, 1) + "\r\n"
}

var redirects = []refusal{
	{"cluster", "MOVED 12539 ELSEWHERE"},
	{"cluster", "ASK 12539 ELSEWHERE"},
	{"cluster, always pipelining", "MOVED 12539 ELSEWHERE"},
	{"cluster, always pipelining", "ASK 12539 ELSEWHERE"},
	{"standalone", "REDIRECT ELSEWHERE"},
}

// A redirect, which proves that the script has not run, is followed.
func TestRedirectsAreFollowed(t *testing.T) {
	for _, test := range redirects {
		t.Run(test.topology+"/"+test.word(), func(t *testing.T) {
			t.Parallel()
			w := newWire(t)
			elsewhere := newWireTo(t, w.Miniredis)
			elsewhere.always("asking", "+OK\r\n")
			elsewhere.always("client", "+OK\r\n")
			run := rueidisrunner.New(topologies[test.topology](t, w, 0))
			w.once("evalsha", fate{answer: test.answer(elsewhere)})
			got, err := run.Run(t.Context(), count, []string{"key"}, nil)
			if err != nil || !slices.Equal(got, []int64{1}) {
				t.Errorf("Run = %v, %v; want [1]", got, err)
			}
			if n := elsewhere.count("asking"); (n == 1) != (test.word() == "ASK") {
				t.Errorf("ASKING was sent %d times", n)
			}
		})
	}
}

// Other refusals are the caller's to know, and are not sent again.
func TestRefusals(t *testing.T) {
	for topology, connect := range topologies {
		for _, text := range []string{
			"LOADING Redis is loading the dataset in memory",
			"TRYAGAIN Multiple keys request during rehashing of slot",
			"CLUSTERDOWN The cluster is down",
			"READONLY You can't write against a read only replica.",
		} {
			t.Run(topology+"/"+refusal{text: text}.word(), func(t *testing.T) {
				t.Parallel()
				w := newWire(t)
				run := rueidisrunner.New(connect(t, w, 0))
				w.once("evalsha", fate{answer: "-" + text + "\r\n"})
				_, err := run.Run(t.Context(), count, []string{"key"}, nil)
				var answer *rueidis.RedisError
				if !errors.As(err, &answer) || answer.Error() != text {
					t.Errorf("Run = %v, want the server's answer", err)
				}
				if sent := w.scripts(); !slices.Equal(sent, []string{"evalsha"}) {
					t.Errorf("sent %v, want evalsha once", sent)
				}
			})
		}
	}
}

// A connection that is never made is an error, and the dialer's own.
func TestDialFailure(t *testing.T) {
	w := newWire(t)
	refused := errors.New("no route")
	o := single(w)
	o.DialCtxFn = func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) {
		return nil, refused
	}
	o.DisableCache = true
	client, _ := rueidis.NewClient(o) // with ForceSingleClient there is a client even so
	t.Cleanup(client.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // for a runner that would try on
	defer cancel()
	if _, err := rueidisrunner.New(client).Run(ctx, count, []string{"key"}, nil); !errors.Is(err, refused) {
		t.Errorf("Run = %v, want the dialer's error", err)
	}
}
