# What .ci/run and .ci/full share. The working directory is the repository's root.

golangci=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
govulncheck=golang.org/x/vuln/cmd/govulncheck@v1.9.0

# step runs a command and prints how long it took.
step() {
  local name=$1 began=$SECONDS
  shift
  echo "== $name"
  "$@"
  echo "   $((SECONDS - began)) s"
}

formatted() {
  local wrong
  wrong=$(gofmt -l .)
  [ -z "$wrong" ] || { echo "gofmt would change: $wrong"; return 1; }
}

# lua checks the scripts. Debian's package lua-check has luacheck.
lua() {
  if ! command -v luacheck >/dev/null; then
    apt-get install -y -q lua-check >/dev/null 2>&1 || { apt-get update -q >/dev/null && apt-get install -y -q lua-check >/dev/null; } ||
      { echo "luacheck is not installed and can't be: install the package lua-check"; return 1; }
  fi
  luacheck -q scripts/*.lua bench/internal/journal/*.lua bench/peers/floors/*.lua
}

# lint runs golangci-lint over all modules, with govet and staticcheck in it. It reads what the compiler has made of
# each package. With -race that is what the tests need, so that little is compiled twice.
lint() {
  local bin
  bin=$(mktemp -d)
  GOBIN=$bin go install "$golangci"
  GOFLAGS="${GOFLAGS:-} -race" "$bin/golangci-lint" run $(go list -m -f '{{.Dir}}/...')
  rm -r "$bin"
}

# vulnerabilities looks for known ones in the code that each module calls. Its database is on the Internet. Where that can't
# be had, it says so, as no other step needs it.
vulnerabilities() {
  local bin dir found
  bin=$(mktemp -d)
  GOBIN=$bin go install "$govulncheck"
  for dir in $(go list -m -f '{{.Dir}}'); do
    if ! found=$("$bin/govulncheck" -C "$dir" -test ./... 2>&1); then
      if grep -q 'fetching vulnerabilities' <<<"$found"; then
        echo "   NOT CHECKED: the database of vulnerabilities can't be had from here: ${found##*: }"
        break
      fi
      echo "$dir: $found"
      return 1
    fi
  done
  rm -r "$bin"
}
