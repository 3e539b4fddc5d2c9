package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-weir/weir/algorithms"
)

// A config is the configuration by flags.
type config struct {
	addr        string
	redisURL    string           // "": an embedded server
	database    string           // a file; "": one that is removed at the end
	rate        algorithms.Limit // of reading books, for each key
	accountRate algorithms.Limit // of signing up, logging in and new keys, for each client address and each account
	processes   int64            // of this service on one Redis
	timeout     time.Duration    // of a decision of Redis
	proxies     int              // between the clients and this process
	secret      []byte           // that signs access tokens
	tokenLife   time.Duration

	// Tests change these.
	busy         time.Duration       // how long a statement waits while others use the database
	passwordCost int                 // bcrypt's
	now          func() time.Time    // for tokens, and for the times of users, keys and books
	limiters     []algorithms.Option // of all limiters
}

// minSecret is the least length of a secret for HS256 in bytes, by RFC 7518.
const minSecret = 32

// parse reads the command line. It writes errors and the help to w.
func parse(args []string, getenv func(string) string, w io.Writer) (config, error) {
	c := config{busy: 10 * time.Second, passwordCost: bcrypt.DefaultCost, now: time.Now}
	flags := flag.NewFlagSet("apikeys", flag.ContinueOnError)
	flags.SetOutput(w)
	flags.Usage = func() {
		fmt.Fprint(w, help)
		flags.PrintDefaults()
	}
	flags.StringVar(&c.addr, "addr", "localhost:8080", "where to listen")
	flags.StringVar(&c.redisURL, "redis", "", "the server's `URL`; an embedded one if empty")
	flags.StringVar(&c.database, "db", "", "the `file` of the SQLite database; one that is removed at the end if empty")
	flags.TextVar(&c.rate, "rate", algorithms.PerMinute(5), "the `limit` of reading books, for each API key")
	flags.TextVar(&c.accountRate, "account-rate", algorithms.PerMinute(10), "the `limit` of signing up, logging in and regenerating keys, for each client address, and for each account")
	flags.Int64Var(&c.processes, "processes", 1, "how many processes of this service share the Redis: while it is away, each admits its share of the limits")
	flags.DurationVar(&c.timeout, "redis-timeout", 250*time.Millisecond, "how long Redis may take to decide; then it counts as away")
	flags.IntVar(&c.proxies, "proxies", 0, "how many reverse proxies stand in front and write X-Forwarded-For")
	flags.DurationVar(&c.tokenLife, "token-life", 15*time.Minute, "how long an access token is good for")
	secret := flags.String("jwt-secret", "", "the `secret` that signs access tokens, at least 32 bytes; else $JWT_SECRET, which no list of processes shows; else a random one")
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	if *secret == "" {
		*secret = getenv("JWT_SECRET")
	}
	if *secret == "" {
		*secret = rand.Text() + rand.Text()
	}
	c.secret = []byte(*secret)
	if err := c.check(flags.Args()); err != nil {
		fmt.Fprintf(w, "apikeys: %v (-h tells more)\n", err)
		return config{}, err
	}
	return c, nil
}

func (c config) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q is no flag", rest[0])
	case len(c.secret) < minSecret:
		return fmt.Errorf("the JWT secret has %d bytes, want at least %d", len(c.secret), minSecret)
	case c.database == ":memory:":
		return errors.New("-db :memory: would be a database for each connection, leave it out for one that goes with the process")
	case c.processes < 1:
		return fmt.Errorf("-processes is %d, want at least 1", c.processes)
	case c.timeout <= 0:
		return fmt.Errorf("-redis-timeout is %v, want more than 0", c.timeout)
	case c.proxies < 0:
		return fmt.Errorf("-proxies is %d, want 0 or more", c.proxies)
	case c.tokenLife < time.Second:
		return fmt.Errorf("-token-life is %v, want at least 1s", c.tokenLife)
	}
	return nil
}
