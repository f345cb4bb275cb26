#!/usr/bin/env bash
# Installs what is missing, builds, and has calls of all kinds made for so long, while servers and clients are killed,
# restarted and taken over; says in the end what came of them. Fails where anything was not as it has to be.
#
#   tests/soak.sh MINUTES [PRESET]   of CMakePresets.json; default: asan
#
# Asks nothing, and leaves nothing behind but the build.
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/install_packages.sh
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  sed -n '5p' "$0" >&2
  exit 2
fi
minutes=$1
preset=${2:-asan}

install_packages "${build_packages[@]}" "${test_packages[@]}"
case "$preset" in clang) install_packages clang ;; tsan) install_packages clang libclang-rt-dev ;; esac

# As tests/run.sh configures them, so that what that has built is not built again.
options=(-DUDSRPC_BUILD_TESTS=ON)
case "$preset" in
  asan | tsan) options+=(-DUDSRPC_WERROR=ON -DUDSRPC_BUILD_EXAMPLES=OFF -DUDSRPC_BUILD_BENCHMARKS=OFF) ;;
esac
mkdir -p build
log=build/"$preset".soak.log
echo "== $preset: build in build/$preset"
if ! { cmake --preset "$preset" "${options[@]}" && cmake --build --preset "$preset" --target soak; } >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  exit 1
fi

export LSAN_OPTIONS="suppressions=$PWD/tests/lsan.supp:print_suppressions=0"
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp"
exec build/"$preset"/tests/reliability/soak --seconds=$((minutes * 60))
