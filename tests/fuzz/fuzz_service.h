#ifndef UDSRPC_TESTS_FUZZ_FUZZ_SERVICE_H_
#define UDSRPC_TESTS_FUZZ_FUZZ_SERVICE_H_

#include <coroutine>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/wrappers.pb.h"
#include "udsrpc/async_server_stream.h"
#include "udsrpc/cancellation.h"
#include "udsrpc/method.h"
#include "udsrpc/service.h"
#include "udsrpc/task.h"

namespace udsrpc::fuzz {

// A service whose handlers do what the fuzzer says, when it says so.
class FuzzService final : public Service {
 public:
  using Bytes = google::protobuf::BytesValue;

  FuzzService();

  static constexpr const char* kPaths[] = {"/f.F/Unary", "/f.F/Count", "/f.F/Collect", "/f.F/Chat", "/f.F/Quick"};
  static std::optional<MethodKind> KindOf(absl::string_view path);

  // A handler that runs, or has.
  class Handler {
   public:
    Handler(ServerContext& context, Bytes* response) : context_(&context), response_(response) {}

    bool running() const { return context_ != nullptr; }
    bool busy() const { return reading_ || writing_; }
    ServerContext& context() const { return *context_; }
    int times_cancelled() const { return times_cancelled_; }

    // Each does nothing where the handler cannot do that now.
    void Read(bool impatient);
    void StopReading();
    void Write(size_t size, size_t descriptors);
    void SendInitialMetadata();
    void TakeFds();
    // The last: it is over when this returns.
    void Finish(absl::Status status, size_t response_size, size_t descriptors);

   private:
    friend class FuzzService;
    struct Ending;

    Task<> ReadOne();
    Task<> WriteOne(Bytes message, size_t descriptors);

    ServerContext* context_;  // null: it has ended
    Bytes* const response_;
    std::optional<AsyncServerReader<Bytes>> reader_;
    std::optional<AsyncServerWriter<Bytes>> writer_;
    std::optional<AsyncServerReaderWriter<Bytes, Bytes>> stream_;
    bool reading_ = false;
    bool writing_ = false;
    std::unique_ptr<Cancellation> stop_reading_;
    int times_cancelled_ = 0;
    std::coroutine_handle<> waits_;
    absl::Status result_;
  };

  // Of the present input, in the order in which they began. Handlers stay where they are.
  std::deque<Handler>& handlers() { return handlers_; }
  size_t running() const;

 private:
  absl::Status Unary(ServerContext& context, const Bytes& request, Bytes& response);
  absl::Status Count(ServerContext& context, const Bytes& request, ServerWriter<Bytes>& writer);
  absl::Status Collect(ServerContext& context, ServerReader<Bytes>& reader, Bytes& response);
  absl::Status Chat(ServerContext& context, ServerReaderWriter<Bytes, Bytes>& stream);
  // No coroutine.
  absl::Status Quick(ServerContext& context, const Bytes& request, Bytes& response);

  Task<absl::Status> UnaryAsync(ServerContext& context, const Bytes& request, Bytes& response);
  Task<absl::Status> CountAsync(ServerContext& context, const Bytes& request, AsyncServerWriter<Bytes> writer);
  Task<absl::Status> CollectAsync(ServerContext& context, AsyncServerReader<Bytes> reader, Bytes& response);
  Task<absl::Status> ChatAsync(ServerContext& context, AsyncServerReaderWriter<Bytes, Bytes> stream);
  static Task<absl::Status> Serve(Handler& handler);

  std::deque<Handler> handlers_;
};

}  // namespace udsrpc::fuzz

#endif  // UDSRPC_TESTS_FUZZ_FUZZ_SERVICE_H_
