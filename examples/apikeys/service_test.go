package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
)

var noon = time.Date(2025, 11, 23, 12, 0, 0, 0, time.UTC)

// start starts the service with these flags and the test's clock, and returns its URL.
func start(t *testing.T, clock *limitertest.Clock, flags ...string) (url string) {
	t.Helper()
	noEnv := func(string) string { return "" }
	// This timeout is long enough for a slow machine.
	c, err := parse(slices.Concat([]string{"-redis-timeout", "1m"}, flags), noEnv, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	c.busy, c.passwordCost, c.now = time.Hour, bcrypt.MinCost, clock.Now
	c.limiters = []algorithms.Option{algorithms.WithClock(clock.Now)}
	a, err := open(t.Context(), c, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.handler)
	t.Cleanup(func() {
		server.Close()
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

// A reply is a response. The exported fields are those of the JSON body.
type reply struct {
	status int
	header http.Header
	body   string

	APIKey      string `json:"api_key"`
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
	Detail      string `json:"detail"`
	Hint        string `json:"hint"`
	Books       []book `json:"books"`
	After       int64  `json:"after"`
}

// ask sends a request, such as "GET http://…/books", with an Authorization field if that isn't "".
func ask(t *testing.T, request, authorization, body string) reply {
	t.Helper()
	method, url, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return reply{}
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return reply{}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
		return reply{}
	}
	got := reply{status: response.StatusCode, header: response.Header, body: string(text)}
	if response.Header.Get("Content-Type") == "application/json" && len(text) > 0 {
		if err := json.Unmarshal(text, &got); err != nil {
			t.Errorf("%s: the body is no JSON: %v\n%s", request, err, text)
		}
	}
	return got
}

func (got reply) want(t *testing.T, status int) reply {
	t.Helper()
	if got.status != status {
		t.Errorf("status %d, want %d; body %s", got.status, status, got.body)
	}
	return got
}

func credentials(username string) string {
	return `{"username":"` + username + `","password":"correct horse"}`
}

// signUp returns the key of a new user.
func signUp(t *testing.T, url, username string) (key string) {
	t.Helper()
	return ask(t, "POST "+url+"/users", "", credentials(username)).want(t, http.StatusCreated).APIKey
}

func logIn(t *testing.T, url, username string) (token string) {
	t.Helper()
	return ask(t, "POST "+url+"/token", "", credentials(username)).want(t, http.StatusOK).AccessToken
}

func TestEndpoints(t *testing.T) {
	url := start(t, limitertest.NewClock(noon), "-rate", "1000/s", "-account-rate", "1000/s")
	key := signUp(t, url, "alice")
	token := logIn(t, url, "alice")
	fill := strings.NewReplacer("{key}", key, "{token}", token)
	long := strings.Repeat("x", 201)
	const (
		needsKey, wrongKey     = "An API key is needed: ?api_key=KEY, or the header Authorization: Api-Key KEY.", "The API key is not valid."
		needsToken, wrongToken = "An access token is needed: the header Authorization: Bearer TOKEN. POST /token gives one.", "The access token is not valid, or not any more. POST /token gives another."
		badName, badPassword   = "A username has 3 to 32 characters: a-z, 0-9, and after the first also . _ and -.", "A password has 8 to 72 bytes."
		badBook, wrongLogin    = "A book has a title and an author, of 1 to 200 characters each.", "The username or the password is wrong."
		badJSON                = "The body is not the JSON wanted: "
	)
	for _, c := range []struct {
		request, authorization, body string
		status                       int
		detail, challenge            string
	}{
		{"POST /users", "", credentials("bob"), 201, "", ""},
		{"POST /users", "", credentials("bob"), 409, "The username is taken.", ""},
		{"POST /users", "", credentials("b"), 400, badName, ""},
		{"POST /users", "", credentials("Robert"), 400, badName, ""},
		{"POST /users", "", credentials("bob\\u0000"), 400, badName, ""},
		{"POST /users", "", `{"username":"carol","password":"short"}`, 400, badPassword, ""},
		{"POST /users", "", `{"username":"carol","password":"` + strings.Repeat("x", 73) + `"}`, 400, badPassword, ""},
		{"POST /users", "", `{"username":"carol"}`, 400, badPassword, ""},
		{"POST /users", "", `{"username":"carol","password":"correct\u0000horse"}`, 400, "A password has no NUL character.", ""},
		{"POST /users", "", `null`, 400, badName, ""},
		{"POST /users", "", ``, 400, badJSON + "it is empty.", ""},
		{"POST /users", "", `{"username":`, 400, badJSON + "unexpected EOF.", ""},
		{"POST /users", "", `[1]`, 400, badJSON + "it is no array.", ""},
		{"POST /users", "", `{"name":"carol"}`, 400, badJSON + `unknown field "name".`, ""},
		{"POST /users", "", credentials("carol") + "{}", 400, badJSON + "something follows the value.", ""},
		{"POST /users", "", credentials("carol") + "}", 400, badJSON + "invalid character '}' looking for beginning of value.", ""},
		{"POST /users", "", `{"username":"` + strings.Repeat("x", maxBody) + `"}`, 413, "The body is too large.", ""},
		{"POST /users", "", credentials("carol") + strings.Repeat(" ", maxBody), 413, "The body is too large.", ""},
		{"GET /users", "", "", 405, "", ""},

		{"POST /token", "", credentials("alice"), 200, "", ""},
		{"POST /token", "", `{"username":"alice","password":"wrong horse"}`, 401, wrongLogin, tokenChallenge},
		{"POST /token", "", credentials("nobody"), 401, wrongLogin, tokenChallenge},
		{"POST /token", "", `{}`, 401, wrongLogin, tokenChallenge},
		{"POST /token", "", `{"username":"alice","password":"correct horse\u0000correct horse"}`, 401, wrongLogin, tokenChallenge},
		{"POST /token", "", credentials("alice\\u0000"), 401, wrongLogin, tokenChallenge},
		{"POST /token", "", credentials("alice "), 401, wrongLogin, tokenChallenge},
		{"POST /token", "", credentials("Alice"), 401, wrongLogin, tokenChallenge},
		{"POST /token", "", `{`, 400, badJSON + "unexpected EOF.", ""},

		{"GET /apikey", "Bearer {token}", "", 200, "", ""},
		{"GET /apikey", "bearer {token}", "", 200, "", ""},
		{"GET /apikey", "", "", 401, needsToken, tokenChallenge},
		{"GET /apikey", "Bearer {token}x", "", 401, wrongToken, invalidChallenge},
		{"GET /apikey", "Bearer {key}", "", 401, wrongToken, invalidChallenge},
		{"GET /apikey", "Api-Key {key}", "", 401, needsToken, tokenChallenge},
		{"POST /apikey/regenerate", "", "", 401, needsToken, tokenChallenge},
		{"POST /apikey/regenerate", "Bearer x", "", 401, wrongToken, invalidChallenge},
		{"GET /apikey/regenerate", "Bearer {token}", "", 405, "", ""},

		{"POST /books", "Api-Key {key}", `{"title":"Middlemarch","author":"George Eliot"}`, 201, "", ""},
		{"POST /books", "Api-Key {key}", `{"title":" Middlemarch ","author":"George Eliot"}`, 409, "You have that book already.", ""},
		{"POST /books?api_key={key}", "", `{"title":"Romola","author":"George Eliot"}`, 201, "", ""},
		{"POST /books", "Api-Key {key}", `{"title":" ","author":"George Eliot"}`, 400, badBook, ""},
		{"POST /books", "Api-Key {key}", `{"title":"` + long + `","author":"x"}`, 400, badBook, ""},
		{"POST /books", "Api-Key {key}", `{"title":1}`, 400, badJSON + "title is no number.", ""},
		{"POST /books", "Api-Key {key}", `{"title":"` + strings.Repeat("x", maxBody) + `"}`, 413, "The body is too large.", ""},
		{"POST /books", "", `{}`, 400, needsKey, ""},
		{"POST /books", "Api-Key weir_00", `{}`, 401, wrongKey, apiKeyChallenge},
		{"GET /books", "Api-Key {key}", "", 200, "", ""},
		{"GET /books", "api-key {key}", "", 200, "", ""},
		{"GET /books?api_key={key}", "", "", 200, "", ""},
		{"GET /books?api_key={key}", "Api-Key weir_00", "", 401, wrongKey, apiKeyChallenge},
		{"GET /books?api_key=weir_00", "Api-Key {key}", "", 200, "", ""},
		{"GET /books", "", "", 400, needsKey, ""},
		{"GET /books?api_key=", "Api-Key ", "", 400, needsKey, ""},
		{"GET /books", "Bearer {token}", "", 400, needsKey, ""},
		{"GET /books?api_key={token}", "", "", 401, wrongKey, apiKeyChallenge},
		{"GET /books?api_key=%27%20OR%201=1%00", "", "", 401, wrongKey, apiKeyChallenge},
		{"GET /books?after=x&api_key={key}", "", "", 400, "after is the ID of a book, a whole number.", ""},
		{"DELETE /books?api_key={key}", "", "", 405, "", ""},
		{"GET /", "", "", 404, "", ""},
	} {
		method, path, _ := strings.Cut(fill.Replace(c.request), " ")
		got := ask(t, method+" "+url+path, fill.Replace(c.authorization), c.body)
		if got.status != c.status || got.header.Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%s, %q, %.60q: status %d, WWW-Authenticate %q, want %d, %q",
				c.request, c.authorization, c.body, got.status, got.header.Get("WWW-Authenticate"), c.status, c.challenge)
		}
		if c.detail != "" && got.body != mustJSON(t, map[string]string{"detail": c.detail})+"\n" {
			t.Errorf("%s, %q, %.60q: body %s, want the detail %q", c.request, c.authorization, c.body, got.body, c.detail)
		}
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestBooks: each user gets only their own books, in pages.
func TestBooks(t *testing.T) {
	url := start(t, limitertest.NewClock(noon))
	alice, bob := signUp(t, url, "alice"), signUp(t, url, "bob")
	if got := ask(t, "GET "+url+"/books", "Api-Key "+alice, "").want(t, 200); got.body != `{"books":[]}`+"\n" {
		t.Errorf("no books: %s", got.body)
	}
	for i := range pageSize + 1 {
		body := mustJSON(t, map[string]string{"title": "Volume " + time.Duration(i).String(), "author": "A. N. Other"})
		ask(t, "POST "+url+"/books", "Api-Key "+alice, body).want(t, 201)
	}
	first := ask(t, "GET "+url+"/books", "Api-Key "+alice, "").want(t, 200)
	if len(first.Books) != pageSize || first.After != first.Books[pageSize-1].ID {
		t.Errorf("first page: %d books, after %d", len(first.Books), first.After)
	}
	if b := first.Books[0]; b.Title != "Volume 0s" || b.Author != "A. N. Other" || !b.CreatedAt.Equal(noon) {
		t.Errorf("first book: %+v", b)
	}
	rest := ask(t, "GET "+url+"/books?after="+mustJSON(t, first.After), "Api-Key "+alice, "").want(t, 200)
	if len(rest.Books) != 1 || rest.Books[0].Title != "Volume 100ns" || rest.After != 0 {
		t.Errorf("last page: %s", rest.body)
	}
	if got := ask(t, "GET "+url+"/books", "Api-Key "+bob, "").want(t, 200); len(got.Books) != 0 {
		t.Errorf("bob has %s", got.body)
	}
}
