package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/scripts"
)

// The sixth request of an address is denied.
func Example() {
	server, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	defer server.Close()
	server.SetTime(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)) // its clock stands still
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
	defer client.Close()
	// With a connection, and with the script in the server, a decision takes much less than its timeout.
	if err := client.ScriptLoad(context.Background(), scripts.GCRA.Source()).Err(); err != nil {
		panic(err)
	}
	handler, err := limited(client, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
	}))
	if err != nil {
		panic(err)
	}
	for range 6 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 hello
	// 200 hello
	// 200 hello
	// 200 hello
	// 200 hello
	// 429 {"detail":"Request was throttled. Expected available in 12 seconds."}
}
