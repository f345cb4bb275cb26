#include "tests/faults/fault_plan.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace udsrpc::testing {
namespace {

thread_local bool out_of_reach = false;

// The word's fields, lowest first.
constexpr int kErrorShift = 0;    // 12 bits
constexpr int kEffectShift = 12;  // 4
constexpr int kTimesShift = 16;   // 16
constexpr int kNthShift = 32;     // 24
constexpr int kCallShift = 56;    // 8

uint64_t Pack(const Fault& fault, int nth) {
  return static_cast<uint64_t>(fault.error) << kErrorShift | static_cast<uint64_t>(fault.effect) << kEffectShift |
         static_cast<uint64_t>(fault.times) << kTimesShift | static_cast<uint64_t>(nth) << kNthShift |
         static_cast<uint64_t>(fault.call) << kCallShift;
}

int Field(uint64_t word, int shift, int bits) { return static_cast<int>(word >> shift & ((uint64_t{1} << bits) - 1)); }

constexpr absl::string_view kNames[] = {
    "socket",    "bind",          "listen",     "accept4",      "connect",    "send",         "sendmsg",       "recv",
    "recvmsg",   "shutdown",      "getsockopt", "SO_PEERPIDFD", "setsockopt", "getsockname",  "getpeername",   "poll",
    "ppoll",     "epoll_create1", "epoll_ctl",  "epoll_pwait2", "eventfd",    "read (event)", "write (event)", "fcntl",
    "F_DUPFD",   "open",          "openat",     "read",         "fstat",      "fstatat",      "unlinkat",      "fchmod",
    "fchmodat2", "chmod",         "fchownat",   "flock",        "close",      "thread"};
static_assert(std::size(kNames) == kSystemCalls);

std::vector<Fault> MakeFaults() {
  std::vector<Fault> faults;
  const auto add = [&faults](SystemCall call, std::initializer_list<int> errors, int times = 1) {
    for (const int error : errors) faults.push_back(Fault{.call = call, .error = error, .times = times});
  };
  const auto add_effect = [&faults](SystemCall call, Fault::Effect effect) {
    faults.push_back(Fault{.call = call, .effect = effect});
  };
  using enum SystemCall;
  add(kSocket, {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES});
  add(kBind, {EADDRINUSE, EACCES, ENOENT, ENOTDIR, ENOSPC, EROFS, ENOMEM});
  add(kListen, {EADDRINUSE, EACCES});
  add(kAccept, {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EPERM, EINTR, EAGAIN});
  add(kAccept, {EMFILE}, 3);
  add(kConnect, {EAGAIN, ECONNREFUSED, EINTR, EACCES, EPERM, ENOENT, ENOMEM, ENOBUFS, EPROTOTYPE});
  add(kConnect, {EINTR}, 3);
  // EACCES: a security module's, or that of a filter of the control group's.
  add(kSend, {EAGAIN, EINTR, ENOBUFS, ENOMEM, EMSGSIZE, EPIPE, ECONNRESET, ENOTCONN, EACCES});
  add(kSend, {EAGAIN, EINTR, ENOBUFS}, 4);
  add(kSendmsg, {EAGAIN, EINTR, ENOBUFS, ENOMEM, EMSGSIZE, EPIPE, ECONNRESET, ETOOMANYREFS, EBADF, EACCES});
  add(kSendmsg, {EAGAIN, EINTR, ETOOMANYREFS}, 4);
  for (const SystemCall call : {kRecv, kRecvmsg}) {
    add(call, {EAGAIN, EINTR, ECONNRESET, ENOMEM, ENOBUFS, EACCES});
    add(call, {EAGAIN, EINTR}, 4);
    add_effect(call, Fault::Effect::kEnd);
    add_effect(call, Fault::Effect::kTruncated);
  }
  add_effect(kRecvmsg, Fault::Effect::kNoFds);
  add(kShutdown, {ENOTCONN});
  add(kGetsockopt, {ENOPROTOOPT, ENOMEM});
  add(kGetPidfd, {EMFILE, ENFILE, ENODATA, ENOPROTOOPT, ESRCH});
  add(kSetsockopt, {ENOPROTOOPT, ENOMEM});
  add(kGetsockname, {ENOBUFS});
  add(kGetpeername, {ENOBUFS, ENOTCONN});
  add(kPoll, {EINTR, ENOMEM});
  add(kPpoll, {EINTR, ENOMEM});
  add(kPpoll, {EINTR}, 4);
  add(kEpollCreate, {EMFILE, ENFILE, ENOMEM});
  add(kEpollAdd, {ENOMEM, ENOSPC});
  add(kEpollWait, {EINTR});
  add(kEpollWait, {EINTR}, 4);
  add(kEventfd, {EMFILE, ENFILE, ENOMEM, ENODEV});
  add(kReadEvent, {EINTR});
  add(kWriteEvent, {EINTR});
  add(kSetFlags, {EPERM, EACCES});
  add(kDuplicate, {EMFILE});
  add(kOpen, {EACCES, EMFILE, ENFILE, ENOENT, ENOMEM, EINTR, ELOOP});
  add(kOpenat, {EACCES, EMFILE, ENFILE, ENOENT, ENOMEM, EINTR, ELOOP});
  add(kReadFile, {EINTR, EIO, ESRCH});
  add(kFstat, {ENOMEM, EIO});
  add(kFstatat, {ENOMEM, EACCES, EIO});
  add(kUnlinkat, {EACCES, EPERM, EBUSY, EROFS, EIO});
  add(kFchmod, {EPERM, EIO});
  add(kFchmodat2, {ENOSYS, EPERM});
  add(kChmod, {EPERM, ENOENT, EIO});
  add(kFchownat, {EPERM, EACCES, EROFS});
  add(kFlock, {EINTR, EWOULDBLOCK, ENOLCK});
  add(kClose, {EINTR, EIO});
  add(kThread, {EAGAIN});
  add(kThread, {EAGAIN}, 3);
  return faults;
}

}  // namespace

