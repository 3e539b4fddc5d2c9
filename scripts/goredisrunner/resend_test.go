package goredisrunner_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/scripts/goredisrunner"
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
					var s settings
					if how == "hang" {
						s.readTimeout = 500 * time.Millisecond
					}
					run := goredisrunner.New(connect(t, w, s))
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
					var timeout net.Error
					if how == "hang" && (!errors.As(err, &timeout) || !timeout.Timeout() || errors.Is(err, context.DeadlineExceeded)) {
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

// What the test above would see without the runner: go-redis' own EvalSha runs twice and says
// nothing. If this fails, go-redis has changed its default, or the wire no longer loses replies.
func TestClientAloneResends(t *testing.T) {
	for _, topology := range []string{"single", "cluster", "ring", "failover", "autopipeline"} {
		t.Run(topology, func(t *testing.T) {
			t.Parallel()
			w := newWire(t)
			client := topologies[topology](t, w, settings{})
			if err := client.Eval(t.Context(), count.Source(), []string{"warm"}).Err(); err != nil {
				t.Fatal(err)
			}
			w.once("evalsha", fate{then: "lose"})
			if err := client.EvalSha(t.Context(), count.SHA1(), []string{"key"}).Err(); err != nil {
				t.Error(err)
			}
			if n, _ := w.Get("key"); n != "2" {
				t.Errorf("the script has run %s times; go-redis is expected to resend it", n)
			}
		})
	}
}

// The node a cluster client was sent on to has run the script when its reply is lost.
func TestLostReplyAfterRedirect(t *testing.T) {
	for _, topology := range []string{"cluster", "cluster autopipeline", "full-duplex cluster autopipeline"} {
		for _, redirect := range []string{"MOVED", "ASK"} {
			t.Run(topology+"/"+redirect, func(t *testing.T) {
				t.Parallel()
				w := newWire(t)
				elsewhere := newWireTo(t, w.Miniredis) // another way to the same data
				run := goredisrunner.New(topologies[topology](t, w, settings{}))
				if _, err := run.Run(t.Context(), count, []string{"warm"}, nil); err != nil {
					t.Fatal(err)
				}
				w.decide(func(cmd []string) fate {
					if cmd[0] != "evalsha" {
						return fate{}
					}
					return fate{answer: "-" + redirect + " 12539 " + elsewhere.addr + "\r\n"}
				})
				elsewhere.always("asking", "+OK\r\n")
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
}

// An answer that proves the script has not run is followed where the package comment says so, and
// is the caller's error otherwise. Either way the script runs at most once.
func TestRefusals(t *testing.T) {
	tests := []struct {
		topology, refusal string
		followed          bool
	}{
		{"cluster", "MOVED 12539 ELSEWHERE", true},
		{"cluster", "ASK 12539 ELSEWHERE", true},
		{"cluster", "READONLY You can't write against a read only replica.", true},
		{"cluster", "TRYAGAIN Multiple keys request during rehashing of slot", false},
		{"cluster", "CLUSTERDOWN The cluster is down", false},
		{"cluster", "LOADING Redis is loading the dataset in memory", false},
		{"cluster autopipeline", "MOVED 12539 ELSEWHERE", true},
		{"cluster autopipeline", "LOADING Redis is loading the dataset in memory", false},
		{"cluster autopipeline", "READONLY You can't write against a read only replica.", false},
		{"full-duplex cluster autopipeline", "READONLY You can't write against a read only replica.", false},
		{"full-duplex cluster autopipeline", "LOADING Redis is loading the dataset in memory", false},
		{"full-duplex cluster autopipeline", "MOVED 12539 ELSEWHERE", true},
		{"single", "LOADING Redis is loading the dataset in memory", false},
		{"single", "READONLY You can't write against a read only replica.", false},
		{"ring", "LOADING Redis is loading the dataset in memory", false},
		{"autopipeline", "LOADING Redis is loading the dataset in memory", false},
	}
	for _, test := range tests {
		word, _, _ := strings.Cut(test.refusal, " ")
		t.Run(test.topology+"/"+word, func(t *testing.T) {
			t.Parallel()
			w := newWire(t)
			elsewhere := newWireTo(t, w.Miniredis) // another way to the same data
			refusal := "-" + strings.Replace(test.refusal, "ELSEWHERE", elsewhere.addr, 1) + "\r\n"
			elsewhere.always("asking", "+OK\r\n")
			run := goredisrunner.New(topologies[test.topology](t, w, settings{}))
			if _, err := run.Run(t.Context(), count, []string{"warm"}, nil); err != nil {
				t.Fatal(err)
			}

			w.forget()
			w.once("evalsha", fate{answer: refusal})
			got, err := run.Run(t.Context(), count, []string{"key"}, nil)
			if test.followed {
				if err != nil || !slices.Equal(got, []int64{1}) {
					t.Errorf("Run = %v, %v; want [1]", got, err)
				}
			} else if !redis.HasErrorPrefix(err, word) {
				t.Errorf("Run = %v, %v; want the %s error", got, err, word)
			} else if n := w.count("evalsha"); n != 1 {
				t.Errorf("EVALSHA was sent %d times, want once", n)
			}
			if word == "ASK" && elsewhere.count("asking") != 1 {
				t.Error("the redirected command went out without ASKING")
			}
		})
	}
}

// A connection that is never made is an error, and go-redis' own error.
func TestDialFailure(t *testing.T) {
	refused := errors.New("no route")
	client := closing(t, redis.NewClient(&redis.Options{
		Addr: "nowhere:6379", DialerRetries: 1,
		Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, refused },
	}), nil)
	if _, err := goredisrunner.New(client).Run(t.Context(), count, []string{"key"}, nil); !errors.Is(err, refused) {
		t.Errorf("Run = %v, want the dialer's error", err)
	}
}
