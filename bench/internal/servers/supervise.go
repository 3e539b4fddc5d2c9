package servers

// ended is the line that supervise writes when the server of a directory has ended by itself.
func ended(dir string) string { return "the server in " + dir + " ended" }

// supervise defines a shell function of that name: it runs a server in a directory until the server
// ends by itself, which "ended" then says, and a line (see [ended]). One that ends while there is a file "hold" is started
// again once that is removed. "pid" has the process's id, and nothing while there is none.
//
// The process writes "pid" itself, so that it is there before the server answers, and only then looks
// whether it is to run: who forbids it and then finds no "pid" has come in time. Where there is "end",
// nothing starts any more.
const supervise = `
supervise() {
	dir=$1
	shift
	mkdir -p "$dir"
	: >>"$dir/conf"
	while :; do
		sh -c 'echo $$ >"$0/pid"; [ -e "$0/hold" ] || [ -e "$0/end" ] || exec "$@"' "$dir" "$@" 3<&- &
		server=$!
		wait "$server"
		status=$?
		held=
		[ ! -e "$dir/hold" ] || held=yes
		: >"$dir/pid"
		rm -f "/dev/shm/faketime_shm_$server" "/dev/shm/sem.faketime_sem_$server"
		[ "$held" ] && [ ! -e "$dir/end" ] || break
		while [ -e "$dir/hold" ] && [ ! -e "$dir/end" ]; do sleep 0.02; done
	done
	: >"$dir/ended"
	echo "the server in $dir ended"
	return "$status"
}
`

// The scripts that change what a supervised server does. Each gets its directory, and uses of the
// system hardly more than the shell, as official images may have no more.
const (
	killScript = `
: >"$1/hold"
read -r pid <"$1/pid" || exit 0
kill -9 "$pid" 2>/dev/null
while [ -s "$1/pid" ]; do sleep 0.01; done`

	reviveScript = `
[ ! -e "$1/ended" ] || { echo "the server ended by itself"; exit 1; }
rm -f "$1/hold"`

	// A signal is on its way for a while: /proc, where there is one, says when it has arrived.
	pauseScript = `
read -r pid <"$1/pid" || { echo "the server does not run"; exit 1; }
kill -STOP "$pid" || exit
while read -r stat <"/proc/$pid/stat" && case $stat in *") T "*) false ;; esac; do sleep 0.01; done 2>/dev/null
:`

	resumeScript = `
read -r pid <"$1/pid" || { echo "the server does not run"; exit 1; }
kill -CONT "$pid"`
)
