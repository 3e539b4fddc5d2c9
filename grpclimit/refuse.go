package grpclimit

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
)

// deny returns the status of a denial, and sets the trailer that Pushback describes.
func (i *Interceptor) deny(ctx context.Context, d httplimit.Decision, retriable bool) error {
	quota := &errdetails.QuotaFailure{}
	for _, denial := range d.Denials {
		quota.Violations = append(quota.Violations, violation(denial))
	}
	wait := d.RetryAfter
	i.pushBack(ctx, wait, retriable)
	if wait == 0 {
		return refusal(codes.ResourceExhausted, "rate limit exceeded", quota)
	}
	return refusal(codes.ResourceExhausted, "rate limit exceeded, try again in "+wait.String(), retryInfo(wait), quota)
}

// violation describes the denial of one limiter.
func violation(d httplimit.Denial) *errdetails.QuotaFailure_Violation {
	v := &errdetails.QuotaFailure_Violation{
		QuotaId:     strings.ToValidUTF8(d.Limiter, "\uFFFD"),
		QuotaValue:  d.Result.Limit,
		Description: fmt.Sprintf("limiter %q", d.Limiter),
	}
	if d.Limit != (algorithms.Limit{}) {
		v.Description += " admits " + d.Limit.String()
	}
	return v
}

// pushBack tells a client that retries by itself when to retry, or not to.
func (i *Interceptor) pushBack(ctx context.Context, wait time.Duration, retriable bool) {
	if i.pushback == 0 {
		return
	}
	ms := int64(-1)
	deadline, ends := ctx.Deadline()
	inTime := !ends || time.Until(deadline) > wait
	if retriable && wait > 0 && wait <= i.pushback && inTime {
		ms = int64((wait-1)/time.Millisecond) + 1
	}
	// It fails only if the call did not come through a server.
	_ = grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", strconv.FormatInt(ms, 10)))
}

func retryInfo(wait time.Duration) *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(wait)}
}

func refusal(code codes.Code, message string, details ...protoadapt.MessageV1) error {
	s, err := status.New(code, message).WithDetails(details...)
	if err != nil {
		panic(err) // impossible for valid text and integers
	}
	return s.Err()
}
