package main

import (
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-weir/weir/algorithms/limitertest"
)

// read reads the books n times, and counts the requests that passed and those that were refused.
func read(t *testing.T, url, key string, n int) (passed, refused int) {
	t.Helper()
	for range n {
		switch got := ask(t, "GET "+url+"/books", "Api-Key "+key, ""); got.status {
		case http.StatusOK:
			passed++
		case http.StatusTooManyRequests:
			refused++
		default:
			t.Errorf("status %d: %s", got.status, got.body)
		}
	}
	return passed, refused
}

func wantRead(t *testing.T, url, key string, n, passed int) {
	t.Helper()
	if got, refused := read(t, url, key, n); got != passed || refused != n-passed {
		t.Errorf("of %d requests %d passed and %d were refused, want %d and %d", n, got, refused, passed, n-passed)
	}
}

// TestThrottled: the sixth request in a minute is refused, and its Retry-After is right.
func TestThrottled(t *testing.T) {
	clock := limitertest.NewClock(noon)
	url := start(t, clock)
	key := signUp(t, url, "alice")
	wantRead(t, url, key, 4, 4)
	clock.Advance(time.Second)
	wantRead(t, url, key, 1, 1)
	clock.Advance(43*time.Second + time.Millisecond)
	got := ask(t, "GET "+url+"/books", "Api-Key "+key, "").want(t, 429)
	if want := `{"detail":"Request was throttled. Expected available in 16 seconds."}`; got.body != want {
		t.Errorf("body %s, want %s", got.body, want)
	}
	for field, want := range map[string]string{
		"Content-Type": "application/json", "Retry-After": "16",
		"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "17",
	} {
		if value := got.header.Get(field); value != want {
			t.Errorf("%s: %q, want %q", field, value, want)
		}
	}
	clock.Advance(15 * time.Second)
	got = ask(t, "GET "+url+"/books", "Api-Key "+key, "").want(t, 429)
	if want := "Request was throttled. Expected available in 1 second."; got.Detail != want {
		t.Errorf("detail %q, want %q", got.Detail, want)
	}
	clock.Advance(time.Second)
	wantRead(t, url, key, 5, 4)
}

// TestBurst: of 101 requests at 60 a minute 60 pass, and 41 are refused.
func TestBurst(t *testing.T) {
	url := start(t, limitertest.NewClock(noon), "-rate", "60/minute")
	wantRead(t, url, signUp(t, url, "alice"), 101, 60)
}

// TestOneAllowance: all requests of a user count together, whether the key is in the header or in the URL, and also after
// the key was replaced. Other users have allowances of their own.
func TestOneAllowance(t *testing.T) {
	url := start(t, limitertest.NewClock(noon))
	alice, bob := signUp(t, url, "alice"), signUp(t, url, "bob")
	wantRead(t, url, alice, 2, 2)
	ask(t, "GET "+url+"/books?api_key="+alice, "", "").want(t, 200)
	ask(t, "HEAD "+url+"/books?api_key="+alice, "", "").want(t, 200)

	renewed := ask(t, "POST "+url+"/apikey/regenerate", "Bearer "+logIn(t, url, "alice"), "").want(t, 200).APIKey
	ask(t, "GET "+url+"/books", "Api-Key "+alice, "").want(t, 401)
	ask(t, "GET "+url+"/books?api_key="+alice, "", "").want(t, 401)
	ask(t, "POST "+url+"/books", "Api-Key "+alice, `{"title":"Romola","author":"George Eliot"}`).want(t, 401)
	wantRead(t, url, renewed, 3, 1)
	ask(t, "GET "+url+"/books?api_key="+renewed, "", "").want(t, 429)
	ask(t, "HEAD "+url+"/books?api_key="+renewed, "", "").want(t, 429)

	ask(t, "POST "+url+"/books", "Api-Key "+renewed, `{"title":"Romola","author":"George Eliot"}`).want(t, 201)
	wantRead(t, url, bob, 6, 5)
}

// TestAccountsLimited: the logins and sign-ups of an address share one limit, so that guessing passwords is limited.
func TestAccountsLimited(t *testing.T) {
	clock := limitertest.NewClock(noon)
	url := start(t, clock, "-account-rate", "3/minute")
	signUp(t, url, "alice")
	for range 2 {
		ask(t, "POST "+url+"/token", "", `{"username":"alice","password":"wrong horse"}`).want(t, 401)
	}
	ask(t, "POST "+url+"/token", "", credentials("alice")).want(t, 429)
	ask(t, "POST "+url+"/users", "", credentials("bob")).want(t, 429)
	clock.Advance(time.Minute)
	logIn(t, url, "alice")
}

// askFrom sends a request with the client's address in X-Forwarded-For, as a proxy in front of the service does.
func askFrom(t *testing.T, address, method, url, authorization, body string) (status int) {
	t.Helper()
	r := must(http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body)))
	r.Header.Set("X-Forwarded-For", address)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	response := must(http.DefaultClient.Do(r)) //nolint:bodyclose // closed in the next line
	response.Body.Close()
	return response.StatusCode
}

