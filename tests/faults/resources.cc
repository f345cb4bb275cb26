#include "tests/faults/resources.h"

#include <dirent.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/event.h"

namespace udsrpc::testing {
namespace {

// Long waits are for a machine that is busy, so what has happened already is not to cost one.
template <typename Done>
void AwaitDone(const Done& done) {
  const absl::Time give_up = absl::Now() + kPatience;
  while (!done() && absl::Now() < give_up) absl::SleepFor(absl::Microseconds(100));
}

}  // namespace

Descriptors OpenDescriptors() {
  Descriptors sorts;
  DIR* const directory = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.' || std::atoi(entry->d_name) == dirfd(directory)) continue;
    char target[256];
    const ssize_t size = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target));
    if (size <= 0) continue;
    std::string sort(target, static_cast<size_t>(size));
    if (const size_t number = sort.find(":["); number != std::string::npos && !absl::StartsWith(sort, "anon_inode")) {
      sort.resize(number);  // "socket", "pipe"
    }
    if (sort == "pipe") continue;  // no code of this project makes any, but a sanitizer does, to its symbolizer
    ++sorts[sort];
  }
  closedir(directory);
  return sorts;
}

std::string LeftOpen(const Descriptors& before) {
  std::string more;
  AwaitDone([&] {
    more.clear();
    for (const auto& [sort, count] : OpenDescriptors()) {
      const auto known = before.find(sort);
      const int expected = known == before.end() ? 0 : known->second;
      if (count > expected) absl::StrAppend(&more, count, " ", sort, ", and ", expected, " before; ");
    }
    return more.empty();
  });
  return more;
}

int OwnThreads() {
  int count = 0;
  std::string own;
  std::getline(std::ifstream("/proc/self/comm"), own);
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(thread.path() / "comm"), name);
    if (name == own || absl::StartsWith(name, "udsrpc-")) ++count;
  }
  return count;
}

int OwnThreadsBecome(int most) {
  int threads = 0;
  AwaitDone([&] { return (threads = OwnThreads()) <= most; });
  return threads;
}

}  // namespace udsrpc::testing
