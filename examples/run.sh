#!/usr/bin/env bash
# Installs what is missing, builds the greeter, and calls it over every transport and kind of address, and once with a
# client of stock gRPC. Asks nothing, leaves nothing behind but the build. Can be run again at any time.
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/install_packages.sh

calls=2000
say() { printf '%s\n' "$*"; }
fail() { printf 'examples/run.sh: %s\n' "$*" >&2; exit 1; }

say "[1/4] packages"
install_packages "${build_packages[@]}"

say "[2/4] build in build/release (a few minutes the first time)"
log=$(mktemp)
# Every tenth step of the build, and the whole of it where it fails.
progress() { awk -v log_file="$log" '{ print > log_file } /^\[[0-9]+\/[0-9]+\]/ && ++steps % 10 == 0 { print "      " $1; fflush() }'; }
if ! { cmake --preset release -DUDSRPC_BUILD_TESTS=OFF -DUDSRPC_BUILD_BENCHMARKS=OFF &&
       cmake --build build/release --target greeter_server greeter_client greeter_stock_client; } 2>&1 | progress; then
  tail -n 40 "$log" >&2
  fail "the build failed; its whole output is in $log"
fi
rm -f "$log"
bin=build/release/bin

say "[3/4] the server starts"
directory=$(mktemp -d /tmp/udsrpc.XXXX)
server=
finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$directory"
}
trap finish EXIT
path="unix:$directory/greeter.sock"
abstract="unix-abstract:udsrpc.greeter.$$"
mkfifo "$directory/started"
"$bin/greeter_server" "$path" "$abstract" >"$directory/started" &
server=$!
exec 3<"$directory/started"
for _ in "$path" "$abstract"; do
  read -r -t 30 line <&3 || fail "the server did not start"
  say "      $line"
done

say "[4/4] calls"
report() { printf '      %-30s %-10s  %s\n' "$1" "$2" "$3"; }
for endpoint in "$path" "$abstract"; do
  for transport in grpc seqpacket; do
    reply=$(timeout 120 "$bin/greeter_client" --transport=$transport --calls=$calls "$endpoint") ||
      fail "the call over $transport at $endpoint failed"
    report "$endpoint" "$transport" "$reply"
  done
done
reply=$(timeout 120 "$bin/greeter_stock_client" "$path" $calls) || fail "the call of stock gRPC at $path failed"
report "$path" "stock gRPC" "$reply"

kill -TERM "$server"
wait "$server" || fail "the server did not end well"
server=
exec 3<&-
rm "$directory/started"
left=$(ls -A "$directory")
[ -z "$left" ] || fail "the server left behind: $left"
say "the server has ended and left no socket file"
