package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestCompose: compose.yaml has six replicas that differ only in their names. The balancer passes requests to all of
// them, and starts when they are healthy.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type service struct {
		Image, Hostname string
		Environment     map[string]string
		DependsOn       map[string]struct{ Condition string } `json:"depends_on"`
		Healthcheck     struct{ Test []string }
	}
	var file struct{ Services map[string]service }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	balancer := file.Services["balancer"]
	upstreams, err := readUpstreams(func(name string) string { return balancer.Environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	var balanced, replicas []string
	for _, u := range upstreams {
		balanced = append(balanced, u.Hostname())
	}
	for name, s := range file.Services {
		if len(s.Healthcheck.Test) == 0 && name != "balancer" {
			t.Errorf("%s has no health check", name)
		}
		if !strings.HasPrefix(name, "replica-") {
			continue
		}
		replicas = append(replicas, name)
		settings, err := readSettings(func(name string) string { return s.Environment[name] })
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s.Hostname != name || s.Image != balancer.Image || settings.redis.Addr != "redis:6379" || settings.proxies != 1 ||
			s.DependsOn["redis"].Condition != "service_healthy" || balancer.DependsOn[name].Condition != "service_healthy" {
			t.Errorf("%s is %+v", name, s)
		}
	}
	slices.Sort(balanced)
	slices.Sort(replicas)
	if len(replicas) != 6 || !slices.Equal(balanced, replicas) {
		t.Errorf("the balancer has %q, the replicas are %q", balanced, replicas)
	}
}
