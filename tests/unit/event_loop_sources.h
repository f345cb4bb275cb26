#ifndef UDSRPC_TESTS_UNIT_EVENT_LOOP_SOURCES_H_
#define UDSRPC_TESTS_UNIT_EVENT_LOOP_SOURCES_H_

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/src/event_loop.h"
#include "server/src/method_pace.h"
#include "tests/support/event.h"

namespace udsrpc {

using udsrpc::testing::Event;

class FunctionTask final : public EventLoop::Task {
 public:
  FunctionTask(std::function<void()> run, std::atomic<int>& parked, MethodPace* pace)
      : run_(std::move(run)), parked_(parked), pace_(pace) {}
  void Run(std::unique_ptr<EventLoop::Task> /*self*/) override { run_(); }
  void Park() override { ++parked_; }
  MethodPace* pace() override { return pace_; }

 private:
  std::function<void()> run_;
  std::atomic<int>& parked_;
  MethodPace* const pace_;
};

// Runs `handler` with each packet that comes, as of a method of `pace`, which may be null. A packet of several bytes
// makes as many tasks; one of only dots makes none.
class Packets final : public EventLoop::Source {
 public:
  explicit Packets(std::function<void(char)> handler, MethodPace* pace = nullptr)
      : handler_(std::move(handler)), pace_(pace) {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds_), 0);
  }
  ~Packets() override {
    close(fds_[0]);
    close(fds_[1]);
  }

  int fd() const { return fds_[0]; }
  void Send(const std::string& bytes) { EXPECT_GT(send(fds_[1], bytes.data(), bytes.size(), 0), 0); }

  void OnReadable(std::vector<std::unique_ptr<EventLoop::Task>>& tasks) override {
    char bytes[100];
    const ssize_t count = recv(fds_[0], bytes, sizeof(bytes), 0);
    for (ssize_t i = 0; i < count; ++i) {
      if (bytes[i] == '.') {
        ++dots;
        continue;
      }
      tasks.push_back(std::make_unique<FunctionTask>([this, byte = bytes[i]] { handler_(byte); }, parked, pace_));
    }
  }
  bool Poll(std::vector<std::unique_ptr<EventLoop::Task>>&) override { return false; }
  void OnWritable() override {}
  void Flush() override { ++flushes; }

  std::atomic<int> flushes{0};
  std::atomic<int> parked{0};
  std::atomic<int> dots{0};

 private:
  std::function<void(char)> handler_;
  MethodPace* const pace_;
  int fds_[2];
};

inline std::unique_ptr<EventLoop> MakeLoop(int max_handlers) {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop =
      EventLoop::Create(std::make_shared<HandlerSlots>(max_handlers), absl::ZeroDuration());
  EXPECT_TRUE(loop.ok()) << loop.status();
  return *std::move(loop);
}

}  // namespace udsrpc

#endif  // UDSRPC_TESTS_UNIT_EVENT_LOOP_SOURCES_H_
