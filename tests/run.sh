#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test.
#
#   tests/run.sh [PRESET...]   of CMakePresets.json; default: dev
#
# Asks nothing. Can be run again at any time, and builds only what has changed.
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/install_packages.sh
[ $# -gt 0 ] || set -- dev

install_packages "${build_packages[@]}" "${test_packages[@]}"
case " $* " in *" clang "*) install_packages clang ;; esac
case " $* " in *" tsan "* | *" fuzz "*) install_packages clang libclang-rt-dev ;; esac

mkdir -p build
for preset in "$@"; do
  echo "== $preset: build in build/$preset"
  # The sanitizers are for the libraries and, but for races, the command; benchmarks/run.sh builds the benchmarks.
  examples=ON tools=ON
  case "$preset" in asan | tsan | fuzz) examples=OFF ;; esac
  case "$preset" in tsan) tools=OFF ;; esac
  cmake --preset "$preset" -DUDSRPC_WERROR=ON -DUDSRPC_BUILD_TESTS=ON -DUDSRPC_BUILD_EXAMPLES=$examples \
        -DUDSRPC_BUILD_TOOLS=$tools -DUDSRPC_BUILD_BENCHMARKS=OFF \
        -DUDSRPC_SHARED_TEST_PROCESSES=ON >build/"$preset".configure.log 2>&1 || {
    cat build/"$preset".configure.log >&2
    exit 1
  }
  cmake --build --preset "$preset"
  echo "== $preset: test"
  # One more than there are CPUs, as tests mostly wait.
  ctest --preset "$preset" --parallel "$(($(nproc) + 1))"
done
