#ifndef UDSRPC_SERVER_INTERCEPTED_CALL_H_
#define UDSRPC_SERVER_INTERCEPTED_CALL_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "server/src/server_call.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/server_interceptor.h"
#include "udsrpc/service.h"

namespace udsrpc {

// A call between its transport and its handler, where interceptors see it. The first of the server's list is outermost:
// it sees the start first and the end last.
class InterceptedServerCall final : public ServerCall, private ServerStream {
 public:
  // `call` must outlive it until Finish.
  InterceptedServerCall(const std::vector<ServerInterceptorFactory>& factories, const ServerMethod& method,
                        ServerCall& call);

  // Once, first. The status is that of the interceptor that refuses the call; then Finish is to be called with it.
  absl::Status Start();

  ServerContext& context() override { return call_.context(); }
  Metadata& client_metadata() override { return call_.client_metadata(); }
  bool ParseRequest(google::protobuf::MessageLite& request) override;
  ServerStream& stream() override { return *this; }
  std::shared_ptr<AsyncServerStream> async_stream() override;
  void Keep(std::unique_ptr<Handling> handling) override { call_.Keep(std::move(handling)); }
  // It, too, may be gone when this returns.
  void Finish(const absl::Status& status, const google::protobuf::MessageLite* response) override;

 private:
  // Shared with the stream of a coroutine, which may outlive the call.
  struct Interceptors {
    void Received(const google::protobuf::MessageLite& message);
    void Sending(const google::protobuf::MessageLite& message);

    // For coroutines: the same unless they have been finished.
    void ReceivedInTime(const google::protobuf::MessageLite& message);
    void SendingInTime(const google::protobuf::MessageLite& message);
    void EndMessages();

    internal::Mutex mutex;
    bool finished ABSL_GUARDED_BY(mutex) = false;
    std::vector<std::unique_ptr<ServerInterceptor>> all;
  };
  class AsyncStream;

  bool Read(google::protobuf::MessageLite& message) override;
  bool Write(const google::protobuf::MessageLite& message) override;
  void AttachFds(std::vector<UniqueFd> fds) override { call_.stream().AttachFds(std::move(fds)); }
  std::vector<UniqueFd> TakeFds() override { return call_.stream().TakeFds(); }
  void SendInitialMetadata() override { call_.stream().SendInitialMetadata(); }

  ServerCall& call_;
  const std::shared_ptr<Interceptors> interceptors_ = std::make_shared<Interceptors>();
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_INTERCEPTED_CALL_H_
