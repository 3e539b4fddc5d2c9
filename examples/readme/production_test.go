package readme_test

import (
	"crypto/tls"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
)

func Example_clientOptions() {
	// docs/operating.md
	options := &redis.Options{
		Addr:                  "redis.internal:6379",
		Username:              "limiter",
		Password:              "a long secret",
		TLSConfig:             &tls.Config{MinVersion: tls.VersionTLS12},
		ContextTimeoutEnabled: true, // without it a hung server blocks a connection for ReadTimeout
		DialTimeout:           200 * time.Millisecond,
		DialerRetries:         1, // "connection refused" at once
		ReadTimeout:           time.Second,
		WriteTimeout:          time.Second,
		ConnMaxLifetime:       5 * time.Minute, // follows a DNS name to a new address
	}
	client := redis.NewClient(options)
	// end of docs/operating.md
	defer client.Close()
	fmt.Println(client.Options().Username)
	// Output: limiter
}

func Example_clientOptionsRueidis() {
	// docs/operating.md
	options := rueidis.ClientOption{
		InitAddress:       []string{"redis.internal:6379"},
		Username:          "limiter",
		Password:          "a long secret",
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12},
		AlwaysPipelining:  true, // so that the deadline of one call does not affect others
		DisableCache:      true, // Weir does not need it
		ForceSingleClient: true, // NewClient does not fail if the server is unavailable; not for a cluster or Sentinel
		ConnWriteTimeout:  2 * time.Second,
	}
	options.Dialer.Timeout = 2 * time.Second
	options.Dialer.KeepAlive = time.Second
	// end of docs/operating.md
	fmt.Println(options.Username)
	// Output: limiter
}
