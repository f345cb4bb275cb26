#!/usr/bin/env bash
# Installs what is missing, builds the examples and runs them: calls the greeter over every transport and kind of
# address, and once with a client of stock gRPC; lets two members chat; has three backends asked at once; prints a file
# that a server has opened; replaces a service by its next version; leaves the host; drains a server while its health is
# watched; follows a call through two servers' logs; and calls from one set of namespaces into another. Asks nothing,
# leaves nothing behind but the build. Can be run again at any time.
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/install_packages.sh

calls=2000
done_steps=0
say() { printf '%s\n' "$*"; }
step() { say "[$((++done_steps))/$(grep -c '^step ' examples/run.sh)] $1"; }
fail() { printf 'examples/run.sh: %s\n' "$*" >&2; exit 1; }

step "packages"
install_packages "${build_packages[@]}"

step "build in build/release (a few minutes the first time)"
log=$(mktemp)
# Every tenth step of the build, and the whole of it where it fails.
progress() { awk -v log_file="$log" '{ print > log_file } /^\[[0-9]+\/[0-9]+\]/ && ++steps % 10 == 0 { print "      " $1; fflush() }'; }
if ! { cmake --preset release -DUDSRPC_BUILD_EXAMPLES=ON -DUDSRPC_BUILD_TOOLS=ON -DUDSRPC_BUILD_TESTS=OFF \
         -DUDSRPC_BUILD_BENCHMARKS=OFF &&
       cmake --build build/release --target greeter_server greeter_client greeter_stock_client \
         chat_server chat_client fanout_backend fanout_server fanout_client files_server files_client \
         tls_server tls_client greeter_service health_server logging_greeter udsrpc_cli; } 2>&1 | progress; then
  tail -n 40 "$log" >&2
  fail "the build failed; its whole output is in $log"
fi
rm -f "$log"
bin=build/release/bin

# The programs that run, by the names that start gives them: their process, and our ends of their input and output.
declare -A process input output
directory=$(mktemp -d /tmp/udsrpc.XXXX)
finish() {
  local name
  for name in "${!process[@]}"; do
    kill "${process[$name]}" 2>/dev/null || true
    wait "${process[$name]}" 2>/dev/null || true
  done
  rm -rf "$directory"
}
trap finish EXIT

