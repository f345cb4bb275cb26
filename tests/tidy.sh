#!/usr/bin/env bash
# Runs clang-tidy with the project's list of checks (.clang-tidy) over the libraries, the generator and the command.
#
#   tests/tidy.sh [DIRECTORY...]   default: common client server proto tools
#
# Several sources are one to the compiler (a unity build), whose headers are so read once for all of them.
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/install_packages.sh
[ $# -gt 0 ] || set -- common client server proto tools

install_packages "${build_packages[@]}" clang clang-tidy

build=build/tidy
mkdir -p build
cmake --preset clang -B $build -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=8 -DUDSRPC_BUILD_TESTS=OFF \
      -DUDSRPC_BUILD_EXAMPLES=OFF -DUDSRPC_BUILD_BENCHMARKS=OFF >$build.configure.log 2>&1 || {
  cat $build.configure.log >&2
  exit 1
}
# What protoc writes has to be there; nothing else has to be built.
ninja -C $build -t targets rule CUSTOM_COMMAND | grep -E '\.(pb\.cc|pb\.h|inc|h)$' | xargs ninja -C $build >$build.generated.log || {
  cat $build.generated.log >&2
  exit 1
}

directories=$(IFS='|' && echo "$*")
run-clang-tidy -quiet -p $build -j "$(nproc)" -header-filter="$PWD/($directories)/" \
  -checks=-bugprone-suspicious-include "$build/($directories)/.*/Unity/" >$build.log 2>$build.errors || {
  grep -E -A 3 '(warning|error):' $build.log | sort -u >&2
  exit 1
}
echo "clang-tidy: nothing to say of $*"
