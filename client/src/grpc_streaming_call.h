#ifndef UDSRPC_CLIENT_GRPC_STREAMING_CALL_H_
#define UDSRPC_CLIENT_GRPC_STREAMING_CALL_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "client/src/grpc_call.h"
#include "client/src/grpc_stream_queue.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/client_stream.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// A streaming call over gRPC, driven by the threads that wait for it. Each wait is for an operation that Cancel, the
// deadline and the end of the call end as well.
class GrpcStreamingCall final : public ClientStream, private GrpcCall {
 public:
  using GrpcCall::Settings;

  // Begins the call; one that cannot begin is a stream that has ended. `request` is sent, with the half-close, where it
  // is not null. Blocks as far as connecting does.
  static std::unique_ptr<ClientStream> Start(const Settings& settings, const MethodDescriptor& method,
                                             ClientContext& context, const google::protobuf::MessageLite* request);
  ~GrpcStreamingCall() override;

  bool Read(google::protobuf::MessageLite& message) override;
  bool Write(const google::protobuf::MessageLite& message, bool last) override;
  void AttachFds(std::vector<UniqueFd> fds) override;
  std::vector<UniqueFd> TakeFds() override { return {}; }
  bool WritesDone() override;
  void WaitForInitialMetadata() override;

 private:
  absl::Status FinishCall() override;

  GrpcStreamingCall(const Settings& settings, const MethodDescriptor& method, ClientContext& context)
      : GrpcCall(settings, method, context) {}

  void Begin(const grpc::ByteBuffer* request);
  // The bytes of the next message. False: there are no more.
  bool ReadBytes(grpc::ByteBuffer& bytes);
  // Initial metadata has come or never will. False: the call has been failed for it.
  bool OnInitialMetadata();
  // Drops all that still comes and waits for the status.
  grpc::Status AwaitStatus();
  // Has the call end now, with `status` if it is the first.
  void Fail(absl::Status status);

  GrpcStreamQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  bool ended_ = false;  // AwaitStatus has returned

  // What reads: one thread at a time.
  GrpcStreamQueue::Operation read_;
  bool initial_metadata_came_ = false;
  bool readable_ = true;           // no read has failed
  bool no_more_messages_ = false;  // none are left in the library either

  // What writes: one thread at a time. The first to be started.
  GrpcStreamQueue::Operation write_;
  bool half_closed_ = false;
  bool writable_ = true;  // no write has failed

  internal::Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_STREAMING_CALL_H_
