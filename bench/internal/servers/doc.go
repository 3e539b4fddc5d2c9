// Package servers starts real servers for tests: Redis 7.0, Redis 8.0 and Valkey 8.1, or those of the
// images that REDIS_IMAGE and VALKEY_IMAGE name, such as REDIS_IMAGE=redis:6.0,redis:8.6 and
// VALKEY_IMAGE=valkey/valkey:8.0,valkey/valkey:9.1.
//
// A server is a container if this machine has a Docker engine, and otherwise a process. It listens on a free port of the
// loopback interface, which is its address for clients and for other servers. It leaves no files. It ends with the test, or if
// it is shared, with the test binary:
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
// A test that doesn't share its server ([Start]) can kill, revive, pause and resume it. [StartShifted] starts a server whose
// clock the test sets, [StartCluster] a cluster, and [StartSentinel] a master with replicas and sentinels. The functions whose
// names have Run instead of Start do the same outside a test.
//
// If a server isn't available, its tests fail. [Prepare] makes all servers available: it pulls, builds or unpacks them. The
// command bench/test calls it before it runs the tests.
//
// A test can also run another program: in a container of an image that the test makes ([ImportProgram]), or as a process
// of this machine ([RunHere]). [UnpackPython] unpacks the packages for a program in Python.
//
// Images that are built from Debian's packages have special names: redis:7.0 is built as weir.test/redis:7.0-bookworm, which is
// used if redis:7.0 is not available.
//
// Containers share the machine's network, so that their servers are as fast to reach as processes. If the engine has another
// network, such as that of Docker Desktop's virtual machine, containers publish their ports on the loopback interface with the
// same numbers. Then a [Program] can't reach them, and the address of a killed server accepts connections, but closes them at
// once. An engine on another machine is not used, because its containers can't be reached on the loopback interface.
package servers