// TestLoginsLimitedByAccount: guesses of a password from many addresses are limited too, whether the account exists or not.
// Other accounts can log in.
func TestLoginsLimitedByAccount(t *testing.T) {
	url := start(t, limitertest.NewClock(noon), "-account-rate", "3/minute", "-proxies", "1")
	for i, name := range []string{"alice", "bob"} {
		if status := askFrom(t, "192.0.2.7"+strconv.Itoa(i), http.MethodPost, url+"/users", "", credentials(name)); status != 201 {
			t.Fatalf("signing up %s: status %d", name, status)
		}
	}
	for _, name := range []string{"alice", "stranger"} {
		for i, want := range []int{401, 401, 401, 429, 429} {
			guess := `{"username":"` + name + `","password":"guess ` + strconv.Itoa(i) + `"}`
			if status := askFrom(t, "192.0.2."+strconv.Itoa(i), http.MethodPost, url+"/token", "", guess); status != want {
				t.Errorf("guess %d of %s's password, from another address each time: status %d, want %d", i+1, name, status, want)
			}
		}
	}
	if status := askFrom(t, "192.0.2.80", http.MethodPost, url+"/token", "", credentials("bob")); status != 200 {
		t.Errorf("another account: status %d", status)
	}
}

// TestNewKeysLimited: regenerating keys is limited by account and by address. Requests with an invalid token count for
// their address too.
func TestNewKeysLimited(t *testing.T) {
	url := start(t, limitertest.NewClock(noon), "-account-rate", "3/minute", "-proxies", "1")
	if status := askFrom(t, "192.0.2.70", http.MethodPost, url+"/users", "", credentials("alice")); status != 201 {
		t.Fatalf("signing up: status %d", status)
	}
	token := "Bearer " + logIn(t, url, "alice")
	for i, want := range []int{200, 200, 200, 429} {
		if status := askFrom(t, "192.0.2."+strconv.Itoa(i), http.MethodPost, url+"/apikey/regenerate", token, ""); status != want {
			t.Errorf("new key %d of an account, from another address each time: status %d, want %d", i+1, status, want)
		}
	}
	for i, want := range []int{401, 401, 401, 429} {
		if status := askFrom(t, "192.0.2.60", http.MethodPost, url+"/apikey/regenerate", "Bearer "+strconv.Itoa(i), ""); status != want {
			t.Errorf("token %d of an address: status %d, want %d", i+1, status, want)
		}
	}
}

// TestProxies: behind a proxy a client's address is the one that the proxy has written into X-Forwarded-For. Without a
// proxy that field is ignored.
func TestProxies(t *testing.T) {
	for _, c := range []struct{ proxies, clients string }{{"0", "429"}, {"1", "401"}} {
		url := start(t, limitertest.NewClock(noon), "-account-rate", "1/minute", "-proxies", c.proxies)
		var statuses []string
		for _, address := range []string{"192.0.2.1", "192.0.2.2"} {
			statuses = append(statuses, strconv.Itoa(askFrom(t, address, http.MethodPost, url+"/token", "", credentials("x"+address))))
		}
		if statuses[0] != "401" || statuses[1] != c.clients {
			t.Errorf("-proxies %s: two clients are answered %q, want 401 and %s", c.proxies, statuses, c.clients)
		}
	}
}

// TestServersShare: a key has five requests a minute in all servers together.
func TestServersShare(t *testing.T) {
	clock := limitertest.NewClock(noon)
	flags := []string{"-redis", "redis://" + miniredis.RunT(t).Addr(), "-db", filepath.Join(t.TempDir(), "books.db")}
	var urls []string
	for range 4 {
		urls = append(urls, start(t, clock, flags...))
	}
	key := signUp(t, urls[0], "alice")
	var (
		all             sync.WaitGroup
		mu              sync.Mutex
		passed, refused int
	)
	for i := range 40 {
		all.Go(func() {
			p, r := read(t, urls[i%len(urls)], key, 1)
			mu.Lock()
			defer mu.Unlock()
			passed, refused = passed+p, refused+r
		})
	}
	all.Wait()
	if passed != 5 || refused != 35 {
		t.Errorf("%d passed and %d were refused, want 5 and 35", passed, refused)
	}
}

// TestRedisAway: while Redis is away, each process admits its share of the limit. Requests with a wrong key or without one
// are refused as before.
func TestRedisAway(t *testing.T) {
	server := miniredis.RunT(t)
	url := start(t, limitertest.NewClock(noon), "-redis", "redis://"+server.Addr()+"?pool_size=100", "-rate", "6/minute", "-processes", "3")
	key := signUp(t, url, "alice")
	wantRead(t, url, key, 7, 6)
	server.Close()
	wantRead(t, url, key, 3, 2)
	ask(t, "GET "+url+"/books", "Api-Key weir_00", "").want(t, 401)
	ask(t, "GET "+url+"/books", "", "").want(t, 400)
	signUp(t, url, "bob")
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	got := ask(t, "GET "+url+"/books", "Api-Key "+key, "").want(t, 429)
	if limit := got.header.Get("X-RateLimit-Limit"); limit != "6" {
		t.Errorf("with Redis back, the limit is %s, want 6 again", limit)
	}
}

// TestRedisAwayFromTheStart: the service starts without Redis.
func TestRedisAwayFromTheStart(t *testing.T) {
	server := miniredis.RunT(t)
	address := server.Addr()
	server.Close()
	url := start(t, limitertest.NewClock(noon), "-redis", "redis://"+address)
	wantRead(t, url, signUp(t, url, "alice"), 6, 5)
}
