package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

// manifest has the objects of kubernetes.yaml, by their names.
type manifest struct {
	deployments map[string]*appsv1.Deployment
	services    map[string]*corev1.Service
}

// parseManifest reads a manifest as strictly as an API server with strict validation: unknown fields, fields that are
// given twice, and values of a wrong type are errors.
func parseManifest(text []byte) (m manifest, err error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(appsv1.AddToScheme(scheme), corev1.AddToScheme(scheme)); err != nil {
		return m, err
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	m = manifest{map[string]*appsv1.Deployment{}, map[string]*corev1.Service{}}
	for i, part := range bytes.Split(text, []byte("\n---\n")) {
		object, kind, err := decoder.Decode(part, nil, nil)
		if err != nil {
			return m, fmt.Errorf("part %d: %w", i+1, err)
		}
		switch o := object.(type) {
		case *appsv1.Deployment:
			m.deployments[o.Name] = o
		case *corev1.Service:
			m.services[o.Name] = o
		default:
			return m, fmt.Errorf("part %d: %v is not among what this test knows", i+1, kind)
		}
	}
	return m, nil
}

func readManifest(t *testing.T) manifest {
	t.Helper()
	text, err := os.ReadFile("kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseManifest(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestKubernetes(t *testing.T) {
	m := readManifest(t)
	for name, replicas := range map[string]int32{"replicas": 6, "redis": 1} {
		d, s := m.deployments[name], m.services[name]
		if d == nil || s == nil {
			t.Fatalf("%s: Deployment %v, Service %v, want both", name, d, s)
		}
		if d.Spec.Replicas == nil || *d.Spec.Replicas != replicas {
			t.Errorf("%s: replicas not %d", name, replicas)
		}
		pod := d.Spec.Template
		selects(t, name+": the Deployment", d.Spec.Selector.MatchLabels, pod.Labels)
		selects(t, name+": the Service", s.Spec.Selector, pod.Labels)
		if len(pod.Spec.Containers) != 1 {
			t.Fatalf("%s: %d containers, want 1", name, len(pod.Spec.Containers))
		}
		checkPod(t, name, pod.Spec)
		checkPorts(t, name, &pod.Spec.Containers[0], s)
	}
	if len(m.deployments) != 2 || len(m.services) != 2 {
		t.Errorf("%d Deployments and %d Services, want 2 and 2", len(m.deployments), len(m.services))
	}
	if strategy := m.deployments["redis"].Spec.Strategy.Type; strategy != appsv1.RecreateDeploymentStrategyType {
		t.Errorf("redis: strategy %q would let two run at a time", strategy)
	}
}

// selects checks that a selector isn't empty and matches the pod's labels.
func selects(t *testing.T, what string, selector, labels map[string]string) {
	t.Helper()
	if len(selector) == 0 {
		t.Errorf("%s selects everything", what)
	}
	for name, value := range selector {
		if labels[name] != value {
			t.Errorf("%s selects %s=%s, the pods are %v", what, name, value, labels)
		}
	}
}

// checkPod checks that a pod has probes and resources, and no rights that it doesn't need.
func checkPod(t *testing.T, name string, pod corev1.PodSpec) {
	t.Helper()
	c := pod.Containers[0]
	if c.LivenessProbe == nil || c.ReadinessProbe == nil {
		t.Errorf("%s: a probe is missing", name)
	}
	if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
		t.Errorf("%s: resources %v, want requests for CPU and memory, and a limit for memory", name, c.Resources)
	}
	if of := pod.SecurityContext; of == nil || of.RunAsNonRoot == nil || !*of.RunAsNonRoot || of.RunAsUser == nil || *of.RunAsUser == 0 {
		t.Errorf("%s: the pod may run as root", name)
	}
	of := c.SecurityContext
	if of == nil || of.AllowPrivilegeEscalation == nil || *of.AllowPrivilegeEscalation ||
		of.ReadOnlyRootFilesystem == nil || !*of.ReadOnlyRootFilesystem ||
		of.Capabilities == nil || !slices.Contains(of.Capabilities.Drop, "ALL") {
		t.Errorf("%s: the container's security context is %v", name, of)
	}
}

// checkPorts checks that the ports of the Service and of the probes are ports of the container.
func checkPorts(t *testing.T, name string, c *corev1.Container, s *corev1.Service) {
	t.Helper()
	var named []string
	for _, p := range c.Ports {
		named = append(named, p.Name)
	}
	if len(s.Spec.Ports) == 0 {
		t.Errorf("%s: the Service has no port", name)
	}
	var used []string
	for _, p := range s.Spec.Ports {
		used = append(used, p.TargetPort.StrVal)
	}
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe} {
		switch {
		case probe.HTTPGet != nil:
			used = append(used, probe.HTTPGet.Port.StrVal)
		case probe.TCPSocket != nil:
			used = append(used, probe.TCPSocket.Port.StrVal)
		case probe.Exec == nil:
			t.Errorf("%s: a probe does nothing", name)
		}
	}
	for _, port := range used {
		if !slices.Contains(named, port) {
			t.Errorf("%s: port %q is none of the container's, %q", name, port, named)
		}
	}
}

// TestKubernetesService: the settings of the container are valid. They name the Redis and the port of the manifest, and
// the probes have the paths of the service.
func TestKubernetesService(t *testing.T) {
	m := readManifest(t)
	env := map[string]string{}
	c := m.deployments["replicas"].Spec.Template.Spec.Containers[0]
	for _, v := range c.Env {
		env[v.Name] = v.Value
	}
	s, err := readSettings(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	redis := m.services["redis"]
	if want := fmt.Sprintf("%s:%d", redis.Name, redis.Spec.Ports[0].Port); s.redis.Addr != want {
		t.Errorf("REDIS_URL is %s, the Service is %s", s.redis.Addr, want)
	}
	if want := fmt.Sprint(":", c.Ports[0].ContainerPort); s.listen != want {
		t.Errorf("the service listens on %s, the container's port is %s", s.listen, want)
	}
	if live, ready := c.LivenessProbe.HTTPGet.Path, c.ReadinessProbe.HTTPGet.Path; live != "/healthz" || ready != "/readyz" {
		t.Errorf("probes ask for %s and %s", live, ready)
	}
}

// TestKubernetesStrict: parseManifest returns an error for typical mistakes in a manifest.
func TestKubernetesStrict(t *testing.T) {
	text, err := os.ReadFile("kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, slip := range [][2]string{
		{"readinessProbe:", "readynessProbe:"},                // no such field
		{"readinessProbe:", "readinessprobe:"},                // case matters
		{"  replicas: 6\n", "  replicas: six\n"},              // not a number
		{"  replicas: 6\n", "  replicas: 6\n  replicas: 5\n"}, // the field twice
		{"cpu: 50m", "cpu: 50 m"},                             // not a quantity
		{"apiVersion: apps/v1\n", "apiVersion: apps/v0\n"},    // no such version
		{"      containers:\n", "      container:\n"},         // no such field
	} {
		wrong := bytes.Replace(text, []byte(slip[0]), []byte(slip[1]), 1)
		if _, err := parseManifest(wrong); err == nil || bytes.Equal(wrong, text) {
			t.Errorf("%q instead of %q: no error", slip[1], slip[0])
		} else {
			t.Log(err)
		}
	}
}
