package grpclimit

import (
	"context"
	"fmt"
	"net/http"
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
	"github.com/go-weir/weir/internal/gate"
)

// deny tells the hook and the client of a denial, and returns its status.
func (i *Interceptor) deny(call *http.Request, d *gate.Decision, retriable bool) error {
	verdict := httplimit.Verdict{Status: http.StatusTooManyRequests, RetryAfter: d.RetryAfter()}
	quota := &errdetails.QuotaFailure{}
	for n := range d.Parts {
		p := &d.Parts[n]
		if p.State != gate.Denied && p.State != gate.Never {
			continue
		}
		verdict.Denied = append(verdict.Denied, p.Rule.Name)
		if p.State == gate.Denied && p.Result.RetryAfter >= verdict.Result.RetryAfter {
			verdict.Result = p.Result
		}
		quota.Violations = append(quota.Violations, violation(p))
	}
	if i.onDenied != nil {
		i.onDenied(call, verdict)
	}
	wait := verdict.RetryAfter
	i.pushBack(call.Context(), wait, retriable)
	if wait == 0 {
		return refusal(codes.ResourceExhausted, "rate limit exceeded", quota)
	}
	return refusal(codes.ResourceExhausted, fmt.Sprintf("rate limit exceeded, try again in %v", wait), retryInfo(wait), quota)
}

// violation tells of one limiter that denies.
func violation(p *gate.Part) *errdetails.QuotaFailure_Violation {
	v := &errdetails.QuotaFailure_Violation{
		QuotaId:     strings.ToValidUTF8(p.Rule.Name, "\uFFFD"),
		QuotaValue:  p.Result.Limit,
		Description: fmt.Sprintf("limiter %q", p.Rule.Name),
	}
	if limiter, ok := p.Limiter.(interface{ Limit() algorithms.Limit }); ok {
		if limit := limiter.Limit(); limit != (algorithms.Limit{}) {
			v.Description += " admits " + limit.String()
		}
	}
	return v
}

// pushBack tells a client that retries by itself when to, or not to.
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
	// It fails only where the call did not come through a server.
	_ = grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", strconv.FormatInt(ms, 10)))
}

func retryInfo(wait time.Duration) *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(wait)}
}

func refusal(code codes.Code, message string, details ...protoadapt.MessageV1) error {
	s, err := status.New(code, message).WithDetails(details...)
	if err != nil {
		panic(err) // valid text and integers: it can't
	}
	return s.Err()
}
