#include "tests/support/process_usage.h"

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace udsrpc::testing {
namespace {

int EntriesOf(const std::string& directory) {
  std::error_code error;
  int entries = 0;
  std::filesystem::directory_iterator it(directory, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) ++entries;
  return entries;
}

}  // namespace

ProcessUsage::ProcessUsage(pid_t pid) : directory_(absl::StrCat("/proc/", pid)) {}

size_t ProcessUsage::StatusBytes(absl::string_view field) const {
  std::ifstream file(directory_ + "/status");
  for (std::string line; std::getline(file, line);) {
    absl::string_view rest = line;
    if (rest.substr(0, field.size()) != field) continue;
    rest = absl::StripAsciiWhitespace(rest.substr(field.size()));
    uint64_t kilobytes = 0;
    if (absl::SimpleAtoi(rest.substr(0, rest.find(' ')), &kilobytes)) return kilobytes << 10;
  }
  return 0;
}

bool ProcessUsage::ResetPeak() {
  std::ofstream file(directory_ + "/clear_refs");
  file << "5" << std::flush;  // the peak of the resident set becomes what it is now
  peak_known_ = file.good();
  resident_at_reset_ = StatusBytes("VmRSS:");
  return peak_known_;
}

size_t ProcessUsage::PeakGrowth() const {
  const size_t peak = StatusBytes(peak_known_ ? "VmHWM:" : "VmRSS:");
  return peak > resident_at_reset_ ? peak - resident_at_reset_ : 0;
}

absl::Duration ProcessUsage::cpu() const {
  std::ifstream file(directory_ + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  // Fields are counted behind the name, which may have spaces and ends with the last ')': utime is the 12th, stime the
  // 13th.
  const std::string all = text.str();
  const size_t end = all.rfind(')');
  if (end == std::string::npos) return absl::ZeroDuration();
  const std::vector<std::string> fields = absl::StrSplit(all.substr(end + 2), ' ');
  int64_t user = 0;
  int64_t system = 0;
  if (fields.size() < 13 || !absl::SimpleAtoi(fields[11], &user) || !absl::SimpleAtoi(fields[12], &system)) {
    return absl::ZeroDuration();
  }
  return absl::Seconds(1) * static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

int ProcessUsage::open_files() const {
  std::error_code error;
  int files = 0;
  std::filesystem::directory_iterator it(directory_ + "/fd", error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    std::error_code gone;
    if (!absl::StartsWith(std::filesystem::read_symlink(it->path(), gone).string(), "pipe:")) ++files;
  }
  return files;
}

int ProcessUsage::threads() const { return EntriesOf(directory_ + "/task"); }

}  // namespace udsrpc::testing
