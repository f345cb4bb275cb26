#ifndef UDSRPC_TOOLS_INTERRUPTION_H_
#define UDSRPC_TOOLS_INTERRUPTION_H_

#include <functional>
#include <string>
#include <thread>

#include "tools/exit_code.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::tools {

// While it lives, the first SIGINT or SIGTERM (Ctrl-C) ends what the command is doing, and only the second one the
// process. One at a time.
class Interruption {
 public:
  // `on_interrupt` runs once at most, on a thread of its own; it may be null.
  explicit Interruption(std::function<void()> on_interrupt = nullptr);
  // It will not run any more.
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  bool interrupted() const;
  // How a command ends that was interrupted before it was done: with the signal's exit code.
  Outcome Interrupted(std::string message) const;
  // Readable once it was interrupted.
  int fd() const;

 private:
  UniqueFd stop_;
  std::thread thread_;
};

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_INTERRUPTION_H_
