#include "tests/fuzz/fake_clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>

#include "tests/fuzz/check.h"

namespace udsrpc::fuzz {
namespace {

// Far ahead of the kernel's, which counts from boot: a thread that waits by that one until a time of ours is woken, or
// waits for ever, but is never early.
constexpr int64_t kStart = int64_t{1'000'000'000} * 1'000'000'000;

std::atomic<int64_t> now{kStart};

}  // namespace

void FakeClock::Reset() {
  now.store(kStart);
  FUZZ_CHECK(std::chrono::steady_clock::now().time_since_epoch() == std::chrono::nanoseconds(kStart));
}

void FakeClock::Advance(absl::Duration duration) { now.fetch_add(absl::ToInt64Nanoseconds(duration)); }

}  // namespace udsrpc::fuzz

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  if (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE) {
    return static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  }
  const int64_t nanoseconds = udsrpc::fuzz::now.load();
  time->tv_sec = nanoseconds / 1'000'000'000;
  time->tv_nsec = nanoseconds % 1'000'000'000;
  return 0;
}
