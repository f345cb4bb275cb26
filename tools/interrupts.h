#ifndef UDSRPC_TOOLS_INTERRUPTS_H_
#define UDSRPC_TOOLS_INTERRUPTS_H_

#include <csignal>
#include <functional>
#include <thread>

#include "udsrpc/unique_fd.h"

namespace udsrpc::tools {

// Ctrl-C, and SIGTERM, as something that a command is told of, in the place of its end. To be made before other threads
// are, which would be ended by the signals otherwise.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  // Readable once there was one.
  int fd() const { return fd_.get(); }

  // Has a thread call `on_interrupt` at the first, until it is destroyed.
  class Watcher {
   public:
    Watcher(const Interrupts& interrupts, std::function<void()> on_interrupt);
    ~Watcher();

   private:
    const UniqueFd stop_;
    std::thread thread_;
  };

 private:
  sigset_t before_;
  UniqueFd fd_;
};

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_INTERRUPTS_H_
