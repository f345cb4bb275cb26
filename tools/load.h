#ifndef UDSRPC_TOOLS_LOAD_H_
#define UDSRPC_TOOLS_LOAD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/empty.pb.h"
#include "tools/load_record.h"
#include "udsrpc/channel.h"
#include "udsrpc/client_context.h"
#include "udsrpc/method.h"

namespace udsrpc::tools {

// What is called, how, and how often.
struct LoadPlan {
  MethodDescriptor method{};
  // In its encoded form, as the fields of a message that knows none: neither to write it, nor to read a response, does
  // reflection take part.
  google::protobuf::Empty request;
  absl::Duration timeout = absl::InfiniteDuration();
  std::vector<std::pair<std::string, std::string>> metadata;
  // Used in turn.
  std::vector<std::shared_ptr<Channel>> channels;
  // Calls that are outstanding, or at most, where there is a schedule.
  int concurrency = 1;
  // Nothing: each call begins when the one before it ends. Else how many begin each second, whatever becomes of them.
  std::optional<double> rate;
};

// Calls under way, until the record's time is over. Made by StartLoad; used by one thread.
class Load {
 public:
  // There is no call under way any more: see AwaitEnd.
  virtual ~Load() = default;
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Waits until the time is over and all calls have ended. False: they have not, for `patience`.
  virtual bool AwaitEnd(absl::Duration patience) = 0;
  // Ends the calls that are under way. None begins after the record's end; not to be called before it.
  virtual void CancelCalls() = 0;
  // Of a schedule, once the load has ended: how many calls were due and never began, for want of others' ends, and for
  // how long the first of them had been.
  virtual uint64_t never_begun() const { return 0; }
  virtual LoadClock::duration longest_due() const { return {}; }

 protected:
  Load() = default;
};

// Begins a load on threads of its own; `plan` and `record` must outlive it. Streams, and one call at a time, are made
// by a thread each that waits for them; other calls by the channels' threads as others end.
std::unique_ptr<Load> StartLoad(const LoadPlan& plan, LoadRecord* record);

// One call, which is waited for, and the number of messages that came.
std::pair<absl::Status, uint64_t> MakeCall(const LoadPlan& plan, Channel& channel, ClientContext* context);

// Gives a context what all calls of the plan have.
void PrepareCall(const LoadPlan& plan, ClientContext* context);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_LOAD_H_
