package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
)

// defaultListen is the address of service and balancer without LISTEN.
const defaultListen = ":8080"

// settings is the configuration by environment variables.
type settings struct {
	listen  string           // LISTEN
	redis   *redis.Options   // REDIS_URL, such as redis://localhost:6379; required
	rate    algorithms.Limit // RATE, such as 10/minute, which is the default
	proxies int              // TRUSTED_PROXIES: the number of proxies in front of the service; 0 by default
	timeout time.Duration    // TIMEOUT: how long a request waits for Redis, such as 250ms, which is the default
	keys    map[string]bool  // API_KEYS, separated by commas: the keys that have a limit of their own
	name    string           // NAME: the name of the replica in its responses; by default the host's name
}

// readSettings reads the settings. Its error names every invalid one.
func readSettings(getenv func(string) string) (s settings, err error) {
	s.listen = cmp.Or(getenv("LISTEN"), defaultListen)
	var errs []error
	if s.redis, err = redis.ParseURL(getenv("REDIS_URL")); err != nil {
		errs = append(errs, fmt.Errorf("REDIS_URL: %w, want such as redis://localhost:6379", err))
	}
	if s.rate, err = algorithms.ParseLimit(cmp.Or(getenv("RATE"), "10/minute")); err != nil {
		errs = append(errs, fmt.Errorf("RATE: %w", err))
	}
	text := cmp.Or(getenv("TRUSTED_PROXIES"), "0")
	if s.proxies, err = strconv.Atoi(text); err != nil || s.proxies < 0 {
		errs = append(errs, fmt.Errorf("TRUSTED_PROXIES: %q, want a number from 0 on", text))
	}
	if s.timeout, err = time.ParseDuration(cmp.Or(getenv("TIMEOUT"), "250ms")); err != nil || s.timeout <= 0 {
		errs = append(errs, fmt.Errorf("TIMEOUT: %q, want a length of time, such as 250ms", getenv("TIMEOUT")))
	}
	s.keys = map[string]bool{}
	for key := range strings.FieldsFuncSeq(getenv("API_KEYS"), isComma) {
		s.keys[strings.TrimSpace(key)] = true
	}
	if s.name = getenv("NAME"); s.name == "" {
		if s.name, err = os.Hostname(); err != nil {
			errs = append(errs, fmt.Errorf("NAME is not set: %w", err))
		}
	}
	if len(errs) > 0 {
		return settings{}, errors.Join(errs...)
	}
	// Without ContextTimeoutEnabled a call of the client would not end when httplimit gives up.
	s.redis.ContextTimeoutEnabled = true
	s.redis.ReadTimeout, s.redis.WriteTimeout = s.timeout, s.timeout
	s.redis.DialerRetries = 1 // so that the error says "connection refused" instead of "context deadline exceeded"
	return s, nil
}

// readUpstreams reads the addresses of the upstreams.
func readUpstreams(getenv func(string) string) (all []*url.URL, err error) {
	for addr := range strings.FieldsFuncSeq(getenv("UPSTREAMS"), isComma) {
		addr = strings.TrimSpace(addr)
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return nil, fmt.Errorf("UPSTREAMS: %w", err)
		}
		all = append(all, &url.URL{Scheme: "http", Host: addr})
	}
	if len(all) == 0 {
		return nil, errors.New("UPSTREAMS: none, want addresses, such as localhost:8081,localhost:8082")
	}
	return all, nil
}

func isComma(r rune) bool { return r == ',' }
