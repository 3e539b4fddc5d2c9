package servers

// ended returns the line that supervise writes when the server in a directory has ended by itself.
func ended(dir string) string { return "the server in " + dir + " ended" }

// supervise defines a shell function of that name, which runs a server in a directory. When the server ends by itself, the
// function makes the file "ended" and writes a line (see [ended]). If the server ends while the file "hold" exists, the function
// starts it again after "hold" was removed. The file "pid" contains the process ID, and is empty while no process runs. After
// the file "end" was made, no process is started.
//
// The process writes "pid" before it becomes the server, and then checks for "hold" and "end". So a script that makes one of
// these files and then finds "pid" empty knows that no server will start.
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

// These scripts control a supervised server. Their argument is its directory. They need little more than a shell, because
// official images may have no other programs.
const (
	killScript = `
: >"$1/hold"
read -r pid <"$1/pid" || exit 0
kill -9 "$pid" 2>/dev/null
while [ -s "$1/pid" ]; do sleep 0.01; done`

	reviveScript = `
[ ! -e "$1/ended" ] || { echo "the server ended by itself"; exit 1; }
rm -f "$1/hold"`

	// The signal takes effect after a short time. If the system has /proc, the script waits until the process is stopped.
	pauseScript = `
read -r pid <"$1/pid" || { echo "the server does not run"; exit 1; }
kill -STOP "$pid" || exit
while read -r stat <"/proc/$pid/stat" && case $stat in *") T "*) false ;; esac; do sleep 0.01; done 2>/dev/null
:`

	resumeScript = `
read -r pid <"$1/pid" || { echo "the server does not run"; exit 1; }
kill -CONT "$pid"`
)
