#!/usr/bin/env bash
# Builds the project beside this script, which is no part of udsrpc, in the ways that the README shows, and runs it:
#
#   tests/consumer/run.sh installed BUILD_DIRECTORY   from what the build installs: CMake's package, and pkg-config
#   tests/consumer/run.sh shared                      from a build of shared libraries, and from its Debian packages
#   tests/consumer/run.sh source                      with the sources: add_subdirectory, and FetchContent
#
# CXX and CMAKE, where they are set, say which to use. Downloads nothing, and leaves nothing behind.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
project=$root/tests/consumer/project
cmake=$(command -v "${CMAKE:-cmake}")
jobs=$(nproc)
work=$(mktemp -d /tmp/udsrpc.consumer.XXXXXX)
trap 'rm -rf "$work"' EXIT

say() { printf '== %s\n' "$*"; }
fail() { printf 'tests/consumer/run.sh: %s\n' "$*" >&2; exit 1; }

# Runs a command, whose output matters only where it fails.
quietly() {
  "$@" >"$work/log" 2>&1 || {
    tail -n 60 "$work/log" >&2
    fail "failed: $*"
  }
}

# The README's commands, here quiet, and quick: what they build is for a few calls.
cmake() {
  case "$1" in
    -S) quietly "$cmake" "$@" "${debug[@]}" ;;
    --build) quietly "$cmake" "$@" -j "$jobs" ;;
    *) quietly "$cmake" "$@" ;;
  esac
}
cpack() { quietly "$(dirname "$cmake")/cpack" "$@"; }
debug=(-G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0
       -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=8)

# The project's programs, each of which serves, calls and checks.
programs=(round_trip round_trip_seqpacket)
# run_programs DIRECTORY: runs those that were built there.
run_programs() {
  local program
  for program in "${programs[@]}"; do
    mkdir "$work/sockets"
    timeout 60 "$1/$program" "$work/sockets" || fail "$1/$program failed"
    [ -z "$(ls "$work/sockets")" ] || fail "$1/$program has left a socket"
    rmdir "$work/sockets"
  done
  if ldd "$1/round_trip_seqpacket" | grep -q libgrpc; then fail "udsrpc::seqpacket has gRPC linked"; fi
}

# build_with_cmake WAY [ARGUMENT...]: the project in $work/build.
build_with_cmake() {
  local way=$1
  shift
  say "$way"
  cmake -S "$project" -B "$work/build" -DWAY="$way" "$@"
  cmake --build "$work/build" --target "${programs[@]}"  # and not all of udsrpc, where it is a part
  run_programs "$work/build"
}

# use_package PREFIX: by find_package.
use_package() {
  build_with_cmake find_package -DCMAKE_PREFIX_PATH="$1"
  rm -rf "$work/build"
}

# use_pkg_config PREFIX: by make.
use_pkg_config() {
  say "pkg-config"
  cp -r "$project" "$work/make"
  quietly env PKG_CONFIG_PATH="$(dirname "$(find "$1" -name udsrpc.pc)")" CXXFLAGS=-O0 \
    make -C "$work/make" -j "$jobs" round_trip round_trip_seqpacket
  LD_LIBRARY_PATH=$(dirname "$(find "$1" -name "libudsrpc.*" | head -n 1)") run_programs "$work/make"
  rm -rf "$work/make"
}

# What find_package says to those without gRPC, and to those who want both libraries in a program.
check_choices() {
  say "which of the two libraries"
  cmake -S "$project" -B "$work/build" -DWAY=without_grpc -DCMAKE_PREFIX_PATH="$1"
  rm -rf "$work/build"
  if "$cmake" -S "$project" -B "$work/build" -DWAY=find_package -DLINK_BOTH=ON "${debug[@]}" \
       -DCMAKE_PREFIX_PATH="$1" >"$work/log" 2>&1; then
    fail "a program may link udsrpc::udsrpc and udsrpc::seqpacket"
  fi
  grep -q UDSRPC_TRANSPORTS "$work/log" || fail "to link both fails for another reason: $(cat "$work/log")"
  rm -rf "$work/build"
}