absl::string_view NameOf(SystemCall call) { return kNames[static_cast<size_t>(call)]; }

bool Fault::passes() const {
  if (effect != Effect::kError || (error != EINTR && error != EAGAIN)) return false;
  switch (call) {
    case SystemCall::kConnect:
    case SystemCall::kAccept:
      return error == EINTR;
    case SystemCall::kSend:
    case SystemCall::kSendmsg:
    case SystemCall::kRecv:
    case SystemCall::kRecvmsg:
    case SystemCall::kPoll:
    case SystemCall::kPpoll:
    case SystemCall::kEpollWait:
    case SystemCall::kReadEvent:
    case SystemCall::kWriteEvent:
      return true;
    default:
      return false;
  }
}

std::string Fault::ToString() const {
  std::string what;
  switch (effect) {
    case Effect::kError:
      what = strerrorname_np(error);
      break;
    case Effect::kEnd:
      what = "end of file";
      break;
    case Effect::kTruncated:
      what = "truncated";
      break;
    case Effect::kNoFds:
      what = "without descriptors";
      break;
  }
  if (times == kForGood) absl::StrAppend(&what, ", for good");
  if (times > 1 && times < kForGood) absl::StrAppend(&what, ", ", times, " times");
  return absl::StrCat(NameOf(call), ": ", what);
}

const std::vector<Fault>& AllFaults() {
  static const std::vector<Fault>& faults = *new std::vector<Fault>(MakeFaults());
  return faults;
}

FaultPlan& FaultPlan::Get() {
  static FaultPlan plan;  // trivially destroyed: threads that outlive main may ask
  return plan;
}

void FaultPlan::Arm(const Fault& fault, int nth) {
  active_.store(false);
  for (std::atomic<int>& count : counts_) count.store(0);
  injected_.store(0);
  armed_.store(Pack(fault, nth));
  active_.store(true);
}

OutOfReach::OutOfReach() { out_of_reach = true; }
OutOfReach::~OutOfReach() { out_of_reach = false; }

std::optional<FaultPlan::Injection> FaultPlan::OnCall(SystemCall call) {
  if (!active_.load(std::memory_order_acquire) || out_of_reach) return std::nullopt;
  const int n = counts_[static_cast<size_t>(call)].fetch_add(1, std::memory_order_relaxed) + 1;
  const uint64_t armed = armed_.load(std::memory_order_relaxed);
  if (Field(armed, kCallShift, 8) != static_cast<int>(call)) return std::nullopt;
  const int nth = Field(armed, kNthShift, 24);
  const int times = Field(armed, kTimesShift, 16);
  if (n < nth || (times != Fault::kForGood && n >= nth + times)) return std::nullopt;
  injected_.fetch_add(1, std::memory_order_relaxed);
  return Injection{.effect = static_cast<Fault::Effect>(Field(armed, kEffectShift, 4)),
                   .error = Field(armed, kErrorShift, 12)};
}

}  // namespace udsrpc::testing
