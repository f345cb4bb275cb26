#ifndef UDSRPC_TESTS_RELIABILITY_MIXED_SERVICE_H_
#define UDSRPC_TESTS_RELIABILITY_MIXED_SERVICE_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "tests/proto/testing.udsrpc.pb.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::testing {

// Metadata of a call that a coroutine is to serve.
inline constexpr char kByCoroutine[] = "by-coroutine";
// Of a call of Collect or Chat that its client half-closes in the end, with no message lost: it says how many come.
inline constexpr char kMessagesToCome[] = "messages-to-come";

// Serves testing.proto for calls of every kind, by threads and by coroutines, and notices what must not be. Descriptors
// that come with Echo and Chat go back with the answer. Block waits for its cancellation, and so does Hold, which sends
// "held" and reads nothing.
class MixedService final : public TestService {
 public:
  // Handlers that have not ended: all, and those of one client's calls.
  std::atomic<int> running{0};
  int RunningOf(pid_t client) const;
  // Handlers that have ended because they were told, or saw, that nobody waits for them.
  std::atomic<int64_t> cancelled{0};
  // What must not be: handlers that found the end of their client's messages before all had come, and were not
  // cancelled; and handlers that waited to be cancelled and were not, for five minutes.
  std::atomic<int64_t> cut_short{0};
  std::atomic<int64_t> never_told{0};
  // Of the first of these.
  std::string FirstCutShort() const;

  absl::Status Echo(ServerContext& context, const EchoRequest& request, EchoReply& reply) override;
  absl::Status Fail(ServerContext& context, const FailRequest& request, EchoReply& reply) override;
  absl::Status Look(ServerContext& context, const LookRequest& request, LookReply& reply) override;
  absl::Status Block(ServerContext& context, const BlockRequest& request, EchoReply& reply) override;
  absl::Status Throw(ServerContext& context, const EchoRequest& request, EchoReply& reply) override;
  absl::Status Inflate(ServerContext& context, const InflateRequest& request, EchoReply& reply) override;
  absl::Status Count(ServerContext& context, const InflateRequest& request, ServerWriter<EchoReply>& writer) override;
  absl::Status Collect(ServerContext& context, ServerReader<EchoRequest>& reader, CollectReply& reply) override;
  absl::Status Chat(ServerContext& context, ServerReaderWriter<EchoReply, EchoRequest>& stream) override;
  absl::Status Hold(ServerContext& context, ServerReaderWriter<EchoReply, EchoRequest>& stream) override;

  Task<absl::Status> EchoAsync(ServerContext& context, const EchoRequest& request, EchoReply& reply) override;
  Task<absl::Status> BlockAsync(ServerContext& context, const BlockRequest& request, EchoReply& reply) override;
  Task<absl::Status> CountAsync(ServerContext& context, const InflateRequest& request,
                                AsyncServerWriter<EchoReply> writer) override;
  Task<absl::Status> CollectAsync(ServerContext& context, AsyncServerReader<EchoRequest> reader,
                                  CollectReply& reply) override;
  Task<absl::Status> ChatAsync(ServerContext& context, AsyncServerReaderWriter<EchoReply, EchoRequest> stream) override;

 private:
  class Running;

  Task<absl::Status> EchoLater(ServerContext& context, const EchoRequest& request, EchoReply& reply);
  Task<absl::Status> BlockLater(ServerContext& context);
  Task<absl::Status> CountLater(ServerContext& context, const InflateRequest& request,
                                AsyncServerWriter<EchoReply> writer);
  Task<absl::Status> CollectLater(ServerContext& context, AsyncServerReader<EchoRequest> reader, CollectReply& reply);
  Task<absl::Status> ChatLater(ServerContext& context, AsyncServerReaderWriter<EchoReply, EchoRequest> stream);

  // Blocks until the call is cancelled.
  absl::Status AwaitCancellation(ServerContext& context);
  // What a handler says that could not write, or read any more.
  absl::Status Cancelled();
  absl::Status AfterTheLastMessage(const ServerContext& context, uint64_t messages);

  mutable internal::Mutex mutex_;
  std::map<pid_t, int> running_of_ ABSL_GUARDED_BY(mutex_);  // where there are any
  std::string first_cut_short_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_RELIABILITY_MIXED_SERVICE_H_