# start NAME COMMAND...
start() {
  local name=$1 fd
  shift
  mkfifo "$directory/$name.in" "$directory/$name.out"
  # Without the other programs' pipes, which would not end otherwise.
  (
    for fd in "${input[@]}" "${output[@]}"; do exec {fd}>&-; done
    exec "$@"
  ) <"$directory/$name.in" >"$directory/$name.out" &
  process[$name]=$!
  exec {fd}>"$directory/$name.in"
  input[$name]=$fd
  exec {fd}<"$directory/$name.out"
  output[$name]=$fd
  rm "$directory/$name.in" "$directory/$name.out"
}
# hear NAME: waits for the program's next line, and shows it; it is in $line.
hear() {
  read -r -t 30 -u "${output[$1]}" line || fail "$1 says nothing"
  printf '      %-12s %s\n' "$1" "$line"
}
# expect NAME LINE: waits for the program's next line, and shows it.
expect() {
  local line
  read -r -t 30 -u "${output[$1]}" line || fail "$1 did not say \"$2\""
  [ "$line" = "$2" ] || fail "$1 said \"$line\", not \"$2\""
  printf '      %-12s %s\n' "$1" "$line"
}
# tell NAME LINE
tell() { printf '%s\n' "$2" >&"${input[$1]}"; }
# end NAME [SIGNAL]: ends its input, or sends it the signal, and waits for its end.
end() {
  local fd=${input[$1]} line ended=0
  exec {fd}>&-
  if [ $# -gt 1 ]; then kill -"$2" "${process[$1]}"; fi
  # What it says of all that it did.
  while read -r -t 30 -u "${output[$1]}" line; do printf '      %-12s %s\n' "$1" "$line"; done
  read -r -t 1 -u "${output[$1]}" line || ended=$?
  [ $ended -eq 1 ] || fail "$1 did not end"
  wait "${process[$1]}" || fail "$1 did not end well"
  fd=${output[$1]}
  exec {fd}<&-
  unset "process[$1]" "input[$1]" "output[$1]"
}

step "greeter: one service, called in every way"
path="unix:$directory/greeter.sock"
abstract="unix-abstract:udsrpc.greeter.$$"
start server "$bin/greeter_server" "$path" "$abstract"
expect server "serving $path"
expect server "serving $abstract"
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
end server TERM

step "chat: many members on few threads"
path="unix:$directory/chat.sock"
start server "$bin/chat_server" "$path"
expect server "serving $path"
start alice "$bin/chat_client" --transport=grpc "$path" alice
expect alice "* alice has joined"
start bob "$bin/chat_client" --transport=seqpacket "$path" bob
expect bob "* bob has joined"
expect alice "* bob has joined"
tell alice "hello over gRPC"
expect bob "alice: hello over gRPC"
tell bob "hello over seqpacket"
expect alice "bob: hello over seqpacket"
end bob
expect alice "* bob has left"
end alice
end server TERM

step "fanout: the first two of three backends"
backends=()
for backend in fast:0 medium:300 slow:60000; do
  name=${backend%:*}
  backends+=("unix:$directory/$name.sock")
  start "$name" "$bin/fanout_backend" "unix:$directory/$name.sock" "$name" "${backend#*:}"
  expect "$name" "serving unix:$directory/$name.sock"
done
path="unix:$directory/fanout.sock"
start server "$bin/fanout_server" "$path" "${backends[@]}"
expect server "serving $path"
start client "$bin/fanout_client" --transport=seqpacket --timeout=30s "$path"
for name in fast medium slow; do expect "$name" "$name is asked"; done
expect client "42, says fast"
expect client "42, says medium"
end client
expect fast "fast has answered"
expect medium "medium has answered"
expect slow "slow was cancelled"
for name in server fast medium slow; do end "$name" TERM; done

step "files: an open file instead of its bytes"
path="unix:$directory/files.sock"
mkdir "$directory/root"
echo "hello from an open file" >"$directory/root/hello.txt"
start server "$bin/files_server" "$path" "$directory/root"
expect server "serving $path"
start client "$bin/files_client" "$path" hello.txt
expect client "hello from an open file"
end client
end server TERM
rm -r "$directory/root"

step "systemd: a service, and the next version of it, which takes over"
path="unix:$directory/service.sock"
call() {
  reply=$(timeout 120 "$bin/greeter_client" --transport="$1" "$path") || fail "the call over $1 at $path failed"
  printf '      %-12s %s\n' client "$reply"
}
start old "$bin/greeter_service" "--takeover=$directory/takeover" "$path"
expect old "serving $path"
call grpc
start new "$bin/greeter_service" "--takeover=$directory/takeover" "$path"
expect new "serving $path"
expect old "another process serves now"
call grpc
call seqpacket
end old
end new TERM

step "tls: the same call on this host and beyond it"
path="unix:$directory/tls.sock"
certificates="$directory/certificates"
export no_grpc_proxy=localhost  # whatever proxy the environment names
bash examples/tls/make_certificates.sh "$certificates"
start server "$bin/tls_server" "$certificates" "$path" localhost:0
expect server "serving $path"
hear server
target=${line#serving }
# greet TARGET REPLY [FLAG...]
greet() {
  local target=$1 expected=$2
  shift 2
  reply=$(timeout 120 "$bin/tls_client" "$@" "$certificates" "$target") || fail "the call at $target failed"
  [ "$reply" = "$expected" ] || fail "the reply at $target is \"$reply\", not \"$expected\""
  printf '      %-30s %s\n' "$target" "$reply"
}
greet "$path" "Hello, world! You are user $(id -u) of this host."
greet "$target" "Hello, world! You are unknown here."
greet "$target" "Hello, world! You are client.example." --show_certificate
end server TERM
rm -r "$certificates"

step "health: a server that says that it will end, and drains"
path="unix:$directory/health.sock"
udsrpc() { timeout 120 "$bin/udsrpc" "$@"; }
# health WANTED: what the server says of itself.
health() {
  local state
  state=$(udsrpc health "$path") || true
  [ "$state" = "$1" ] || fail "the server is \"$state\", not $1"
  printf '      %-12s %s\n' health "$state"
}
start waiting "$bin/udsrpc" health "$path" --wait --timeout=1m
start server "$bin/health_server" --grace=2s "$path"
expect server "serving $path"
expect waiting "SERVING"
end waiting
health SERVING
kill -USR1 "${process[server]}"
expect server "maintenance begins"
health NOT_SERVING
kill -USR1 "${process[server]}"
expect server "maintenance ends"
kill -TERM "${process[server]}"
expect server "draining"
reply=$(udsrpc call "$path" helloworld.Greeter/SayHello '{"name": "you"}' --json) || fail "a call within the grace failed"
[ "$reply" = '{"message":"Hello, you!"}' ] || fail "the server said $reply"
printf '      %-12s %s\n' call "$reply"
health NOT_SERVING
end server

step "logging: a call through two servers, its trace, and what they have counted"
front="unix:$directory/front.sock"
back="unix:$directory/back.sock"
start back "$bin/logging_greeter" "$back"
expect back "serving $back"
start front "$bin/logging_greeter" "--next=$back" "$front"
expect front "serving $front"
reply=$(timeout 120 "$bin/greeter_client" --transport=seqpacket "$front") || fail "the call at $front failed"
printf '      %-12s %s\n' client "$reply"
trace=
for logged in "back:served" "front:called" "front:served"; do
  name=${logged%:*}
  read -r -t 30 -u "${output[$name]}" line || fail "$name did not log its call"
  [[ $line =~ ^${logged#*:}\ /helloworld.Greeter/SayHello\ OK\ in\ [0-9]+\ us,\ trace\ ([0-9a-f]{32}) ]] ||
    fail "$name logged \"$line\""
  [ "${trace:=${BASH_REMATCH[1]}}" = "${BASH_REMATCH[1]}" ] || fail "$name logged another trace: \"$line\""
  printf '      %-12s %s\n' "$name" "$line"
done
"$bin/udsrpc" stats "$front" >"$directory/stats" || fail "udsrpc stats failed at $front"
grep -E '^(METHOD|/helloworld.Greeter/SayHello +1 +0 )' "$directory/stats" >"$directory/rows"
[ "$(wc -l <"$directory/rows")" -eq 2 ] || fail "udsrpc stats did not find the call"
sed 's/^/      /' "$directory/rows"
rm "$directory/stats" "$directory/rows"
read -r -t 30 -u "${output[front]}" line || fail "front did not log the call of udsrpc stats"
[[ $line == "served /udsrpc.v1.Introspection/GetStats OK in "* ]] || fail "front logged \"$line\""
end front TERM
end back TERM

step "sidecar: two sets of namespaces, and one directory between them"
shared="$directory/shared"
mkdir "$shared"
inside() { bash examples/sidecar/inside.sh "$shared" "$@"; }
if ! inside true 2>/dev/null; then
  say "      left out: no namespaces can be made here"
else
  start server bash examples/sidecar/inside.sh "$shared" "$bin/greeter_server" unix:/mnt/greeter.sock unix-abstract:greeter
  expect server "serving unix:/mnt/greeter.sock"
  expect server "serving unix-abstract:greeter"
  for transport in grpc seqpacket; do
    reply=$(inside timeout 120 "$bin/greeter_client" --transport=$transport unix:/mnt/greeter.sock) ||
      fail "the call over $transport from other namespaces failed"
    [ "$reply" = "Hello, world!" ] || fail "the reply from other namespaces is \"$reply\""
    printf '      %-12s %s, over %s\n' sidecar "$reply" "$transport"
    if inside timeout 120 "$bin/greeter_client" --transport=$transport unix-abstract:greeter >/dev/null 2>&1; then
      fail "an abstract name is reached from another network namespace"
    fi
  done
  printf '      %-12s %s\n' sidecar "does not reach unix-abstract:greeter, which is of another network namespace"
  end server TERM
fi
rmdir "$shared"

left=$(ls -A "$directory")
[ -z "$left" ] || fail "left behind: $left"
say "all have ended and left no socket file"
