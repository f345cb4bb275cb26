#!/usr/bin/env bash
# inside.sh DIRECTORY COMMAND...: runs the command as in a container: with a network, mounts, a host name and an IPC
# namespace of its own, and DIRECTORY at /mnt. Needs root, or a kernel that lets users make namespaces.
set -euo pipefail
as_user=()
[ "$(id -u)" -eq 0 ] || as_user=(--map-root-user)
exec unshare "${as_user[@]}" --net --mount --ipc --uts sh -c 'mount --bind "$1" /mnt && shift && exec "$@"' sh "$@"
