#ifndef UDSRPC_TESTS_SUPPORT_PROCESS_USAGE_H_
#define UDSRPC_TESTS_SUPPORT_PROCESS_USAGE_H_

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace udsrpc::testing {

// What a process that runs takes of the machine, by the kernel's word (proc(5)). Of one that has ended, nothing.
class ProcessUsage {
 public:
  explicit ProcessUsage(pid_t pid);

  // Bytes in memory that are its own: not those of its program's files.
  size_t memory() const { return StatusBytes("RssAnon:") + StatusBytes("RssShmem:"); }
  // The most that it had in memory since ResetPeak, beyond what it had then.
  size_t PeakGrowth() const;
  // False: the kernel does not let it, and PeakGrowth says what there is now.
  bool ResetPeak();
  // User's and system's time, of all its threads.
  absl::Duration cpu() const;
  // Without pipes: no code of this project makes any, but a sanitizer does, to its symbolizer.
  int open_files() const;
  int threads() const;

 private:
  size_t StatusBytes(absl::string_view field) const;

  const std::string directory_;
  bool peak_known_ = false;
  size_t resident_at_reset_ = 0;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_PROCESS_USAGE_H_