# Each header of ours is there and compiles alone, by what is installed. Only those named so show gRPC's types.
check_headers() {
  say "headers"
  (cd "$root" && find common/include client/include server/include -name '*.h' -printf '%P\n') | sort >"$work/expected"
  (cd "$1/include" && find . -name '*.h' -printf '%P\n') | sort >"$work/installed"
  diff "$work/expected" "$work/installed" >&2 || fail "not the headers of the source tree are installed"
  if grep -E '#include [<"](grpc|.*\.pb\.h)' -r "$1/include" --exclude='grpc_*.h' >&2; then
    fail "a public header shows what is private"
  fi
  grep -v /internal/ "$work/installed" | xargs -P "$jobs" -I{} sh -c \
    'echo "#include \"{}\"" | "$1" -std=c++20 -fsyntax-only -Wall -Wextra -Werror -I "$2" -x c++ - || {
       echo "{} does not compile alone" >&2; exit 255; }' sh "${CXX:-g++}" "$1/include"
}

# check_relocatable PREFIX PATH...: what finds the libraries, and the libraries' search paths, have none of the paths.
check_relocatable() {
  say "paths"
  local prefix=$1 path expression file
  shift
  for path in "$@"; do
    # By itself, and not within another path: the sources may be in /udsrpc.
    expression="(^|-[IL]|[^A-Za-z0-9_.}])$(sed 's/[][\.*^$+?(){}|]/\\&/g' <<<"$path")([^A-Za-z0-9_.-]|\$)"
    if grep -rE -e "$expression" "$prefix" --include='*.cmake' --include='*.pc' --include='*.h' >&2; then
      fail "what is installed has $path in it"
    fi
    find "$prefix" -type f \( -name '*.so.*' -o -path '*/bin/*' \) | while read -r file; do
      ! readelf -d "$file" | grep -E 'RPATH|RUNPATH' | grep -F "$path" >&2 || fail "$file is found with $path in it"
    done
  done
}

# What two libraries define, a program would have twice. Those with CreateChannel are not for one program.
check_definitions() {
  say "definitions"
  local library
  defined() { nm -D --defined-only "$(find "$1" -name "lib$2.so")" | awk '$2 ~ /[TDBR]/ { print $3 }' | sort -u; }
  defined "$1" udsrpc-core >"$work/core"
  grep -q 6udsrpc "$work/core" || fail "libudsrpc-core.so shows nothing"
  for library in udsrpc udsrpc-seqpacket udsrpc-systemd; do
    [ -n "$(find "$1" -name "lib$library.so")" ] || continue
    defined "$1" "$library" | comm -12 "$work/core" - >"$work/common"
    [ ! -s "$work/common" ] || fail "lib$library.so has what is in libudsrpc-core.so: $(head "$work/common")"
  done
}

ln -s "$root" "$work/udsrpc"
prefix=$work/installed_here
case "${1:-}" in
  installed)
    build=$(cd "$2" && pwd)
    cmake --install "$build" --prefix "$prefix"
    mv "$prefix" "$work/prefix"
    check_relocatable "$work/prefix" "$prefix" "$build" "$root"
    check_headers "$work/prefix"
    check_choices "$work/prefix"
    use_package "$work/prefix"
    use_pkg_config "$work/prefix"
    ;;
  shared)
    say "shared libraries"
    cd "$work"
    # README: install
    cmake -S udsrpc -B build_udsrpc -DBUILD_SHARED_LIBS=ON \
          -DUDSRPC_BUILD_TESTS=OFF -DUDSRPC_BUILD_EXAMPLES=OFF -DUDSRPC_BUILD_BENCHMARKS=OFF
    cmake --build build_udsrpc
    cmake --install build_udsrpc --prefix "$prefix"
    # README: end
    mv "$prefix" "$work/prefix"
    check_relocatable "$work/prefix" "$prefix" "$work/build_udsrpc" "$root"
    check_definitions "$work/prefix"
    use_package "$work/prefix"
    use_pkg_config "$work/prefix"
    say "Debian packages"
    # README: packages
    cmake -S udsrpc -B build_udsrpc -DBUILD_SHARED_LIBS=ON -DCMAKE_INSTALL_PREFIX=/usr
    cmake --build build_udsrpc
    (cd build_udsrpc && cpack -G DEB)
    # README: end
    for package in build_udsrpc/*.deb; do
      dpkg-deb -x "$package" "$work/debian"
      dpkg-deb -f "$package" Package Depends
    done
    use_package "$work/debian/usr"
    ;;
  source)
    # The smaller one, as udsrpc itself is compiled with it.
    programs=(round_trip_seqpacket)
    build_with_cmake add_subdirectory -DUDSRPC_SOURCE="$root"
    build_with_cmake FetchContent -DFETCHCONTENT_SOURCE_DIR_UDSRPC="$root"
    ;;
  *) fail "which way? installed BUILD_DIRECTORY, shared, or source" ;;
esac
echo "all is right"
