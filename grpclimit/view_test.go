package grpclimit_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"reflect"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/grpclimit"
	"github.com/go-weir/weir/httplimit"
)

const method = "/grpc.testing.TestService/EmptyCall"

// viewOf returns the *http.Request of a call that has this context.
func viewOf(t *testing.T, ctx context.Context) (view *http.Request) {
	t.Helper()
	limit := limitOf(stub(admits), httplimit.Key(func(r *http.Request) string {
		view = r
		return "k"
	}))
	handler := func(context.Context, any) (any, error) { return "served", nil }
	if answer, err := limit.Unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: method}, handler); answer != "served" || err != nil {
		t.Fatalf("answer %v, %v", answer, err)
	}
	return view
}

func TestView(t *testing.T) {
	type key struct{}
	from := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4711}
	state := tls.ConnectionState{ServerName: "limits.example"}
	for _, c := range []struct {
		name         string
		ctx          context.Context
		header       http.Header
		host, remote string
		serverName   string // "": no TLS
	}{
		{"nothing known", context.Background(), http.Header{}, "", "", ""},
		{"a peer without an address", peer.NewContext(context.Background(), &peer.Peer{}), http.Header{}, "", "", ""},
		{"plain", peer.NewContext(context.Background(), &peer.Peer{Addr: from, AuthInfo: insecureInfo(t)}), http.Header{}, "", "192.0.2.1:4711", ""},
		{"TLS", peer.NewContext(context.Background(), &peer.Peer{Addr: from, AuthInfo: credentials.TLSInfo{State: state}}), http.Header{}, "", "192.0.2.1:4711", "limits.example"},
		{
			"metadata", metadata.NewIncomingContext(context.Background(), metadata.MD{
				":authority": {"limits.example"}, "x-api-key": {"a", "b"}, "trace_id": {"7"}, "signature-bin": {"\x00\xff"},
			}),
			http.Header{"X-Api-Key": {"a", "b"}, "Trace_id": {"7"}, "Signature-Bin": {"\x00\xff"}}, "limits.example", "", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := viewOf(t, context.WithValue(c.ctx, key{}, "v"))
			if !reflect.DeepEqual(r.Header, c.header) || r.Host != c.host || r.RemoteAddr != c.remote {
				t.Errorf("header %v, host %q, from %q; want %v, %q, %q", r.Header, r.Host, r.RemoteAddr, c.header, c.host, c.remote)
			}
			if r.TLS == nil != (c.serverName == "") || r.TLS != nil && r.TLS.ServerName != c.serverName {
				t.Errorf("TLS %+v, want that of %q", r.TLS, c.serverName)
			}
			if r.Method != http.MethodPost || r.URL.Path != method || r.Pattern != method || r.Context().Value(key{}) != "v" {
				t.Errorf("%s %s, pattern %q, value %v", r.Method, r.URL, r.Pattern, r.Context().Value(key{}))
			}
		})
	}
}

// insecureInfo is gRPC's AuthInfo of a connection without TLS.
func insecureInfo(t *testing.T) credentials.AuthInfo {
	t.Helper()
	_, info, err := insecure.NewCredentials().ServerHandshake(nil)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// TestDefaultKey: without options all calls of an address are counted together.
func TestDefaultKey(t *testing.T) {
	client := serve(t, limitOf(must(gcra.NewLocal(algorithms.PerDay(1)))), nil)
	if err := client.call(context.Background()); err != nil {
		t.Error(err)
	}
	if err := client.talk(context.Background(), 0); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("another method: %v, want it refused", err)
	}
}

// TestKeys: the key functions of httplimit work on real calls.
func TestKeys(t *testing.T) {
	type userKey struct{}
	user := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		return next(context.WithValue(ctx, userKey{}, md.Get("user")[0]), req)
	}
	calls := []metadata.MD{
		metadata.Pairs("user", "alice", "authorization", "Bearer 1", "x-forwarded-for", "9.9.9.9, 203.0.113.1"),
		metadata.Pairs("user", "alice", "authorization", "Bearer 1", "x-forwarded-for", "203.0.113.2"),
		metadata.Pairs("user", "bob", "authorization", "Bearer 2", "x-forwarded-for", "8.8.8.8, 203.0.113.2"),
		metadata.Pairs("user", "carol", "x-forwarded-for", "203.0.113.1"),
	}
	for _, c := range []struct {
		name    string
		opt     grpclimit.Option
		refused [4]bool
	}{
		{"peer", httplimit.Key(httplimit.ClientIP()), [4]bool{false, true, true, true}},
		{"behind a proxy", httplimit.Key(httplimit.ClientIP(httplimit.TrustedProxies(1))), [4]bool{false, false, true, true}},
		{"metadata", httplimit.Key(httplimit.Header("user")), [4]bool{false, true, false, false}},
		{"token", httplimit.Key(httplimit.Hashed(httplimit.Authorization("Bearer"))), [4]bool{false, true, false, false}},
		{"an outer interceptor's value", httplimit.Key(httplimit.ContextValue(userKey{})), [4]bool{false, true, false, false}},
		{"method", httplimit.Key(httplimit.Pattern()), [4]bool{false, true, true, true}},
		{"skipped", httplimit.Skip(func(r *http.Request) bool { return r.URL.Path == method }), [4]bool{}},
		{"another HTTP method", httplimit.Methods(http.MethodGet), [4]bool{}},
		{"free", httplimit.Cost(func(*http.Request) int64 { return 0 }), [4]bool{}},
		{"another limiter", httplimit.LimiterFunc(func(*http.Request) algorithms.Limiter { return stub(admits) }), [4]bool{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			limiter := must(gcra.NewLocal(algorithms.PerDay(1)))
			client := serve(t, limitOf(limiter, c.opt), []grpc.ServerOption{grpc.ChainUnaryInterceptor(user)})
			var refused [4]bool
			for i, md := range calls {
				err := client.call(metadata.NewOutgoingContext(context.Background(), md))
				if refused[i] = status.Code(err) == codes.ResourceExhausted; err != nil && !refused[i] {
					t.Error(err)
				}
			}
			if refused != c.refused {
				t.Errorf("refused %v, want %v", refused, c.refused)
			}
		})
	}
}
