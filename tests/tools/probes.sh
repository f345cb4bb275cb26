#!/usr/bin/env bash
# Whether a program has all of udsrpc's static probes, with their arguments: probes.sh PROGRAM
set -euo pipefail
notes=$(readelf -n "$1")
for probe in server_call_start:2 server_call_end:4 client_call_start:2 client_call_end:4; do
  name=${probe%:*}
  arguments=$(printf '%s\n' "$notes" | grep -A 2 "Name: $name\$" | grep -m 1 "Arguments:") || {
    echo "$1 has no probe $name" >&2
    exit 1
  }
  [ "$(printf '%s\n' "$arguments" | grep -o '@' | wc -l)" -eq "${probe#*:}" ] || {
    echo "$1: probe $name has other arguments: $arguments" >&2
    exit 1
  }
done
