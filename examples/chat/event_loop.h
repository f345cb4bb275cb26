#ifndef CHAT_EVENT_LOOP_H_
#define CHAT_EVENT_LOOP_H_

#include <coroutine>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "udsrpc/executor.h"

// A program's own event loop, as many programs have one, and how udsrpc comes to it: a channel whose executor this is
// runs its completions here, and coroutines that await them go on here. So they share their thread, and need no locks.
//
// Everything but the executor is for the loop's thread: that of Run.
class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // For ChannelOptions. The loop must outlive the channel.
  // README: executor
  udsrpc::Executor executor() {
    return [this](absl::AnyInvocable<void() &&> task) { Post(std::move(task)); };
  }
  // README: end

  // Returns after Stop.
  void Run();
  void Stop() { stopped_ = true; }

  // co_await: returns when there is something to be read from `fd`, or its end, or with WakeReader. One coroutine at a
  // time.
  auto Readable(int fd) {
    struct Awaiter {
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> coroutine) const {
        loop.read_fd_ = fd;
        loop.reader_ = coroutine;
      }
      void await_resume() const noexcept {}
      EventLoop& loop;
      int fd;
    };
    return Awaiter{*this, fd};
  }
  // Does nothing where no coroutine waits.
  void WakeReader();

 private:
  void Post(absl::AnyInvocable<void() &&> task);
  void RunPosted();

  const int wake_fd_;
  bool stopped_ = false;
  int read_fd_ = -1;  // none
  std::coroutine_handle<> reader_;

  std::mutex mutex_;
  std::vector<absl::AnyInvocable<void() &&>> posted_;  // guarded by it
};

#endif  // CHAT_EVENT_LOOP_H_
