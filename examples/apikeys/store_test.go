package main

import (
	"crypto/rand"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestStoreOfMany: several stores can create one database at the same time, and write to it at the same time.
func TestStoreOfMany(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a b?c%d#.db") // these characters have no special meaning
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			s, err := openStore(t.Context(), file, time.Hour)
			if err != nil {
				t.Errorf("%d: %v", i, err)
				return
			}
			defer s.close()
			u := user{id: strconv.Itoa(i), name: strconv.Itoa(i), passwordHash: []byte("x"), keyCreatedAt: noon}
			if err := s.addUser(t.Context(), u, []byte(u.id)); err != nil {
				t.Errorf("%d: %v", i, err)
			}
			for range 2 {
				if _, err := s.addBook(t.Context(), u.id, book{Title: rand.Text(), Author: "x", CreatedAt: noon}); err != nil {
					t.Errorf("%d: %v", i, err)
				}
			}
			if books, err := s.booksOf(t.Context(), u.id, 0, 10); len(books) != 2 || err != nil {
				t.Errorf("%d: %v, %v, want 2 books", i, books, err)
			}
		})
	}
	all.Wait()
	if names := must(filepath.Glob(filepath.Join(filepath.Dir(file), "*"))); len(names) != 1 || names[0] != file {
		t.Errorf("files %q, want %q", names, file)
	}
}
