#ifndef UDSRPC_TESTS_RELIABILITY_PROCESS_RESOURCES_H_
#define UDSRPC_TESTS_RELIABILITY_PROCESS_RESOURCES_H_

#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/process_usage.h"

// What a process has, of what it must not have more and more of.

namespace udsrpc::testing {

inline int64_t EntriesOf(const std::string& directory) {
  const std::filesystem::directory_iterator entries(directory);
  return std::distance(begin(entries), end(entries));
}

inline int64_t OpenDescriptorCount() { return ProcessUsage(getpid()).open_files(); }
inline int64_t ThreadCount() { return EntriesOf("/proc/self/task"); }

// Once what malloc keeps for later is given back.
inline int64_t ResidentBytes() {
  malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  int64_t pages = 0;
  int64_t resident = 0;
  statm >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// As "name=value name=value", and back.
using Figures = std::map<std::string, int64_t>;

inline std::string FormatFigures(const Figures& figures) {
  std::string line;
  for (const auto& [name, value] : figures) absl::StrAppend(&line, line.empty() ? "" : " ", name, "=", value);
  return line;
}

inline Figures ParseFigures(const std::string& line) {
  Figures figures;
  for (const std::string& figure : static_cast<std::vector<std::string>>(absl::StrSplit(line, ' '))) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(figure, absl::MaxSplits('=', 1));
    int64_t value;
    if (absl::SimpleAtoi(parts.second, &value)) figures[parts.first] = value;
  }
  return figures;
}

// 0 where there is none of that name.
inline int64_t FigureOf(const Figures& figures, const std::string& name) {
  const auto found = figures.find(name);
  return found == figures.end() ? 0 : found->second;
}

inline Figures ProcessFigures() {
  return {{"descriptors", OpenDescriptorCount()}, {"threads", ThreadCount()}, {"resident", ResidentBytes()}};
}

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_RELIABILITY_PROCESS_RESOURCES_H_
