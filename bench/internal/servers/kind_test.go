package servers

import "testing"

func TestKinds(t *testing.T) {
	tests := []struct {
		program, list string
		want          []Kind
	}{
		{"redis", "", []Kind{
			{"redis-7.0", "redis:7.0", "redis", "7.0"},
			{"redis-8.0", "redis:8.0", "redis", "8.0"},
		}},
		{"valkey", "", []Kind{{"valkey-8.1", "valkey/valkey:8.1", "valkey", "8.1"}}},
		{"redis", "redis:7.4.2-alpine, somewhere:5000/x/redis:8.2,", []Kind{
			{"redis-7.4.2-alpine", "redis:7.4.2-alpine", "redis", "7.4.2"},
			{"redis-8.2", "somewhere:5000/x/redis:8.2", "redis", "8.2"},
		}},
		{"valkey", "valkey", []Kind{{"valkey", "valkey", "valkey", ""}}},
		{"valkey", "valkey/valkey:latest", []Kind{{"valkey-latest", "valkey/valkey:latest", "valkey", ""}}},
		{"redis", "r/redis:v7.0@sha256:0123", []Kind{{"redis-v7.0", "r/redis:v7.0@sha256:0123", "redis", "7.0"}}},
	}
	for _, test := range tests {
		got := kinds(test.program, test.list)
		if len(got) != len(test.want) {
			t.Errorf("kinds(%q, %q) = %v, want %v", test.program, test.list, got, test.want)
			continue
		}
		for i := range got {
			if got[i] != test.want[i] {
				t.Errorf("kinds(%q, %q)[%d] = %+v, want %+v", test.program, test.list, i, got[i], test.want[i])
			}
		}
	}
}

func TestAllFollowsTheEnvironment(t *testing.T) {
	t.Setenv("REDIS_IMAGE", "redis:7.4")
	t.Setenv("VALKEY_IMAGE", "")
	all := All()
	if len(all) != 2 || all[0].Name != "redis-7.4" || all[1].Name != "valkey-8.1" {
		t.Errorf("All() = %+v, want other kinds of Redis, and the default one of Valkey", all)
	}
}

func TestMatches(t *testing.T) {
	tests := []struct {
		kind, version string
		want          bool
	}{
		{"7.0", "7.0.15", true},
		{"7.0", "7.0", true},
		{"7.0", "7.01", false},
		{"7.0", "8.0.2", false},
		{"8", "8.1.1", true},
		{"", "8.1.1", true},
	}
	for _, test := range tests {
		if got := (Kind{version: test.kind}).matches(test.version); got != test.want {
			t.Errorf("kind %q matches %q: %v, want %v", test.kind, test.version, got, test.want)
		}
	}
}

func TestOlderThan(t *testing.T) {
	for version, want := range map[string]bool{"6.0": true, "6": true, "7.0.15": false, "7": false, "10.1": false, "": false} {
		if got := (Kind{version: version}).OlderThan(7); got != want {
			t.Errorf("kind %q is older than 7: %v, want %v", version, got, want)
		}
	}
}

// TestDefaultsCanBeBuilt: a Debian release has each default server, which is built from its packages if no registry answers.
func TestDefaultsCanBeBuilt(t *testing.T) {
	for program, images := range defaults {
		for _, image := range images {
			if k := parse(program, image); k.suite() == "" {
				t.Errorf("no Debian release for %s", k.Name)
			}
		}
	}
}
