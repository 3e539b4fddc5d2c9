package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// An account is the name and password of a user.
type account struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

var usernames = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{2,31}$`)

// check returns a refusal if a user can't sign up with this name or password.
func (a account) check() error {
	switch {
	case !usernames.MatchString(a.Username):
		return refusal{status: http.StatusBadRequest,
			detail: "A username has 3 to 32 characters: a-z, 0-9, and after the first also . _ and -."}
	case len(a.Password) < minPassword || len(a.Password) > maxPassword:
		return refusal{status: http.StatusBadRequest,
			detail: fmt.Sprintf("A password has %d to %d bytes.", minPassword, maxPassword)}
	case strings.Contains(a.Password, "\x00"):
		return refusal{status: http.StatusBadRequest, detail: "A password has no NUL character."}
	}
	return nil
}

// A newKey is the response with a new key. The service shows the key only this once.
type newKey struct {
	APIKey    string    `json:"api_key"`
	CreatedAt time.Time `json:"created_at"`
}

func (s *service) makeKey() newKey {
	return newKey{newAPIKey(), s.now().UTC().Truncate(time.Second)}
}

// signUp adds a user, and creates the user's key.
func (s *service) signUp(r *http.Request) (int, any, error) {
	var a account
	if err := decode(r, &a); err != nil {
		return 0, nil, err
	}
	if err := a.check(); err != nil {
		return 0, nil, err
	}
	hash, err := s.passwords.hash(a.Password)
	if err != nil {
		return 0, nil, err
	}
	key := s.makeKey()
	u := user{rand.Text(), a.Username, hash, hintOf(key.APIKey), key.CreatedAt}
	err = s.store.addUser(r.Context(), u, hashAPIKey(key.APIKey))
	if errors.Is(err, errExists) {
		err = refusal{status: http.StatusConflict, detail: "The username is taken."}
	}
	return http.StatusCreated, struct {
		Username string `json:"username"`
		newKey
	}{u.name, key}, err
}

// errWrongLogin doesn't say whether the name or the password is wrong.
var errWrongLogin = refusal{http.StatusUnauthorized, "The username or the password is wrong.", tokenChallenge}

// logIn returns an access token for the name and the password that withAccount has read.
func (s *service) logIn(r *http.Request) (int, any, error) {
	a := r.Context().Value(accountContext{}).(account)
	u, err := s.store.userByName(r.Context(), a.Username)
	if err != nil && !errors.Is(err, errNotFound) {
		return 0, nil, err
	}
	if !s.passwords.match(u.passwordHash, a.Password) {
		return 0, nil, errWrongLogin
	}
	token, err := s.tokens.issue(u.id)
	return http.StatusOK, struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int64  `json:"expires_in"` // seconds
	}{token, "Bearer", int64(s.tokens.life / time.Second)}, err
}

// showKey returns the beginning and the end of the user's key, by which its owner recognizes it.
func (s *service) showKey(r *http.Request) (int, any, error) {
	u := userOf(r)
	return http.StatusOK, struct {
		Hint      string    `json:"hint"`
		CreatedAt time.Time `json:"created_at"`
		Detail    string    `json:"detail"`
	}{u.keyHint, u.keyCreatedAt, "Only a hash of the key is kept, so it can't be shown again. POST /apikey/regenerate makes another."}, nil
}

// regenerateKey replaces the user's key. The old key becomes invalid.
func (s *service) regenerateKey(r *http.Request) (int, any, error) {
	key := s.makeKey()
	err := s.store.replaceKey(r.Context(), userOf(r).id, hashAPIKey(key.APIKey), hintOf(key.APIKey), key.CreatedAt)
	return http.StatusOK, key, err
}
