#!/usr/bin/env bash
# Measures which lines the tests run, and says which of the wire's and the connections' they do not.
#
#   tests/coverage.sh [--least PERCENT] [CTEST ARGUMENT...]
#
# Builds the preset coverage (GCC, not optimized), runs the tests (with ctest's arguments, such as -R conformance), and
# prints a table of all libraries, then each line of the wire, of streams, sockets and connections that no test has run.
# build/coverage/report/ has a page a file. Ends with 2 where those have been run to less than PERCENT (95), else with 1
# where a test has failed. What ends by a signal does not count.
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/install_packages.sh
least=95
if [ "${1:-}" = --least ]; then
  least=$2
  shift 2
fi

install_packages "${build_packages[@]}" "${test_packages[@]}" gcovr

build=build/coverage
mkdir -p $build
cmake --preset coverage -DUDSRPC_BUILD_EXAMPLES=OFF -DUDSRPC_BUILD_BENCHMARKS=OFF -DUDSRPC_SHARED_TEST_PROCESSES=ON \
      >$build.configure.log 2>&1 || {
  cat $build.configure.log >&2
  exit 1
}
cmake --build --preset coverage
find $build -name '*.gcda' -delete
passed=yes
ctest --test-dir $build --parallel "$(nproc)" --timeout 600 -E consumer --output-on-failure "$@" || passed=

# The core: what a peer's bytes go through.
core=(--filter 'common/src/(wire|stream|socket)/' --filter '(client|server)/src/seqpacket_')
# Branches that only exceptions take are no lines of ours; a line that a macro of the compiler's makes unreachable is none either.
gcovr=(gcovr --root . --object-directory $build --exclude-throw-branches --exclude-unreachable-branches --gcov-ignore-parse-errors)
mkdir -p $build/report
"${gcovr[@]}" --filter '(common|client|server)/' --html-details $build/report/index.html --json $build/report/coverage.json >/dev/null
echo "== all of common, client and server"
gcovr --root . --add-tracefile $build/report/coverage.json | tail -n 3
echo "== the wire, streams, sockets and connections"
gcovr --root . --add-tracefile $build/report/coverage.json "${core[@]}" --fail-under-line "$least"
[ -n "$passed" ] || {
  echo "tests have failed, so the figures may be of less than they would run" >&2
  exit 1
}
