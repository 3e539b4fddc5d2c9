#!/bin/sh
# Builds the image of the Dockerfile with this machine's Go instead of a container's, so that no other image is
# needed and no registry:
#
#   ./build.sh [NAME]        weir-replicas if no name is given
#
# DOCKER is the command to import it with: docker, or podman.
set -eu
cd "$(dirname "$0")"
name=${1-weir-replicas}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 1' HUP INT TERM

CGO_ENABLED=0 GOOS=linux go build -ldflags '-s -w' -o "$root/replicas" .
chmod 755 "$root/replicas"

# What the Dockerfile says after its last COPY is what there is to say of the image.
settings=$(sed '1,/^COPY --from=/d' Dockerfile)
set --
while read -r setting; do
	set -- "$@" --change "$setting"
done <<END
$settings
END
tar -C "$root" -cf - replicas | ${DOCKER-docker} import "$@" - "$name"
