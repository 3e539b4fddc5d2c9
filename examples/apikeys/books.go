package main

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// pageSize is the number of books in a response.
const pageSize = 100

// listBooks lists the user's books. With ?after=ID it lists those after that ID.
func (s *service) listBooks(r *http.Request) (int, any, error) {
	after := int64(0)
	if text := r.URL.Query().Get("after"); text != "" {
		var err error
		if after, err = strconv.ParseInt(text, 10, 64); err != nil {
			return 0, nil, refusal{status: http.StatusBadRequest, detail: "after is the ID of a book, a whole number."}
		}
	}
	books, err := s.store.booksOf(r.Context(), userOf(r).id, after, pageSize+1)
	if err != nil {
		return 0, nil, err
	}
	page := struct {
		Books []book `json:"books"`
		After int64  `json:"after,omitempty"` // if there are more books: the ID for the next request
	}{Books: books}
	if len(books) > pageSize {
		page.Books = books[:pageSize]
		page.After = books[pageSize-1].ID
	}
	return http.StatusOK, page, nil
}

// addBook adds a book to the user's books.
func (s *service) addBook(r *http.Request) (int, any, error) {
	var b struct {
		Title  string `json:"title"`
		Author string `json:"author"`
	}
	if err := decode(r, &b); err != nil {
		return 0, nil, err
	}
	title, author := strings.TrimSpace(b.Title), strings.TrimSpace(b.Author)
	for _, text := range []string{title, author} {
		if n := utf8.RuneCountInString(text); n < 1 || n > 200 {
			return 0, nil, refusal{status: http.StatusBadRequest, detail: "A book has a title and an author, of 1 to 200 characters each."}
		}
	}
	added, err := s.store.addBook(r.Context(), userOf(r).id,
		book{Title: title, Author: author, CreatedAt: s.now().UTC().Truncate(time.Second)})
	if errors.Is(err, errExists) {
		err = refusal{status: http.StatusConflict, detail: "You have that book already."}
	}
	return http.StatusCreated, added, err
}
