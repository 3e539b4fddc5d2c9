// Package servers gives tests real servers: Redis 7.0, Redis 8.0 and Valkey 8.1, or those of the
// images that REDIS_IMAGE and VALKEY_IMAGE name.
//
// A server is a container wherever a Docker engine answers, and otherwise a process of this
// machine, on a free port of the loopback interface. Either way it leaves nothing on disk and ends
// with the test, or, if shared, with the test binary:
//
//	func TestMain(m *testing.M) { servers.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		for _, kind := range servers.All() {
//			t.Run(kind.Name, func(t *testing.T) {
//				srv := servers.Shared(t, kind) // srv.Addr is "127.0.0.1:port"
//			})
//		}
//	}
//
// A test that has a server to itself ([Start]) can kill, revive, pause and resume it. [StartShifted]
// gives it one whose clock it sets, [StartCluster] a cluster, and [StartSentinel] a master with
// replicas and sentinels. Run instead of Start does the same outside a test.
//
// A test that gets no server fails. Getting them all, by pulling, building or unpacking, is the
// work of [Prepare], which the test command in bench/test calls before it runs the tests.
package servers
