#!/usr/bin/env bash
# Has systemd read the example's unit files:
#
#   verify_units.sh UNIT_DIRECTORY PROGRAM
#
# PROGRAM stands in for the one that the units name, which nobody has installed.
set -euo pipefail
units=$(mktemp -d /tmp/udsrpc.XXXX)
trap 'rm -rf "$units"' EXIT
cp "$1"/*.socket "$1"/*.service "$units"
sed -i "s#/usr/local/bin/greeter_service#$2#" "$units"/*.service
said=$(systemd-analyze verify "$units"/*.socket "$units"/*.service 2>&1) || { echo "$said"; exit 1; }
# What it does not know it passes over, and says so.
[ -z "$said" ] || { echo "$said"; exit 1; }
