#!/usr/bin/env bash
# Fuzzes, and tells what came of it.
#
#   tests/fuzz/run.sh [--merge] [SECONDS] [TARGET...]
#
# SECONDS a target, 60 unless said otherwise; all targets, unless some are named. Two run at a time. What they find to be
# worth keeping is in build/fuzz-corpus, and they go on from there the next time; with --merge the corpora of this
# directory are made anew of that and of what they had: the fewest inputs, and no long ones, that reach as much. An
# input that shows a defect is kept, the command that replays it is printed, and the script ends with 1.
#
# Asks nothing. Installs what is missing, builds what has changed.
set -euo pipefail
cd "$(dirname "$0")/../.."
. cmake/install_packages.sh

merge=
if [ "${1-}" = --merge ]; then merge=yes && shift; fi
seconds=60
case "${1-}" in [0-9]*) seconds=$1 && shift ;; esac
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for file in tests/fuzz/*_fuzz.cc; do targets+=("$(basename "$file" .cc)"); done
fi

install_packages "${build_packages[@]}" clang libclang-rt-dev
cmake --preset fuzz -DUDSRPC_WERROR=ON >/dev/null
cmake --build --preset fuzz

programs=build/fuzz/tests/fuzz
# Longer inputs are slower, and show nothing that several short ones do not. In the corpora they are shorter still.
max_len=2048
corpus_max_len=512
export LSAN_OPTIONS="suppressions=$PWD/tests/lsan.supp:print_suppressions=0"

fuzz() {
  local target=$1 found=build/fuzz-corpus/$1 log=build/fuzz-findings/$1.log
  mkdir -p "$found" build/fuzz-findings "tests/fuzz/corpus/$target"
  "$programs/$target" -max_total_time="$seconds" -max_len=$max_len -timeout=60 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="build/fuzz-findings/$target-" "$found" "tests/fuzz/corpus/$target" >"$log" 2>&1
}

report() {
  local target=$1 status=$2 log=build/fuzz-findings/$1.log
  local runs speed covered kept artifact
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  speed=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
  covered=$(sed -n 's/^#.* cov: \([0-9]*\) ft: \([0-9]*\) .*/\1 edges, \2 features/p' "$log" | tail -n 1)
  kept=$(find "build/fuzz-corpus/$target" -type f | wc -l)
  printf '%-16s %9s inputs %7s/s  %s, %s kept%s\n' "$target" "${runs:-?}" "${speed:-?}" "${covered:-?}" "$kept" \
    "$([ "$status" -eq 0 ] || echo '  FAILED')"
  [ "$status" -eq 0 ] && return 0
  grep -E 'check failed|ERROR: |SUMMARY: |runtime error' "$log" | head -n 5 >&2 || true
  artifact=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  echo "the whole of its output is in $log; replay with:" >&2
  echo "  $programs/$target ${artifact:-$log}" >&2
  return 1
}

failed=0
for ((i = 0; i < ${#targets[@]}; i += 2)); do
  pids=()
  for target in "${targets[@]:i:2}"; do
    fuzz "$target" &
    pids+=($!)
  done
  for j in "${!pids[@]}"; do
    status=0
    wait "${pids[j]}" || status=$?
    report "${targets[i + j]}" "$status" || failed=1
  done
done

# Those with a name of their own once showed a defect, and stay.
merge_corpus() {
  local target=$1 corpus=tests/fuzz/corpus/$1 work
  work=$(mktemp -d)
  "$programs/$target" -merge=1 -set_cover_merge=1 -use_counters=0 -max_len=$corpus_max_len "$work" "$corpus" \
    "build/fuzz-corpus/$target" >"build/fuzz-findings/$target.merge.log" 2>&1
  find "$corpus" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
  find "$work" -type f -exec mv -n -t "$corpus" {} +
  rm -rf "$work"
  echo "$corpus: $(find "$corpus" -type f | wc -l) inputs, $(cat "$corpus"/* | wc -c) bytes"
}

if [ -n "$merge" ]; then
  for target in "${targets[@]}"; do merge_corpus "$target"; done
fi
exit $failed
