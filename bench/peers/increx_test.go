package main

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
)

// TestIncrex: increx sends the documented command, and admits a request if the increment is 1.
func TestIncrex(t *testing.T) {
	var reply redis.IncrEXIntResult
	var asked string
	client := answerer(func(cmd redis.Cmder) error {
		asked = fmt.Sprintln(cmd.Args()...)
		increx, ok := cmd.(*redis.IncrEXIntCmd)
		if !ok {
			return errors.New("another command")
		}
		increx.SetVal(reply)
		return nil
	}).client(t)
	allow, err := increx.Open(&Clients{GoRedis: client}, Setting{Limit: algorithms.Per(10, time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	for answer, want := range map[redis.IncrEXIntResult]bool{
		{Value: 1, AppliedIncrement: 1}:  true,
		{Value: 10, AppliedIncrement: 1}: true,
		{Value: 10, AppliedIncrement: 0}: false,
	} {
		reply = answer
		if allowed, err := allow(t.Context(), "key"); allowed != want || err != nil {
			t.Errorf("%+v: admitted %v, %v", reply, allowed, err)
		}
		if want := "increx key ubound 10 px 60000 enx\n"; asked != want {
			t.Errorf("asked %s, want %s", asked, want)
		}
	}
}
