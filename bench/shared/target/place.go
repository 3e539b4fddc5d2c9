package target

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/redis/rueidis"
)

// A Place holds the addresses of a server, of a cluster, or of the sentinels of a server, and how to log in.
type Place struct {
	Network    string   // "tcp" or "unix"
	Addrs      []string // of the server, of some nodes of the cluster, or of the sentinels
	Cluster    bool     // whether the addresses are those of a cluster's nodes
	MasterName string   // the sentinels' name for the master, or "" without sentinels
	Username   string
	Password   string
	DB         int
	TLS        bool
	Unverified bool // whether any certificate is accepted

	ReadTimeout time.Duration // of go-redis clients for a reply, or 0 for their default
}

const wantURL = "want redis://USER:PASSWORD@HOST:PORT/DB, rediss://… or unix://USER:PASSWORD@/PATH; several with commas between for a cluster, ?master_name=NAME for sentinels"

// Parse parses one URL, as go-redis' ParseURL does, or several URLs that are separated by commas. URLs with
// ?master_name=NAME are those of sentinels. URLs don't say whether the servers are a cluster; [Place.Discover] finds that
// out. Errors are one line and contain no password.
func Parse(urls string) (Place, error) {
	var place Place
	for i, text := range strings.Split(urls, ",") {
		one, err := parse(strings.TrimSpace(text))
		if err != nil {
			return Place{}, fmt.Errorf("the URL of the server is wrong: %w; %s", err, wantURL)
		}
		if i == 0 {
			place = one
			continue
		}
		place.Addrs = append(place.Addrs, one.Addrs...)
		one.Addrs = place.Addrs
		if place.log() != one.log() {
			return Place{}, errors.New("the URLs of the servers differ in more than host and port: want the same user, password, database and encryption")
		}
	}
	return place, nil
}

// log returns everything but the addresses of a place, for comparisons.
func (p Place) log() string {
	p.Addrs = nil
	return fmt.Sprint(p)
}

func parse(text string) (Place, error) {
	// A text that can't be parsed may contain a password anywhere, so no error repeats a part of it.
	u, err := url.Parse(text)
	if err != nil {
		return Place{}, errors.New("it is no URL")
	}
	query := u.Query()
	master := query.Get("master_name")
	query.Del("master_name")
	u.RawQuery = query.Encode()
	options, err := redis.ParseURL(u.String())
	if err != nil {
		var parse *url.Error
		if errors.As(err, &parse) {
			err = errors.New("it is no URL")
		}
		return Place{}, err
	}
	return Place{
		Network: options.Network, Addrs: []string{options.Addr}, MasterName: master,
		Username: options.Username, Password: options.Password, DB: options.DB,
		TLS: options.TLSConfig != nil, Unverified: options.TLSConfig != nil && options.TLSConfig.InsecureSkipVerify,
		ReadTimeout: options.ReadTimeout,
	}, nil
}

// Address returns the addresses for an error or a heading. It contains no secret.
func (p Place) Address() string { return strings.Join(p.Addrs, ",") }

// A Dialer opens connections for a client. With a nil Dialer, the client uses its own.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// GoRedis returns a go-redis client for the place with the default options, apart from those of the place.
func (p Place) GoRedis(dial Dialer) redis.UniversalClient {
	return redis.NewUniversalClient(p.universal(dial))
}

// Admin returns a go-redis client for the place that never retries.
func (p Place) Admin() redis.UniversalClient {
	options := p.universal(nil)
	options.ContextTimeoutEnabled = true
	options.DialerRetries = 1
	options.MaxRetries = -1
	return redis.NewUniversalClient(options)
}

func (p Place) universal(dial Dialer) *redis.UniversalOptions {
	logging.Disable() // go-redis would log failed dials to standard error
	return &redis.UniversalOptions{
		Addrs: p.Addrs, IsClusterMode: p.Cluster, MasterName: p.MasterName,
		Username: p.Username, Password: p.Password, DB: p.DB,
		TLSConfig: p.tls(), Dialer: p.dialer(dial), ReadTimeout: p.ReadTimeout,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// dialer returns the function with which a client dials the place, or nil if the client's own suffices.
func (p Place) dialer(dial Dialer) func(ctx context.Context, network, addr string) (net.Conn, error) {
	if dial == nil && p.Network != "unix" {
		return nil
	}
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	return func(ctx context.Context, _, addr string) (net.Conn, error) {
		conn, err := dial(ctx, p.Network, addr)
		if config := p.tls(); err == nil && config != nil {
			if config.ServerName == "" {
				config.ServerName, _, _ = net.SplitHostPort(addr)
			}
			conn = tls.Client(conn, config)
		}
		return conn, err
	}
}

// Rueidis returns the options of a rueidis client for the place. It disables the client-side cache, and otherwise leaves the
// defaults.
func (p Place) Rueidis(dial Dialer) rueidis.ClientOption {
	option := rueidis.ClientOption{
		InitAddress: p.Addrs, Sentinel: rueidis.SentinelOption{MasterSet: p.MasterName},
		ForceSingleClient: !p.Cluster && p.MasterName == "",
		Username:          p.Username, Password: p.Password, SelectDB: p.DB,
		TLSConfig: p.tls(), DisableCache: true,
	}
	if dialer := p.dialer(dial); dialer != nil {
		option.DialCtxFn = func(ctx context.Context, addr string, _ *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return dialer(ctx, p.Network, addr)
		}
	}
	return option
}

func (p Place) tls() *tls.Config {
	if !p.TLS {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: p.Unverified} //nolint:gosec // only if the URL says skip_verify
}

// Discover asks the servers whether they belong to a cluster, until one answers. It returns the place with Cluster set
// accordingly.
func (p Place) Discover(ctx context.Context) (Place, error) {
	if p.MasterName != "" || p.Network == "unix" {
		return p, nil
	}
	var failed []error
	for _, addr := range p.Addrs {
		cluster, err := p.inCluster(ctx, addr)
		if err != nil {
			failed = append(failed, Explain(Place{Addrs: []string{addr}}, compareRights, err))
			continue
		}
		if p.Cluster = cluster; !cluster && len(p.Addrs) > 1 {
			return p, fmt.Errorf("%d servers are named, but %s belongs to no cluster; %s", len(p.Addrs), addr, wantURL)
		}
		return p, nil
	}
	return p, errors.Join(failed...)
}

// inCluster reports whether the server at addr belongs to a cluster. It returns false if INFO fails or doesn't contain the
// answer.
func (p Place) inCluster(ctx context.Context, addr string) (bool, error) {
	p.Addrs = []string{addr}
	client := p.Admin()
	defer client.Close()
	if err := client.Ping(ctx).Err(); err != nil {
		return false, err
	}
	info, _ := client.Info(ctx, "cluster").Result()
	return ParseInfo(info)["cluster_enabled"] == "1", nil
}

// ParseInfo returns the fields of a reply to INFO.
func ParseInfo(info string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(info) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found {
			fields[name] = value
		}
	}
	return fields
}
