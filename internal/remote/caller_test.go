package remote_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/remote"
	"github.com/go-weir/weir/internal/sentinel"
	"github.com/go-weir/weir/scripts"
)

type nowhere struct{}

func (nowhere) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return nil, nil
}

// keyOf returns the key of a limit on the server.
func keyOf(t interface{ Fatal(args ...any) }, key, identity string, opts ...option.Any) string {
	settings, err := option.Apply(opts)
	if err != nil {
		t.Fatal(err)
	}
	caller, err := remote.New(nowhere{}, settings, identity)
	if err != nil {
		t.Fatal(err)
	}
	return caller.Key(key)
}

func TestKey(t *testing.T) {
	long := strings.Repeat("k", 257)
	sum := sha256.Sum256([]byte(long))
	for _, k := range []struct {
		key, want string
		opts      []option.Any
	}{
		{"alice", "weir:{alice}:gcra:10/1s", nil},
		{"alice", "weir:{alice}:gcra:10/1s:read", []option.Any{option.Name("read")}},
		{"alice", "app:{alice}:gcra:10/1s", []option.Any{option.Prefix("app")}},
		{"alice", ":{alice}:gcra:10/1s", []option.Any{option.Prefix("")}},
		{"a{b}c", "weir:{a{b}c}:gcra:10/1s", nil},
		{"", "weir:-{-}:gcra:10/1s", nil},
		{"}x", "weir:-{-}x}:gcra:10/1s", nil},
		{"\x00\xff", "weir:{\x00\xff}:gcra:10/1s", nil},
		{long[:256], "weir:{" + long[:256] + "}:gcra:10/1s", nil},
		{long, "weir:-#-{" + hex.EncodeToString(sum[:]) + "}:gcra:10/1s", nil},
	} {
		if got := keyOf(t, k.key, "gcra:10/1s", k.opts...); got != k.want {
			t.Errorf("%q: %q, want %q", k.key, got, k.want)
		}
	}
}

func TestNilRunner(t *testing.T) {
	if _, err := remote.New((*scriptsRunner)(nil), option.Settings{}, "gcra:1/1s"); !errors.Is(err, sentinel.ErrNilRunner) {
		t.Errorf("a typed nil: %v, want ErrNilRunner", err)
	}
}

type scriptsRunner struct{ nowhere }

// hashTag returns the part of a key that Redis Cluster hashes, by its specification.
func hashTag(key string) string {
	if _, after, found := strings.Cut(key, "{"); found {
		if tag, _, closed := strings.Cut(after, "}"); closed && tag != "" {
			return tag
		}
	}
	return key
}

// TestKeysNeverMeet: two limits share a key only if they are equal. They share a slot if their KEYs are equal.
func TestKeysNeverMeet(t *testing.T) {
	text := rapid.StringOf(rapid.SampledFrom([]rune("{}:-x"))) // what keys are built with, and a letter
	part := func(banned string) *rapid.Generator[string] {
		return text.Filter(func(s string) bool { return !strings.ContainsAny(s, banned) })
	}
	type limit struct{ prefix, key, identity, name string }
	draw := func(t *rapid.T) (l limit, key string) {
		l = limit{part("{}").Draw(t, "prefix"), text.Draw(t, "key"), rapid.SampledFrom([]string{"gcra:1/1s", "x:1m"}).Draw(t, "identity"), part("}").Draw(t, "name")}
		return l, keyOf(t, l.key, l.identity, option.Prefix(l.prefix), option.Name(l.name))
	}
	rapid.Check(t, func(t *rapid.T) {
		a, keyA := draw(t)
		b, keyB := draw(t)
		if (a == b) != (keyA == keyB) {
			t.Fatalf("%q and %q have the keys %q and %q", a, b, keyA, keyB)
		}
		if a.key == b.key && hashTag(keyA) != hashTag(keyB) {
			t.Fatalf("%q and %q, of one KEY, have different slots", keyA, keyB)
		}
	})
}
