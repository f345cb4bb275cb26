#!/usr/bin/env bash
# Measures udsrpc beside other RPC systems: installs what is missing, builds, runs, and prints a table.
#
#   benchmarks/run.sh [--quick] [--check] [--json FILE] [--plot FILE.svg] [--systems A,B] [--workloads A,B]
#
# --quick: within 4 minutes, without the build. --check: ends with 3 where a target is missed (suite/targets.py).
# Asks nothing. Wants the machine for itself while it measures.
set -euo pipefail
here=$(pwd)
cd "$(dirname "$0")/.."
. cmake/install_packages.sh

peer_packages=(capnproto libcapnp-dev libthrift-dev thrift-compiler libboost-dev libzmq3-dev cppzmq-dev)
install_packages "${build_packages[@]}" "${peer_packages[@]}" libbenchmark-dev python3

mkdir -p build
echo "== build in build/release" >&2
cmake --preset release -DUDSRPC_BUILD_TESTS=OFF -DUDSRPC_BUILD_BENCHMARKS=ON -DUDSRPC_BENCHMARK_PEERS=ON >build/release.configure.log 2>&1 || {
  cat build/release.configure.log >&2
  exit 1
}
cmake --build --preset release --target bench_all >&2

root=$(pwd)
cd "$here" # what FILE is relative to
exec python3 -B "$root/benchmarks/suite/run.py" --programs "$root/build/release/benchmarks/suite" "$@"
