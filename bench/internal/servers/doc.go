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
// A test that has a server to itself ([Start]) can kill, revive, pause and resume it. [StartShifted]
// gives it one whose clock it sets, [StartCluster] a cluster, and [StartSentinel] a master with
// replicas and sentinels. Run instead of Start does the same outside a test.
//
// A test that gets no server fails. Getting them all, by pulling, building or unpacking, is the
// work of [Prepare], which the test command in bench/test calls before it runs the tests.
//
// A program that tests run beside their servers is a container of an image that the test makes ([ImportProgram]), or a
// process of this machine ([RunHere]). [UnpackPython] gets what one in Python needs.
//
// Images that are built of Debian's packages are not called what the official ones are: redis:7.0 is built
// as weir.test/redis:7.0-bookworm, and is used where redis:7.0 is not present.
//
// Containers share the machine's network, so that their servers are as near as processes. Where the engine
// has another one, as that of Docker Desktop in its virtual machine, they publish their ports on the
// loopback interface, each under its own number. Then a [Program] can't reach them, and the address of a
// server that was killed accepts connections, but closes them at once. An engine on another machine is not
// used: its containers can't be reached on the loopback interface.
package servers
