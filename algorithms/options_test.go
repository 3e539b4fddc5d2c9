package algorithms_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
)

func settings(t testing.TB, algorithm string, opts ...algorithms.Option) algorithms.Settings {
	t.Helper()
	s, err := algorithms.NewSettings(algorithm, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKey(t *testing.T) {
	for _, k := range []struct {
		key, want string
		opts      []algorithms.Option
	}{
		{"alice", "weir:{alice}:gcra", nil},
		{"alice", "weir:{alice}:gcra:read", []algorithms.Option{algorithms.WithName("read")}},
		{"alice", "app:{alice}:gcra", []algorithms.Option{algorithms.WithPrefix("app")}},
		{"alice", ":{alice}:gcra", []algorithms.Option{algorithms.WithPrefix("")}},
		{"a{b}c", "weir:{a{b}c}:gcra", nil},
		{"", "weir:-{-}:gcra", nil},
		{"}x", "weir:-{-}x}:gcra", nil},
		{"\x00\xff", "weir:{\x00\xff}:gcra", nil},
	} {
		if got := settings(t, "gcra", k.opts...).Key(k.key); got != k.want {
			t.Errorf("%q: %q, want %q", k.key, got, k.want)
		}
	}
}

// hashTag is what Redis Cluster hashes of a key, by its specification.
func hashTag(key string) string {
	if _, after, found := strings.Cut(key, "{"); found {
		if tag, _, closed := strings.Cut(after, "}"); closed && tag != "" {
			return tag
		}
	}
	return key
}

// TestKeysNeverMeet: two limits share a key only if they are the same, and a slot if their KEY is.
func TestKeysNeverMeet(t *testing.T) {
	text := rapid.StringOf(rapid.SampledFrom([]rune("{}:-x"))) // what keys are built with, and a letter
	part := func(banned string) *rapid.Generator[string] {
		return text.Filter(func(s string) bool { return !strings.ContainsAny(s, banned) })
	}
	type limit struct{ prefix, key, algorithm, name string }
	draw := func(t *rapid.T) (l limit, key string) {
		l = limit{part("{}").Draw(t, "prefix"), text.Draw(t, "key"), rapid.SampledFrom([]string{"gcra", "x"}).Draw(t, "algorithm"), part("}").Draw(t, "name")}
		s, err := algorithms.NewSettings(l.algorithm, algorithms.WithPrefix(l.prefix), algorithms.WithName(l.name))
		if err != nil {
			t.Fatal(err)
		}
		return l, s.Key(l.key)
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
