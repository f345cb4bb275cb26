#ifndef UDSRPC_TESTS_FAULTS_FAULT_PLAN_H_
#define UDSRPC_TESTS_FAULTS_FAULT_PLAN_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace udsrpc::testing {

// What this project's own code asks of the kernel, and of the C library for a thread. Calls of the libraries that it
// stands on are not among them.
enum class SystemCall : uint8_t {
  kSocket,
  kBind,
  kListen,
  kAccept,
  kConnect,
  kSend,
  kSendmsg,
  kRecv,
  kRecvmsg,
  kShutdown,
  kGetsockopt,
  kGetPidfd,  // getsockopt(SO_PEERPIDFD), which opens a descriptor
  kSetsockopt,
  kGetsockname,
  kGetpeername,
  kPoll,
  kPpoll,
  kEpollCreate,
  kEpollAdd,
  kEpollWait,
  kEventfd,
  kReadEvent,
  kWriteEvent,
  kSetFlags,   // fcntl, of a descriptor's flags
  kDuplicate,  // fcntl(F_DUPFD_CLOEXEC)
  kOpen,
  kOpenat,
  kReadFile,
  kFstat,
  kFstatat,
  kUnlinkat,
  kFchmod,
  kFchmodat2,
  kChmod,
  kFchownat,
  kFlock,
  kClose,
  kThread,  // std::thread's constructor
};
inline constexpr size_t kSystemCalls = static_cast<size_t>(SystemCall::kThread) + 1;

absl::string_view NameOf(SystemCall call);

// One way in which one of these calls fails, or does less than it was asked for.
struct Fault {
  enum class Effect : uint8_t {
    kError,      // returns -1 and `error`, and does nothing; close(2) closes all the same, as the kernel's does
    kEnd,        // receives no byte, as at the connection's end
    kTruncated,  // receives a packet that is larger than the buffer
    kNoFds,      // receives a packet without the descriptors that were in it, as where no number is free for them
  };
  static constexpr int kForGood = 0xffff;

  SystemCall call = SystemCall::kSocket;
  Effect effect = Effect::kError;
  int error = 0;
  int times = 1;  // how many calls in a row; kForGood: until it is disarmed

  // Whether it is to be passed over, so that nobody is to see anything of it.
  bool passes() const;
  std::string ToString() const;
};

// All that can happen: each call with each errno that its manual page and the kernel's source have for what this
// project asks of it.
const std::vector<Fault>& AllFaults();

// Which call is to fail, and how. There is one in a process, which the wrappers ask (wrapped_calls.cc). Thread-safe.
class FaultPlan {
 public:
  static FaultPlan& Get();

  // Counts the calls from now on.
  void Count() { Arm(Fault{.times = 0}, 0); }
  // Has the `nth` call of that kind from now on fail, from 1 on, and those behind it as `fault.times` says.
  void Arm(const Fault& fault, int nth);
  void Disarm() { active_.store(false); }

  // Since it was armed, or began to count.
  int counted(SystemCall call) const { return counts_[static_cast<size_t>(call)].load(); }
  int injected() const { return injected_.load(); }

  // For the wrappers: what is to happen to this call; nothing where it is to be made.
  struct Injection {
    Fault::Effect effect;
    int error;
  };
  std::optional<Injection> OnCall(SystemCall call);

 private:
  FaultPlan() = default;

  std::atomic<bool> active_{false};
  std::atomic<uint64_t> armed_{0};  // the fault, see fault_plan.cc: one word, which a wrapper reads as a whole
  std::atomic<int> injected_{0};
  std::array<std::atomic<int>, kSystemCalls> counts_{};
};

// While it lives the calling thread's calls are a test's own, and no fault is for them.
class OutOfReach {
 public:
  OutOfReach();
  ~OutOfReach();
  OutOfReach(const OutOfReach&) = delete;
  OutOfReach& operator=(const OutOfReach&) = delete;
};

// A thread of a test's own.
template <typename Function>
std::thread StartThread(Function function) {
  const OutOfReach started;
  return std::thread(std::move(function));
}

// Armed while it lives.
class ArmedFault {
 public:
  explicit ArmedFault(const Fault& fault, int nth = 1) { FaultPlan::Get().Arm(fault, nth); }
  ~ArmedFault() { FaultPlan::Get().Disarm(); }
  ArmedFault(const ArmedFault&) = delete;
  ArmedFault& operator=(const ArmedFault&) = delete;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_FAULTS_FAULT_PLAN_H_
