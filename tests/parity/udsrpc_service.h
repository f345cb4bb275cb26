#ifndef UDSRPC_TESTS_PARITY_UDSRPC_SERVICE_H_
#define UDSRPC_TESTS_PARITY_UDSRPC_SERVICE_H_

#include <thread>
#include <utility>
#include <vector>

#include "parity.udsrpc.pb.h"
#include "tests/parity/server_call.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::parity {

// udsrpc's generated service, with a script behind all its methods.
class UdsrpcService final : public CallsService {
 public:
  explicit UdsrpcService(Script script) : script_(std::move(script)) {}

  absl::Status Unary(ServerContext& context, const Note& request, Note& reply) override;
  absl::Status ServerStream(ServerContext& context, const Note& request, ServerWriter<Note>& writer) override;
  absl::Status ClientStream(ServerContext& context, ServerReader<Note>& reader, Note& reply) override;
  absl::Status Bidi(ServerContext& context, ServerReaderWriter<Note, Note>& stream) override;

 private:
  const Script script_;
};

// The same whose handlers are coroutines. The script, which blocks, runs on a thread of its own, and what it asks for
// is awaited.
class UdsrpcCoroutineService final : public CallsService {
 public:
  explicit UdsrpcCoroutineService(Script script) : script_(std::move(script)) {}
  // No call is under way.
  ~UdsrpcCoroutineService() override;

  Task<absl::Status> UnaryAsync(ServerContext& context, const Note& request, Note& reply) override;
  Task<absl::Status> ServerStreamAsync(ServerContext& context, const Note& request,
                                       AsyncServerWriter<Note> writer) override;
  Task<absl::Status> ClientStreamAsync(ServerContext& context, AsyncServerReader<Note> reader, Note& reply) override;
  Task<absl::Status> BidiAsync(ServerContext& context, AsyncServerReaderWriter<Note, Note> stream) override;

 private:
  class Run;

  const Script script_;
  internal::Mutex mutex_;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

// The same service as one whose handlers send no reply: by their kind they owe none.
class ReplylessService final : public Service {
 public:
  ReplylessService();

 private:
  absl::Status ReadOne(ServerContext& context, ServerReaderWriter<Note, Note>& stream);
};

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_UDSRPC_SERVICE_H_
