package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/bcrypt"
)

// keyPrefix begins every API key, so that a leaked one is known as such: scanners look for
// weir_[0-9a-f]{64}.
const keyPrefix = "weir_"

// newAPIKey returns a key of 256 random bits.
func newAPIKey() string {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	return keyPrefix + hex.EncodeToString(random)
}

// hashAPIKey returns what is kept of a key.
//
// One round of SHA-256 is right for it, where a password needs bcrypt: nobody guesses 256 random bits, so
// there is nothing to slow down, and every request pays for the hash. It needs no salt, as no two keys are
// equal, and so the hash is an index: the key is found by it. How long that takes tells of the hash at most,
// and who can't choose a hash's bytes learns nothing from them about a key.
func hashAPIKey(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}

// hintOf returns what is shown of a key later: enough to know it by, too little to guess it.
func hintOf(key string) string {
	return key[:len(keyPrefix)+4] + "..." + key[len(key)-4:]
}

// Bounds of a password in bytes; bcrypt looks at 72.
const minPassword, maxPassword = 8, 72

// passwords hashes passwords, and compares them.
type passwords struct {
	cost  int
	dummy []byte // the hash of a password that nobody knows
}

// newPasswords returns those of a bcrypt cost.
func newPasswords(cost int) (passwords, error) {
	dummy, err := bcrypt.GenerateFromPassword([]byte(rand.Text()), cost)
	return passwords{cost, dummy}, err
}

func (p passwords) hash(password string) ([]byte, error) {
	return bcrypt.GenerateFromPassword([]byte(password), p.cost)
}

// match reports whether the hash is the password's. A nil hash matches none, in the time of any other, which
// therefore doesn't tell who has an account.
//
// bcrypt takes some passwords for equal that aren't: it looks at the first 72 bytes only, and it repeats a password, with a
// NUL behind, until it has 72 bytes. So it takes "x\x00x" for "x". Neither kind is a password of this service.
func (p passwords) match(hash []byte, password string) bool {
	if hash == nil {
		hash = p.dummy
	}
	err := bcrypt.CompareHashAndPassword(hash, []byte(password))
	return err == nil && len(password) <= maxPassword && !strings.Contains(password, "\x00")
}

// tokens issues access tokens, and reads them.
type tokens struct {
	secret []byte
	life   time.Duration
	now    func() time.Time
}

const issuer = "weir-apikeys"

var errInvalidToken = errors.New("invalid token")

// issue returns a token for the user.
func (t tokens) issue(userID string) (string, error) {
	now := t.now()
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer:    issuer,
		Subject:   userID,
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(now.Add(t.life)),
	}).SignedString(t.secret)
}

// userID returns whom the token was issued for. Its error wraps errInvalidToken.
func (t tokens) userID(token string) (string, error) {
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return t.secret, nil },
		// The header of a token is its sender's: it must not choose the method, "none" least of all.
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithExpirationRequired(), jwt.WithIssuer(issuer), jwt.WithTimeFunc(t.now))
	if err != nil {
		return "", fmt.Errorf("%w: %w", errInvalidToken, err)
	}
	return claims.Subject, nil
}
