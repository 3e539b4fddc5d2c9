package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-weir/weir/httplimit"
)

// These functions return the credentials of a request.
var (
	keyInHeader = httplimit.Authorization("Api-Key")
	keyInQuery  = httplimit.Query("api_key")
	bearerToken = httplimit.Authorization("Bearer")
)

// The challenges of a 401.
const (
	apiKeyChallenge  = `Api-Key realm="books"`
	tokenChallenge   = `Bearer realm="account"`
	invalidChallenge = `Bearer realm="account", error="invalid_token"`
)

// userContext is the key of the request's user in its context.
type userContext struct{}

// String returns the user's ID. Limits use it as their key, and logs show only the ID.
func (u user) String() string { return u.id }

// userOf returns the user that withKey or withToken has authenticated.
func userOf(r *http.Request) user { return r.Context().Value(userContext{}).(user) }

func withUser(r *http.Request, u user) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), userContext{}, u))
}

// withKey serves only requests with a valid API key. If there are two, the one in the header is used.
func (s *service) withKey(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := keyInHeader(r)
		if key == "" {
			key = keyInQuery(r)
		}
		if key == "" {
			s.fail(w, r, refusal{status: http.StatusBadRequest,
				detail: "An API key is needed: ?api_key=KEY, or the header Authorization: Api-Key KEY."})
			return
		}
		u, err := s.store.userByKey(r.Context(), hashAPIKey(key))
		if errors.Is(err, errNotFound) {
			err = refusal{http.StatusUnauthorized, "The API key is not valid.", apiKeyChallenge}
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, withUser(r, u))
	})
}

// accountContext is the key of the account in the context of a login, as the client has sent it.
type accountContext struct{}

// String returns the name, which limits use as their key.
func (a account) String() string { return a.Username }

// withAccount serves only requests that name an account.
func (s *service) withAccount(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a account
		if err := decode(r, &a); err != nil {
			s.fail(w, r, err)
			return
		}
		if a.Username == "" {
			s.fail(w, r, errWrongLogin) // a limit by name has no key for it
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), accountContext{}, a)))
	})
}

// withToken serves only requests with a valid access token.
func (s *service) withToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, err := s.userOfToken(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, withUser(r, u))
	})
}

func (s *service) userOfToken(r *http.Request) (user, error) {
	token := bearerToken(r)
	if token == "" {
		return user{}, refusal{http.StatusUnauthorized,
			"An access token is needed: the header Authorization: Bearer TOKEN. POST /token gives one.", tokenChallenge}
	}
	id, err := s.tokens.userID(token)
	if err == nil {
		var u user
		if u, err = s.store.userByID(r.Context(), id); err == nil {
			return u, nil
		}
	}
	if errors.Is(err, errInvalidToken) || errors.Is(err, errNotFound) {
		err = refusal{http.StatusUnauthorized,
			"The access token is not valid, or not any more. POST /token gives another.", invalidChallenge}
	}
	return user{}, err
}
