// Package servers gives tests real servers: Redis 7.0, Redis 8.0 and Valkey 8.1, or those of the
// images that REDIS_IMAGE and VALKEY_IMAGE name, such as REDIS_IMAGE=redis:6.0,redis:8.6 and
// VALKEY_IMAGE=valkey/valkey:8.0,valkey/valkey:9.1.
//
// A server is a container wherever a Docker engine of this machine answers, and otherwise a process. Either
// way it listens on a free port of the loopback interface, which is its address for clients and other
// servers alike, leaves nothing on disk and ends with the test, or, if shared, with the test binary:
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
// A test with a server of its own ([Start]) can kill, revive, pause and resume it. [StartShifted] starts a server whose clock the
// test sets, [StartCluster] a cluster, and [StartSentinel] a master with replicas and sentinels. The functions with Run in place of
// Start do the same outside a test.
//
// Without a server a test fails. [Prepare] makes all servers available, by pulling, building or unpacking them. The command
// bench/test calls it before it runs the tests.
//
// A test can also run a program beside its servers: in a container of an image that the test makes ([ImportProgram]), or as a process
// of this machine ([RunHere]). [UnpackPython] unpacks the packages for a program in Python.
//
// Images that are built from Debian's packages have names of their own: redis:7.0 is built as weir.test/redis:7.0-bookworm, which is
// used if redis:7.0 is not available.
//
// Containers share the machine's network, so that their servers are as fast to reach as processes. If the engine has another network, as
// Docker Desktop has in its virtual machine, containers publish their ports on the loopback interface, each under its own number. Then a [Program] can't reach them, and the address of a
// server that was killed accepts connections, but closes them at once. An engine on another machine is not
// used: its containers can't be reached on the loopback interface.
package servers
