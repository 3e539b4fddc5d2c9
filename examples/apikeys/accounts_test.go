package main

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/bcrypt"

	"github.com/go-weir/weir/algorithms/limitertest"
)

// TestKeyIsShownOnce: a key has the form that scanners look for, and later only a hint of it is shown.
func TestKeyIsShownOnce(t *testing.T) {
	clock := limitertest.NewClock(noon)
	url := start(t, clock)
	key := signUp(t, url, "alice")
	token := "Bearer " + logIn(t, url, "alice")
	check := func(key, created string) {
		t.Helper()
		if !regexp.MustCompile(`^weir_[0-9a-f]{64}$`).MatchString(key) {
			t.Errorf("key %q", key)
		}
		got := ask(t, "GET "+url+"/apikey", token, "").want(t, http.StatusOK)
		if want := key[:9] + "..." + key[65:]; got.Hint != want || strings.Contains(got.body, key) {
			t.Errorf("hint %q, want %q; body %s", got.Hint, want, got.body)
		}
		if !strings.Contains(got.body, `"created_at":"`+created+`"`) {
			t.Errorf("body %s, want it created at %s", got.body, created)
		}
	}
	check(key, "2025-11-23T12:00:00Z")
	clock.Advance(time.Minute)
	renewed := ask(t, "POST "+url+"/apikey/regenerate", token, "").want(t, http.StatusOK)
	if renewed.APIKey == key {
		t.Error("the new key is the old one")
	}
	if renewed.header.Get("Cache-Control") != "no-store" {
		t.Error("a key may be stored on its way")
	}
	check(renewed.APIKey, "2025-11-23T12:01:00Z")
}

func TestTokenExpires(t *testing.T) {
	clock := limitertest.NewClock(noon)
	url := start(t, clock, "-token-life", "10m")
	signUp(t, url, "alice")
	got := ask(t, "POST "+url+"/token", "", credentials("alice")).want(t, 200)
	if got.ExpiresIn != 600 {
		t.Errorf("expires in %d s, want 600", got.ExpiresIn)
	}
	clock.Advance(10*time.Minute - time.Second)
	ask(t, "GET "+url+"/apikey", "Bearer "+got.AccessToken, "").want(t, 200)
	clock.Advance(time.Second)
	ask(t, "GET "+url+"/apikey", "Bearer "+got.AccessToken, "").want(t, 401)
}

// TestTokenOfAnother: a token is valid in each process with its secret and its user, and is refused by others.
func TestTokenOfAnother(t *testing.T) {
	clock := limitertest.NewClock(noon)
	secret := strings.Repeat("s", 32)
	file := filepath.Join(t.TempDir(), "books.db")
	one := start(t, clock, "-jwt-secret", secret, "-db", file)
	signUp(t, one, "alice")
	token := "Bearer " + logIn(t, one, "alice")
	for _, c := range []struct {
		flags []string
		want  int
	}{
		{[]string{"-jwt-secret", secret, "-db", file}, 200},
		{[]string{"-jwt-secret", secret}, 401},
		{[]string{"-db", file}, 401},
	} {
		if got := ask(t, "GET "+start(t, clock, c.flags...)+"/apikey", token, ""); got.status != c.want {
			t.Errorf("%q: status %d, want %d", c.flags, got.status, c.want)
		}
	}
}

// TestForgedTokens: only tokens that the service has issued are accepted.
func TestForgedTokens(t *testing.T) {
	own := tokens{[]byte(strings.Repeat("s", 32)), time.Minute, func() time.Time { return noon }}
	if id, err := own.userID(must(own.issue("alice"))); id != "alice" || err != nil {
		t.Fatalf("its own token: %q, %v", id, err)
	}
	good := jwt.MapClaims{"iss": issuer, "sub": "alice", "exp": noon.Add(time.Minute).Unix()}
	for what, token := range map[string]string{
		"no signature":     must(jwt.NewWithClaims(jwt.SigningMethodNone, good).SignedString(jwt.UnsafeAllowNoneSignatureType)),
		"another method":   must(jwt.NewWithClaims(jwt.SigningMethodHS512, good).SignedString(own.secret)),
		"another secret":   must(jwt.NewWithClaims(jwt.SigningMethodHS256, good).SignedString([]byte("x"))),
		"no expiry":        must(jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": issuer, "sub": "alice"}).SignedString(own.secret)),
		"another's issuer": must(jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": "x", "sub": "alice", "exp": good["exp"]}).SignedString(own.secret)),
		"no token":         "x",
	} {
		if id, err := own.userID(token); err == nil {
			t.Errorf("%s: taken for %q", what, id)
		}
	}
}

func TestPasswords(t *testing.T) {
	p := must(newPasswords(bcrypt.MinCost))
	longest := strings.Repeat("x", maxPassword)
	hash, short := must(p.hash(longest)), must(p.hash("correct horse"))
	for _, c := range []struct {
		hash     []byte
		password string
		want     bool
	}{
		{hash, longest, true},
		{hash, longest[1:], false},
		{hash, longest + "y", false}, // bcrypt ignores what follows
		{short, "correct horse", true},
		{short, "correct horse\x00correct horse", false}, // bcrypt repeats short passwords
		{short, "correct horse\x00correct horse\x00correct horse", false},
		{short, "correct horse\x00", false},
		{short, "correct horse ", false},
		{short, "Correct horse", false},
		{short, "", false},
		{hash, "", false},
		{nil, "", false},
		{nil, longest, false},
	} {
		if got := p.match(c.hash, c.password); got != c.want {
			t.Errorf("match(%.7s, %d bytes) = %v", c.hash, len(c.password), got)
		}
	}
}

// TestSignUpRace: if many clients sign up with one name at the same time, one of them gets it.
func TestSignUpRace(t *testing.T) {
	url := start(t, limitertest.NewClock(noon), "-account-rate", "1000/s")
	var all sync.WaitGroup
	statuses := make(chan int, 20)
	for range cap(statuses) {
		all.Go(func() { statuses <- ask(t, "POST "+url+"/users", "", credentials("alice")).status })
	}
	all.Wait()
	close(statuses)
	count := map[int]int{}
	for status := range statuses {
		count[status]++
	}
	if count[http.StatusCreated] != 1 || count[http.StatusConflict] != cap(statuses)-1 {
		t.Errorf("statuses %v, want one 201 and 409 for the rest", count)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
