#ifndef UDSRPC_TESTS_SUPPORT_TEST_SERVICE_H_
#define UDSRPC_TESTS_SUPPORT_TEST_SERVICE_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "tests/proto/testing.udsrpc.pb.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::testing {

// Does what testing.proto says, and lets the test hold its handlers at gates.
class TestServiceImpl final : public TestService {
 public:
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

  // Waits, for 20 s at most, until `count` handlers have come to `gate`, or of the method Inflate where that is its
  // name. False: they have not.
  bool AwaitArrivals(const std::string& gate, int count);
  int arrivals(const std::string& gate) const;
  // Waits likewise until `count` handlers have left it because their calls were cancelled.
  bool AwaitCancelled(const std::string& gate, int count);
  // Waits, for `patience`, until `count` handlers of Count have written everything. False: they have not.
  bool AwaitCounted(int count, absl::Duration patience);
  // Lets all handlers through, now and later.
  void Open(const std::string& gate);

  int echoes() const;

 private:
  // OK once the gate is open.
  absl::Status PassGate(ServerContext& context, const std::string& gate);

  struct Gate {
    bool open = false;
    int arrivals = 0;
    int cancelled = 0;
  };

  mutable internal::Mutex mutex_;
  internal::CondVar changed_;
  absl::flat_hash_map<std::string, Gate> gates_ ABSL_GUARDED_BY(mutex_);
  int counted_ ABSL_GUARDED_BY(mutex_) = 0;
  int echoes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_TEST_SERVICE_H_
