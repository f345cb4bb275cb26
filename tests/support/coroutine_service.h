#ifndef UDSRPC_TESTS_SUPPORT_COROUTINE_SERVICE_H_
#define UDSRPC_TESTS_SUPPORT_COROUTINE_SERVICE_H_

#include <atomic>
#include <optional>
#include <string>

#include "tests/proto/testing.udsrpc.pb.h"
#include "tests/support/event.h"

namespace udsrpc::testing {

// Serves testing.proto by coroutines, but for Echo, which is none. What Block does its gate says:
//
//   "cancelled"      waits for its cancellation
//   "asleep"         sleeps for an hour
//   "nested GATE"    has another call of Block made through `nested`, and ends with what that ends with
//   "blocks"         blocks its thread, which it should not, until `release` happens
//   "threads"        answers with the number of the process' threads
//
// Chat gives every second read up, and takes it up again, until it has come.
class CoroutineService final : public TestService {
 public:
  // That have come to where they wait, that are alive, and that have ended.
  Event arrivals;
  std::atomic<int> alive{0};
  Event ends;
  Event release;
  // For the calls that a handler makes. Set before these.
  std::optional<TestStub> nested;
  // What a coroutine that Hold leaves behind has read and written, when it gives up.
  Event left_behind;
  std::atomic<int> read_too_late{0};
  std::atomic<int> written_too_late{0};

  absl::Status Echo(ServerContext& context, const EchoRequest& request, EchoReply& reply) override;
  Task<absl::Status> FailAsync(ServerContext& context, const FailRequest& request, EchoReply& reply) override;
  Task<absl::Status> BlockAsync(ServerContext& context, const BlockRequest& request, EchoReply& reply) override;
  Task<absl::Status> ThrowAsync(ServerContext& context, const EchoRequest& request, EchoReply& reply) override;
  Task<absl::Status> InflateAsync(ServerContext& context, const InflateRequest& request, EchoReply& reply) override;
  Task<absl::Status> CountAsync(ServerContext& context, const InflateRequest& request,
                                AsyncServerWriter<EchoReply> writer) override;
  Task<absl::Status> CollectAsync(ServerContext& context, AsyncServerReader<EchoRequest> reader,
                                  CollectReply& reply) override;
  Task<absl::Status> ChatAsync(ServerContext& context, AsyncServerReaderWriter<EchoReply, EchoRequest> stream) override;
  // Ends at once, and leaves a coroutine behind that reads and writes on.
  Task<absl::Status> HoldAsync(ServerContext& context, AsyncServerReaderWriter<EchoReply, EchoRequest> stream) override;

 private:
  static Task<> ReadInto(AsyncServerReaderWriter<EchoReply, EchoRequest> stream, std::optional<EchoRequest>& request);
  static Task<> Moment();
  static Task<std::optional<EchoRequest>> ReadPatiently(AsyncServerReaderWriter<EchoReply, EchoRequest> stream);
  Task<absl::Status> CallOn(const ServerContext& context, std::string gate);
  Task<> ReadOn(AsyncServerReaderWriter<EchoReply, EchoRequest> stream);
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_COROUTINE_SERVICE_H_
