#ifndef UDSRPC_TESTS_SUPPORT_CHILD_PROCESS_H_
#define UDSRPC_TESTS_SUPPORT_CHILD_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::testing {

// A program that a test runs beside itself, with its standard input and output in the test's hands. Killed, if it still
// runs, when this is destroyed, and when the test dies.
class ChildProcess {
 public:
  // `arguments[0]` is the program, looked up in PATH where it has no slash. Aborts the test where it does not start.
  explicit ChildProcess(const std::vector<std::string>& arguments);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  // The next line of its output, without the newline; nothing at its end or after `patience`.
  std::optional<std::string> ReadLine(absl::Duration patience = absl::Seconds(30));
  // Everything that it still prints, up to its end or for `patience`.
  std::string ReadAll(absl::Duration patience = absl::Seconds(60));

  // Appends a newline. False: the program has closed its input or died, or takes nothing for `patience`.
  bool WriteLine(const std::string& line, absl::Duration patience = absl::Seconds(30));
  void CloseInput() { input_.reset(); }
  void Kill(int signal);
  // Waits for its end and returns the exit code, or minus the signal that ended it. Nothing after `patience`.
  std::optional<int> Wait(absl::Duration patience = absl::Seconds(30));

 private:
  // Appends what comes to `buffer_`. False: the end, or `deadline` has passed.
  bool Fill(absl::Time deadline);

  pid_t pid_ = -1;
  UniqueFd pidfd_;
  UniqueFd input_;
  UniqueFd output_;
  std::string buffer_;
  std::optional<int> result_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_CHILD_PROCESS_H_
